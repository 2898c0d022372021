"""Settings: names of folders and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get, post
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, fields

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.library import naming
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, fragment, redirect


class NamingFields(Struct, kw_only=True):
    """The naming form. Fields that are not sent leave a value unchanged."""

    values: dict[str, str] = {}
    multi_episode_style: str | UnsetType = UNSET
    colon_replacement: str | UnsetType = UNSET
    rename: bool | UnsetType = UNSET
    replace_illegal: bool | UnsetType = UNSET

    def changes(self) -> dict[str, object]:
        """Return the rules that the form sets: the templates and the choices."""
        templates = {name: self.values[name] for name in settings.naming_rules.TEMPLATES if name in self.values}
        choices = asdict(self)
        del choices["values"]
        return templates | {name: value for name, value in choices.items() if value is not UNSET}


class NamingView(msgspec.Struct, frozen=True, kw_only=True):
    """The naming page."""

    frame: SettingsFrame
    values: Mapping[str, Any]
    examples: tuple[naming.Example, ...]
    errors: Mapping[str, str]
    groups: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    styles: tuple[tuple[str, str], ...]
    colons: tuple[tuple[str, str], ...]
    tokens: tuple[tuple[str, tuple[str, ...]], ...]


GROUPS = (
    ("Movies", (("movie_folder", "Folder"), ("movie_file", "File"))),
    (
        "Shows",
        (
            ("series_folder", "Folder"),
            ("season_folder", "Season folder"),
            ("specials_folder", "Folder of specials"),
            ("episode_file", "Episode"),
            ("daily_file", "Episode of a daily show"),
            ("anime_file", "Episode of an anime"),
        ),
    ),
)


_STYLES = (
    ("prefixed_range", "S01E01-E03"),
    ("range", "S01E01-03"),
    ("extend", "S01E01-02-03"),
    ("repeat", "S01E01E02E03"),
    ("scene", "S01E01-E02-E03"),
    ("duplicate", "S01E01.S01E02.S01E03"),
)


_COLONS = (
    ("smart", "As fits: “A: B” → “A - B”"),
    ("dash", "Dash: “A: B” → “A- B”"),
    ("space_dash", "Space, dash: “A: B” → “A - B”"),
    ("space_dash_space", "Space, dash, space"),
    ("delete", "Delete: “A: B” → “A B”"),
)


_TOKENS = (
    ("Title", ("{title}", "{title_the}", "{clean_title}", "{ (year)}", "{original_title}")),
    ("Episode", ("{season:2}", "{episode:2}", "{ - absolute:3}", "{ - episode_title}", "{air_date}")),
    (
        "Quality",
        ("{ [quality]}", "{ [edition]}", "{ [video_codec]}", "{ [hdr]}", "{ [audio_codec]}", "{-release_group}"),
    ),
    ("Ids", ("{tmdb-{tmdb_id}}", "{tvdb-{tvdb_id}}", "{imdb-{imdb_id}}")),
)


@get("/settings/naming", sync_to_thread=True, include_in_schema=False)
def naming_page(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show the templates with examples."""
    return show(request, "naming.html", _naming(deps, caller, {}, {}))


@post("/settings/naming", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_naming(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[NamingFields]) -> Response[str]:
    """Store the templates; files keep their names until they are renamed."""
    changes = form.read().changes()
    try:
        with deps.database.writes() as session:
            row = settings.naming_rules.get_naming_set(session, caller)
            settings.naming_rules.change_naming_set(
                session, caller, clock.now(), row.id, changes, judge=naming.check_template
            )
    except Invalid as error:
        return show(request, "naming.html", _naming(deps, caller, changes, errors_of(error)), status=422)
    return redirect(
        request, "/settings/naming", toast=Toast("Saved", "New files get these names; existing files keep theirs.")
    )


@post("/settings/naming/preview", sync_to_thread=True, status_code=200, include_in_schema=False)
def preview_naming(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[NamingFields]) -> Response[str]:
    """Show examples of the templates while they are being edited."""
    view = _naming(deps, caller, form.read().changes(), {})
    return fragment(request, "settings/_naming_examples.html", view)


def _naming(deps: WebDeps, caller: Caller, changes: Mapping[str, object], errors: Mapping[str, str]) -> NamingView:
    around = frame(caller, "naming")
    with deps.database.reads() as session:
        row = settings.naming_rules.get_naming_set(session, caller)
    values = {spec.name: getattr(row, spec.name) for spec in fields(naming.NamingRules)}
    values |= changes
    sentences = {**_template_errors(values), **errors}
    examples = () if sentences else tuple(naming.preview(naming.NamingRules(**values)))
    return NamingView(
        frame=around,
        values=values,
        examples=examples,
        errors=sentences,
        groups=GROUPS,
        styles=_STYLES,
        colons=_COLONS,
        tokens=_TOKENS,
    )


def _template_errors(values: Mapping[str, Any]) -> dict[str, str]:
    sentences: dict[str, str] = {}
    for name in settings.naming_rules.TEMPLATES:
        try:
            naming.check_template(name, str(values[name]))
        except Invalid as error:
            sentences[name] = error.message
    return sentences


ROUTES: tuple[Any, ...] = (naming_page, save_naming, preview_naming)
