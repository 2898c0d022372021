"""Settings: library folders, naming, quality profiles and quality sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from mydia import clock
from mydia.contexts import library, settings
from mydia.contexts.library import naming
from mydia.contexts.settings import (
    FolderLook,
    LibraryPath,
    NewLibraryPath,
    Profile,
    ProfileForm,
    Rung,
    SizeLimits,
    Tried,
)
from mydia.contexts.users import Caller, Permission
from mydia.errors import Conflict, Invalid
from mydia.web.deps import WebDeps, WebRequest
from mydia.web.fields import whole_number
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, fragment, redirect

TYPES = (("movies", "Films"), ("series", "Series"), ("mixed", "Films and series"))
IMPORT_MODES = (
    ("hardlink", "Hard link, else copy"),
    ("reflink", "Reflink, else copy"),
    ("copy", "Copy"),
    ("move", "Move (ends seeding)"),
)
PROVIDERS = (("tmdb", "The Movie Database"), ("tvdb", "TheTVDB"))


# --- folders ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FolderCard:
    """One library folder in the list."""

    id: str
    name: str
    path: str
    type: str
    monitored: bool
    import_mode: str
    profile: str
    source: str
    last_scan_at: Any
    last_scan_state: str
    last_scan_reason: str


@dataclass(frozen=True, slots=True)
class FoldersView:
    """The list of library folders."""

    frame: SettingsFrame
    cards: tuple[FolderCard, ...]


@dataclass(frozen=True, slots=True)
class FolderView:
    """The page of one library folder."""

    frame: SettingsFrame
    id: str
    action: str
    values: Mapping[str, Any]
    look: FolderLook | None
    profiles: tuple[tuple[str, str], ...]
    source: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    types: tuple[tuple[str, str], ...] = TYPES
    import_modes: tuple[tuple[str, str], ...] = IMPORT_MODES
    providers: tuple[tuple[str, str], ...] = PROVIDERS


@get("/settings/folders", sync_to_thread=True, include_in_schema=False)
def folders(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """List the library folders."""
    around = frame(caller, "folders")
    with deps.database.reads() as session:
        rows = settings.list_library_paths(session)
        names = {profile.id: profile.name for profile in settings.list_profiles(session)}
    cards = tuple(
        FolderCard(
            row.id,
            row.name,
            row.path,
            dict(TYPES)[row.type],
            row.monitored,
            dict(IMPORT_MODES)[row.import_mode],
            names.get(row.default_profile_id or "", ""),
            row.managed_source or "",
            row.last_scan_at,
            row.last_scan_state or "",
            row.last_scan_reason or "",
        )
        for row in rows
    )
    return show(request, "folders.html", FoldersView(around, cards))


@get("/settings/folders/new", sync_to_thread=True, include_in_schema=False)
def new_folder(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """Show an empty form."""
    values = {"type": "movies", "import_mode": "hardlink", "provider": "tmdb", "monitored": True}
    return show(request, "folder.html", _folder(deps, caller, None, values))


@post("/settings/folders/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_folder(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Set up a library folder."""
    try:
        _refuse_unusable(deps, form, None)
        with deps.database.writes() as session:
            row = settings.add_library_path(session, caller, clock.now(), _read_folder(form, None))
    except (Invalid, Conflict) as error:
        view = _folder(deps, caller, None, _folder_values(form), errors_of(error))
        return show(request, "folder.html", view, status=422)
    return redirect(request, "/settings/folders", toast=Toast(f"{row.name} is set up", "Scan it to see what is there."))


@get("/settings/folders/{library_path_id:str}", sync_to_thread=True, include_in_schema=False)
def folder(request: WebRequest, deps: WebDeps, caller: Caller, library_path_id: FromPath[str]) -> Response[str]:
    """Show the form of a library folder; one from environment or file is shown read-only."""
    with deps.database.reads() as session:
        row = settings.get_library_path(session, library_path_id)
    values = {spec.name: getattr(row, spec.name) for spec in fields(NewLibraryPath)}
    return show(request, "folder.html", _folder(deps, caller, row, values))


@post("/settings/folders/{library_path_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_folder(
    request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str], library_path_id: FromPath[str]
) -> Response[str]:
    """Store the changed form."""
    with deps.database.reads() as session:
        row = settings.get_library_path(session, library_path_id)
    try:
        _refuse_unusable(deps, form, row)
        with deps.database.writes() as session:
            settings.change_library_path(session, caller, clock.now(), row.id, _read_folder(form, row))
    except (Invalid, Conflict) as error:
        view = _folder(deps, caller, row, _folder_values(form), errors_of(error))
        return show(request, "folder.html", view, status=422)
    return redirect(request, "/settings/folders", toast=Toast("Saved"))


