"""Settings: the metadata source."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from litestar import Response, get, post
from litestar.response import Stream

from mydia import clock
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.settings import metadata_source
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.metadata_source import SourceFields
from mydia.web.render import Toast, redirect, unfolding


class MetadataView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of the metadata source."""

    frame: SettingsFrame
    source: str
    relay_url: str
    has_tmdb: bool
    has_tvdb: bool
    locked: str
    present: str
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


@get("/settings/metadata", sync_to_thread=True, include_in_schema=False)
def metadata(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show where titles come from."""
    return show(request, "metadata.html", _metadata(deps, caller, {}, {}))


@post("/settings/metadata", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_metadata(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SourceFields]) -> Response[str]:
    """Store where titles come from."""
    try:
        with deps.database.writes() as session:
            metadata_source.write_source(session, caller, clock.now(), form.read())
    except Invalid as error:
        return show(request, "metadata.html", _metadata(deps, caller, form.sent, errors_of(error)), status=422)
    return redirect(request, "/settings/metadata", toast=Toast("Saved", "Takes effect with the next lookup."))


@post("/settings/metadata/test", sync_to_thread=True, status_code=200, include_in_schema=False)
def test_metadata(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[SourceFields]
) -> Response[str] | Stream:
    """Test the source that the form describes by searching for a film."""
    steps = metadata_source.try_source(deps, caller, form.read())
    return unfolding(
        request, "settings/_test_result.html", steps, title="Test", active="settings", back="/settings/metadata"
    )


def _metadata(deps: WebDeps, caller: Caller, sent: Mapping[str, str], errors: Mapping[str, str]) -> MetadataView:
    around = frame(caller, "metadata")
    with deps.database.reads() as session:
        now = metadata_source.read_source(session, caller)
    return MetadataView(
        frame=around,
        source=sent.get("source", now.source),
        relay_url=sent.get("relay_url", now.relay_url),
        has_tmdb=now.has_tmdb,
        has_tvdb=now.has_tvdb,
        locked=now.locked,
        present=now.present,
        errors=errors,
    )


ROUTES = (metadata, save_metadata, test_metadata)
