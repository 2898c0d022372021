"""Report what is missing while a metadata source is not set up or does not answer, for `/ready` and the system page."""

from __future__ import annotations

from collections.abc import Iterable

from mydia.contexts import library, media, metadata, settings
from mydia.contexts.users import SYSTEM
from mydia.web.deps import WebDeps
from mydia.web.health import Check, since, units_of

_WITHOUT_ANY = (
    "No metadata source is configured. Titles come from file and NFO names only; artwork, air dates and new "
    "episodes are not available, and titles cannot be searched. Set a TMDB key or a metadata relay."
)


def look_at_metadata(deps: WebDeps) -> Iterable[Check]:
    """Report where titles come from, and what is missing."""
    if not metadata.available(deps.outside):
        yield Check("metadata", "warning", _WITHOUT_ANY)
        return
    known = metadata.sources(deps.outside)
    with deps.database.reads() as session:
        tvdb_wanted = media.refresh.uses_tvdb(session, SYSTEM)
        folders = [
            path.name for path in settings.library_paths.list_library_paths(session, SYSTEM) if path.provider == "tvdb"
        ]
        trouble = media.refresh.refresh_trouble(session, SYSTEM)
        source = metadata.source_state(session, deps.outside, SYSTEM)
        waiting = sum(library.files.new_files(session, SYSTEM).values())
    if source is not None and source.answers is False:
        waits = f" New files waiting for a match: {waiting}." if waiting else ""
        last = f" Last error: {source.error}." if source.error else ""
        when = f" No answer since {since(source.since_at)}." if source.since_at else ""
        sentence = f"The {source.name} does not answer.{when}{waits}{last}"
        yield Check("metadata", "failed", sentence, retry="/metadata/retry")
        return
    if "tvdb" not in known and (tvdb_wanted or folders):
        yield Check(
            "metadata",
            "warning",
            "TheTVDB is selected but has no key. Its titles are not updated, and new titles come from TMDB.",
        )
    elif "tmdb" not in known:
        yield Check(
            "metadata",
            "warning",
            "TMDB has no key. Movies and shows come from TheTVDB only, without recommendations and release dates.",
        )
    elif trouble is not None:
        yield Check(
            "metadata",
            "warning",
            f"{units_of(trouble.titles, 'title')} could not be refreshed. Last error: {trouble.last}",
        )
    elif source is not None and source.answers is None:
        yield Check("metadata", "unknown", f"The {source.name} has not been checked yet.", retry="/metadata/retry")
    else:
        yield Check("metadata", "ok", f"Titles come from the {deps.outside.metadata().name}.")