@post("/settings/folders/{library_path_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_folder(request: WebRequest, deps: WebDeps, caller: Caller, library_path_id: FromPath[str]) -> Response[str]:
    """Take a folder out of the library; the disk stays as it is."""
    with deps.database.writes() as session:
        settings.remove_library_path(session, caller, clock.now(), library_path_id)
    return redirect(request, "/settings/folders", toast=Toast("Removed", "The files are where they were."))


@post("/settings/folders/{library_path_id:str}/scan", sync_to_thread=True, status_code=200, include_in_schema=False)
def scan_folder(request: WebRequest, deps: WebDeps, caller: Caller, library_path_id: FromPath[str]) -> Response[str]:
    """Have one folder scanned now."""
    with deps.database.writes() as session:
        name = settings.get_library_path(session, library_path_id).name
        library.request_scan(session, caller, library_path_id)
    return redirect(request, "/settings/folders", toast=Toast(f"{name} is being scanned", tone="live"))


@get("/settings/folders/{library_path_id:str}/look", sync_to_thread=True, include_in_schema=False)
def look_at_folder(request: WebRequest, deps: WebDeps, caller: Caller, library_path_id: FromPath[str]) -> Response[str]:
    """Say what the disk says; asked apart, for a sleeping disk takes its time."""
    caller.require(Permission.MANAGE_SETTINGS)
    with deps.database.reads() as session:
        row = settings.get_library_path(session, library_path_id)
    look = settings.look_at_folder(deps.outside, row.path, [])
    return fragment(request, "settings/_folder_check.html", look, field=f"of-{row.id}")


def _folder(
    deps: WebDeps,
    caller: Caller,
    row: LibraryPath | None,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> FolderView:
    around = frame(caller, "folders", row.name if row else "Add folder")
    with deps.database.reads() as session:
        profiles = tuple((profile.id, profile.name) for profile in settings.list_profiles(session))
        others = [other for other in settings.list_library_paths(session) if row is None or other.id != row.id]
    path = str(values.get("path") or "")
    look = settings.look_at_folder(deps.outside, path, others) if path and not errors else None
    action = f"/settings/folders/{row.id if row else 'new'}"
    source = (row.managed_source or "") if row else ""
    return FolderView(around, row.id if row else "", action, values, look, profiles, source, errors or {})


def _folder_values(form: Mapping[str, str]) -> Mapping[str, Any]:
    return {**form, "monitored": form.get("monitored") == "true"}


def _read_folder(form: Mapping[str, str], row: LibraryPath | None) -> NewLibraryPath:
    return NewLibraryPath(
        path=form.get("path", ""),
        type=form.get("type", ""),
        name=form.get("name") or None,
        monitored=form.get("monitored") == "true",
        scan_cron=form.get("scan_cron", "").strip() or None,
        default_profile_id=form.get("default_profile_id") or None,
        naming_set_id=row.naming_set_id if row else None,
        provider=form.get("provider", "tmdb"),
        language=form.get("language", "").strip() or None,
        import_mode=form.get("import_mode", "hardlink"),
    )


def _refuse_unusable(deps: WebDeps, form: Mapping[str, str], row: LibraryPath | None) -> None:
    path = form.get("path", "")
    if row is not None and path.strip().rstrip("/") == row.path:
        # An unmounted disk must not keep anybody from changing the rest.
        return
    with deps.database.reads() as session:
        others = [other for other in settings.list_library_paths(session) if row is None or other.id != row.id]
    look = settings.look_at_folder(deps.outside, path, others)
    if look.problem:
        raise Invalid(look.problem, fields={"path": look.problem})


# --- naming ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamingView:
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
    ("Films", (("movie_folder", "Folder"), ("movie_file", "File"))),
    (
        "Series",
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
def naming_page(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """Show the templates with what they make of a few titles."""
    return show(request, "naming.html", _naming(deps, caller, None, {}))


@post("/settings/naming", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_naming(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Store the templates; files keep their names until they are renamed."""
    try:
        with deps.database.writes() as session:
            row = settings.get_naming_set(session)
            changes = _naming_changes(form)
            settings.change_naming_set(session, caller, clock.now(), row.id, changes, judge=naming.check_template)
    except Invalid as error:
        return show(request, "naming.html", _naming(deps, caller, form, errors_of(error)), status=422)
    return redirect(
        request, "/settings/naming", toast=Toast("Saved", "New files get these names; present ones keep theirs.")
    )


@post("/settings/naming/preview", sync_to_thread=True, status_code=200, include_in_schema=False)
def preview_naming(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Show what the templates would make, while they are being written."""
    view = _naming(deps, caller, form, {})
    return fragment(request, "settings/_naming_examples.html", view)


def _naming_changes(form: Mapping[str, str]) -> dict[str, object]:
    texts = {name: form[name].strip() for name in settings.TEMPLATES if name in form}
    choices = {name: form[name] for name in ("multi_episode_style", "colon_replacement") if name in form}
    flags = {name: form[name] == "true" for name in ("rename", "replace_illegal") if name in form}
    return {**texts, **choices, **flags}


def _naming(deps: WebDeps, caller: Caller, form: Mapping[str, str] | None, errors: Mapping[str, str]) -> NamingView:
    around = frame(caller, "naming")
    with deps.database.reads() as session:
        row = settings.get_naming_set(session)
    values = {spec.name: getattr(row, spec.name) for spec in fields(naming.NamingRules)}
    values |= _naming_changes(form) if form is not None else {}
    sentences = {**_template_errors(values), **errors}
    examples = () if sentences else tuple(naming.preview(naming.NamingRules(**values)))
    return NamingView(around, values, examples, sentences, GROUPS, _STYLES, _COLONS, _TOKENS)


def _template_errors(values: Mapping[str, Any]) -> dict[str, str]:
    sentences: dict[str, str] = {}
    for name in settings.TEMPLATES:
        try:
            naming.check_template(name, str(values[name]))
        except Invalid as error:
            sentences[name] = error.message
    return sentences


# --- quality profiles ------------------------------------------------------------------------------------------------

_RESOLUTION = re.compile(r"(\d{3,4}p)")
_STANDARD = frozenset({"SDTV", "DVD", "DVD-R"})


@dataclass(frozen=True, slots=True)
class ProfileCard:
    """One profile in the list."""

    id: str
    name: str
    wanted: tuple[str, ...]
    goal: str
    used: str
    removable: bool
    managed: bool


@dataclass(frozen=True, slots=True)
class ProfilesView:
    """The list of profiles."""

    frame: SettingsFrame
    cards: tuple[ProfileCard, ...]


@dataclass(frozen=True, slots=True)
class RungView:
    """One step of a profile in the editor, best first."""

    name: str
    key: str
    """Stable in element ids."""
    label: str
    resolution: str
    qualities: tuple[str, ...]
    allowed: bool
    is_group: bool


@dataclass(frozen=True, slots=True)
class ProfileView:
    """The editor of one profile."""

    frame: SettingsFrame
    id: str
    values: Mapping[str, Any]
    rungs: tuple[RungView, ...]
    cutoff: str
    used: str
    managed: bool
    tried: Tried | None
    tried_name: str
    errors: Mapping[str, str] = field(default_factory=dict)


_EXAMPLE = "Nosferatu.1922.2160p.UHD.BluRay.REMUX.DV.HDR10.HEVC.FLAC.2.0-ARC"


@get("/settings/profiles", sync_to_thread=True, include_in_schema=False)
def profiles(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """List the quality profiles."""
    around = frame(caller, "profiles")
    with deps.database.reads() as session:
        found = settings.list_profiles(session)
        used = {profile.id: settings.profile_users(session, profile.id) for profile in found}
    cards = tuple(
        ProfileCard(
            profile.id,
            profile.name,
            profile.allowed_names,
            profile.rungs[profile.goal].name,
            _used(used[profile.id]),
            not used[profile.id] and not profile.managed and len(found) > 1,
            profile.managed,
        )
        for profile in found
    )
    return show(request, "profiles.html", ProfilesView(around, cards))


@get("/settings/profiles/new", sync_to_thread=True, include_in_schema=False)
def new_profile(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """Show the editor with the usual choice."""
    base = settings.preset_profile(settings.DEFAULT_PRESET)
    return show(
        request,
        "profile.html",
        _profile(deps, caller, replace(base, id="", name="", preset=None, upgrades_allowed=True, cutoff=None)),
    )


@get("/settings/profiles/{profile_id:str}", sync_to_thread=True, include_in_schema=False)
def profile_page(request: WebRequest, deps: WebDeps, caller: Caller, profile_id: FromPath[str]) -> Response[str]:
    """Show the editor."""
    with deps.database.reads() as session:
        profile = settings.get_profile(session, profile_id)
    return show(request, "profile.html", _profile(deps, caller, profile))


@post("/settings/profiles/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_profile(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Store a new profile."""
    return _save(request, deps, caller, form, "")


@post("/settings/profiles/{profile_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_profile(
    request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str], profile_id: FromPath[str]
) -> Response[str]:
    """Store a changed profile."""
    return _save(request, deps, caller, form, profile_id)


def _save(
    request: WebRequest, deps: WebDeps, caller: Caller, form: Mapping[str, str], profile_id: str
) -> Response[str]:
    """Store the editor's form, or make one step in it where the browser runs no script."""
    if "step" in form:
        view = _profile(deps, caller, _draft(form, profile_id), form=form)
        return show(request, "profile.html", view)
    try:
        with deps.database.writes() as session:
            base = settings.get_profile(session, profile_id) if profile_id else None
            wanted = _read_profile(form, base)
            saved = settings.save_profile(session, caller, clock.now(), wanted, profile_id=profile_id or None)
    except (Invalid, Conflict) as error:
        view = _profile(deps, caller, _draft(form, profile_id), form=form, errors=errors_of(error))
        return show(request, "profile.html", view, status=422)
    return redirect(request, "/settings/profiles", toast=Toast(f"{saved.name} is saved"))


@post("/settings/profiles/step", sync_to_thread=True, status_code=200, include_in_schema=False)
def step_profile(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Move, join or part qualities in the form; nothing is stored."""
    view = _profile(deps, caller, _draft(form, form.get("profile_id", "")), form=form)
    return fragment(request, "settings/_rungs.html", view)


@post("/settings/profiles/try", sync_to_thread=True, status_code=200, include_in_schema=False)
def try_profile(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Say what the profile, as it stands in the form, makes of a release name."""
    view = _profile(deps, caller, _draft(form, form.get("profile_id", "")), form=form)
    return fragment(request, "settings/_verdict.html", view)


@post("/settings/profiles/{profile_id:str}/duplicate", sync_to_thread=True, status_code=200, include_in_schema=False)
def duplicate_profile(request: WebRequest, deps: WebDeps, caller: Caller, profile_id: FromPath[str]) -> Response[str]:
    """Make a copy and open it."""
    with deps.database.writes() as session:
        copy = settings.duplicate_profile(session, caller, clock.now(), profile_id)
    return redirect(request, f"/settings/profiles/{copy.id}", toast=Toast(f"{copy.name} is made"))


@post("/settings/profiles/{profile_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_profile(request: WebRequest, deps: WebDeps, caller: Caller, profile_id: FromPath[str]) -> Response[str]:
    """Delete a profile that nothing uses."""
    with deps.database.writes() as session:
        settings.delete_profile(session, caller, clock.now(), profile_id)
    return redirect(request, "/settings/profiles", toast=Toast("The profile is removed"))


def _profile(
    deps: WebDeps,
    caller: Caller,
    profile: Profile,
    *,
    form: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> ProfileView:
    around = frame(caller, "profiles", profile.name or "New profile")
    with deps.database.reads() as session:
        used = settings.profile_users(session, profile.id) if profile.id else {}
        limits = settings.size_limits(session, "movie")
    name = (form or {}).get("release", _EXAMPLE).strip()
    named = profile if profile.name else replace(profile, name="this profile")
    tried = settings.try_release(named, name, limits=limits) if name and any(r.allowed for r in profile.rungs) else None
    values: dict[str, Any] = {
        "name": profile.name,
        "upgrades_allowed": profile.upgrades_allowed,
        "minimum_size_mb": "" if profile.minimum_size_mb is None else str(profile.minimum_size_mb),
        "maximum_size_mb": "" if profile.maximum_size_mb is None else str(profile.maximum_size_mb),
    }
    if form is not None:
        values |= {key: form[key] for key in ("name", "minimum_size_mb", "maximum_size_mb") if key in form}
    rungs = tuple(_rung_view(rung) for rung in reversed(profile.rungs))
    cutoff = profile.cutoff or (profile.rungs[profile.best].name if profile.rungs else "")
    return ProfileView(
        around, profile.id, values, rungs, cutoff, _used(used), profile.managed, tried, name, errors or {}
    )


def _rung_view(rung: Rung) -> RungView:
    found = {match[1] for quality in rung.qualities if (match := _RESOLUTION.search(quality))}
    resolution = found.pop() if len(found) == 1 else "SD" if rung.name in _STANDARD else ""
    label = _RESOLUTION.sub("", rung.name).strip(" -") or rung.name
    key = re.sub(r"[^a-z0-9]+", "-", rung.name.lower()).strip("-")
    return RungView(rung.name, key, label, resolution, rung.qualities, rung.allowed, rung.is_group)


def _draft(form: Mapping[str, str], profile_id: str) -> Profile:
    """Return the profile as the form has it, after the step that was asked for; nothing is checked."""
    rungs = _rungs_of(form)
    if step := form.get("step"):
        verb, _, name = step.partition(":")
        rungs = _stepped(rungs, verb, name)
    names = {rung.name for rung in rungs if rung.allowed}
    cutoff = form.get("cutoff")
    return Profile(
        id=profile_id,
        name=form.get("name", "").strip(),
        rungs=tuple(reversed(rungs)),
        cutoff=cutoff if cutoff in names else None,
        upgrades_allowed=form.get("upgrades_allowed") == "true",
        minimum_size_mb=_megabytes(form.get("minimum_size_mb", "")),
        maximum_size_mb=_megabytes(form.get("maximum_size_mb", "")),
    )


def _rungs_of(form: Mapping[str, str]) -> list[Rung]:
    """Return the rungs of a form, best first, every quality exactly once whatever was sent."""
    rungs: list[Rung] = []
    seen: set[str] = set()
    for number in range(len(settings.QUALITY_NAMES)):
        name = form.get(f"rung_{number}", "").strip()
        members = [one for one in form.get(f"members_{number}", "").split("|") if one in settings.QUALITY_NAMES]
        members = [one for one in members if one not in seen]
        if name and members:
            seen.update(members)
            kept = name if len(members) > 1 else members[0]
            rungs.append(Rung(kept, tuple(members), form.get(f"allowed_{number}") == "true"))
    missing = [one for one in reversed(settings.QUALITY_NAMES) if one not in seen]
    return rungs + [Rung(one, (one,), allowed=False) for one in missing]


def _stepped(rungs: list[Rung], verb: str, name: str) -> list[Rung]:
    place = None
    if verb == "to":
        number, _, name = name.partition(":")
        place = whole_number(number)
    at = next((place for place, rung in enumerate(rungs) if rung.name == name), None)
    if at is None:
        return rungs
    if verb == "up" and at > 0:
        rungs[at - 1], rungs[at] = rungs[at], rungs[at - 1]
    elif verb == "down" and at + 1 < len(rungs):
        rungs[at + 1], rungs[at] = rungs[at], rungs[at + 1]
    elif place is not None:
        rungs.insert(place, rungs.pop(at))
    elif verb == "join" and at > 0:
        above = rungs[at - 1]
        members = (*above.qualities, *rungs[at].qualities)
        taken = {rung.name for rung in rungs} | set(settings.QUALITY_NAMES)
        rungs[at - 1 : at + 1] = [Rung(_group_name(members, taken), members, above.allowed or rungs[at].allowed)]
    elif verb == "part":
        rungs[at : at + 1] = [Rung(one, (one,), rungs[at].allowed) for one in rungs[at].qualities]
    return rungs


def _group_name(members: Sequence[str], taken: set[str]) -> str:
    """Return a name for qualities that count as equal: `WEB 1080p` where they agree, else the best one's and `group`."""
    sizes = {match[1] for one in members if (match := _RESOLUTION.search(one))}
    kind = "WEB" if all(one.startswith("WEB") for one in members) else ""
    wanted = " ".join(part for part in (kind or "Any", sizes.pop() if len(sizes) == 1 else "") if part)
    return next(name for n in range(1, 99) if (name := wanted if n == 1 else f"{wanted} {n}") not in taken)


def _read_profile(form: Mapping[str, str], base: Profile | None) -> ProfileForm:
    """Return what the form wants; what it does not show stays as it is."""
    draft = _draft(form, "")
    kept = (
        {}
        if base is None
        else {
            "minimum_format_score": base.minimum_format_score,
            "cutoff_format_score": base.cutoff_format_score,
            "minimum_format_increment": base.minimum_format_increment,
        }
    )
    return ProfileForm(
        **kept,
        language=base.language if base else None,
        name=draft.name,
        items=draft.items(),
        cutoff=draft.cutoff,
        upgrades_allowed=draft.upgrades_allowed,
        minimum_size_mb=_megabytes(form.get("minimum_size_mb", ""), "minimum_size_mb"),
        maximum_size_mb=_megabytes(form.get("maximum_size_mb", ""), "maximum_size_mb"),
    )


def _megabytes(text: str, field: str = "") -> int | None:
    """Return whole megabytes; a text that is none counts as empty, or is refused where a field is named."""
    cleaned = text.strip()
    if not cleaned:
        return None
    number = whole_number(cleaned)
    if number is None and field:
        raise Invalid("Write whole megabytes.", fields={field: "Write whole megabytes, or leave it empty."})
    return number


def _used(used: Mapping[str, int]) -> str:
    words = {"versions": ("title", "titles"), "library_paths": ("folder", "folders")}
    said = [f"{count:,} {words[table][count != 1]}" for table, count in used.items() if table in words]
    return " · ".join(said)


# --- quality sizes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SizeRow:
    """The limits of one quality."""

    quality: str
    minimum: str
    preferred: str
    maximum: str
    said: str
    """What the most means for two hours or for 45 minutes."""


@dataclass(frozen=True, slots=True)
class SizesView:
    """The page of quality sizes."""

    frame: SettingsFrame
    type: str
    minutes: int
    rows: tuple[SizeRow, ...]
    errors: Mapping[str, str] = field(default_factory=dict)


_MINUTES = {"movie": 120, "tv_show": 45}


@get("/settings/sizes", sync_to_thread=True, include_in_schema=False)
def sizes(request: WebRequest, deps: WebDeps, caller: Caller) -> Response[str]:
    """Show how large a minute of each quality may be."""
    return show(request, "sizes.html", _sizes(deps, caller, request.query_params.get("type", "movie"), {}, {}))


@post("/settings/sizes", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_sizes(request: WebRequest, deps: WebDeps, caller: Caller, form: dict[str, str]) -> Response[str]:
    """Store the limits, all or none."""
    type_ = form.get("type", "movie")
    if type_ not in settings.MEDIA_TYPES:
        raise Invalid("Choose movies or series.")
    errors: dict[str, str] = {}
    try:
        with deps.database.writes() as session:
            for quality in settings.QUALITY_NAMES:
                if f"{quality}|maximum" in form:
                    try:
                        settings.change_size_limits(session, caller, type_, quality, _limits(form, quality))
                    except Invalid as error:
                        errors[quality] = error.message
            if errors:
                raise Invalid("Some limits cannot be used.", fields=errors)
    except Invalid as error:
        return show(request, "sizes.html", _sizes(deps, caller, type_, form, errors_of(error)), status=422)
    return redirect(request, f"/settings/sizes?type={type_}", toast=Toast("Saved"))


def _limits(form: Mapping[str, str], quality: str) -> SizeLimits:
    numbers: list[float | None] = []
    for part in ("minimum", "preferred", "maximum"):
        text = form.get(f"{quality}|{part}", "").strip().replace(",", ".")
        try:
            numbers.append(float(text) if text else None)
        except ValueError as error:
            raise Invalid(f"“{text}” is not a number.") from error
    low, best, high = numbers
    return SizeLimits(low or 0, best, high)


def _sizes(deps: WebDeps, caller: Caller, type_: str, form: Mapping[str, str], errors: Mapping[str, str]) -> SizesView:
    around = frame(caller, "sizes")
    type_ = type_ if type_ in settings.MEDIA_TYPES else "movie"
    minutes = _MINUTES[type_]
    with deps.database.reads() as session:
        limits = settings.size_limits(session, type_)
    rows = tuple(
        SizeRow(
            quality,
            form.get(f"{quality}|minimum", _trim(limit.minimum)),
            form.get(f"{quality}|preferred", _trim(limit.preferred)),
            form.get(f"{quality}|maximum", _trim(limit.maximum)),
            f"up to {limit.maximum * minutes / 1024:.1f} GB" if limit.maximum else "no limit",
        )
        for quality, limit in reversed(limits.items())
    )
    return SizesView(around, type_, minutes, rows, errors)


def _trim(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


ROUTES = (
    folders,
    new_folder,
    add_folder,
    folder,
    change_folder,
    remove_folder,
    scan_folder,
    look_at_folder,
    naming_page,
    save_naming,
    preview_naming,
    profiles,
    new_profile,
    profile_page,
    add_profile,
    change_profile,
    step_profile,
    try_profile,
    duplicate_profile,
    remove_profile,
    sizes,
    save_sizes,
)
