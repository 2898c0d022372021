"""Settings: the editor of one quality profile."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import replace
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock, units
from mydia.contexts import downloads, settings
from mydia.contexts.settings import (
    Profile,
    ProfileForm,
)
from mydia.contexts.users import Caller
from mydia.errors import Conflict, Invalid
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.fields import whole_number
from mydia.web.forms import Count, Form, message
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.profiles import usage
from mydia.web.render import Toast, dialog, fragment, is_htmx, redirect

_RESOLUTION = re.compile(r"(\d{3,4}p)")


_STANDARD = frozenset({"SDTV", "DVD", "DVD-R"})


_Megabytes = Annotated[Count, message("Enter whole megabytes, or leave it empty.")]


class RungRow(Struct, kw_only=True):
    """One step of a profile in the form, best first."""

    rung: str = ""
    members: tuple[str, ...] = ()
    allowed: bool = False


class LimitRow(Struct, kw_only=True):
    """Size limits of one quality in this profile, in MB per minute."""

    low: Annotated[float, message("Enter a number.")] | None = None
    preferred: Annotated[float, message("Enter a number.")] | None = None
    high: Annotated[float, message("Enter a number.")] | None = None


class ScoreRow(Struct, kw_only=True):
    """The score of one custom format."""

    score: Annotated[int, message("Enter a whole number.")] | None = None


class ProfileFields(Struct, kw_only=True):
    """The form of a profile."""

    profile_id: str = ""
    name: str = ""
    rungs: tuple[RungRow, ...] = ()
    cutoff: str | None = None
    upgrades_allowed: bool = False
    minimum_size_mb: _Megabytes | None = None
    maximum_size_mb: _Megabytes | None = None
    minimum_format_score: Annotated[int, message("Enter a whole number.")] = 0
    cutoff_format_score: Annotated[int, message("Enter a whole number.")] = 0
    minimum_format_increment: Annotated[int, message("Enter 1 or more.")] = 1
    language: tuple[str, ...] = ()
    limits: dict[str, LimitRow] = {}
    """By quality."""
    scores: dict[str, ScoreRow] = {}
    """By custom format."""
    worst: str = ""
    best: str = ""
    """The simple mode: everything between the two is allowed."""
    step: str | None = None
    """A step in the editor, such as `up:HDTV-1080p` or `simple`, instead of saving."""
    release: str | None = None
    """A release name to try."""


class RungView(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a profile in the editor, best first."""

    name: str
    key: str
    """A stable part of element ids."""
    label: str
    resolution: str
    qualities: tuple[str, ...]
    allowed: bool
    is_group: bool


class ScoreView(msgspec.Struct, frozen=True, kw_only=True):
    """A custom format with its score in this profile."""

    id: str
    name: str
    score: str


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """Size limits of one quality in this profile; empty for the general ones."""

    quality: str
    low: str
    preferred: str
    high: str


class ProfileView(msgspec.Struct, frozen=True, kw_only=True):
    """The editor of one profile."""

    frame: SettingsFrame
    id: str
    values: Mapping[str, Any]
    rungs: tuple[RungView, ...]
    cutoff: str
    used: str
    managed: bool
    scores: tuple[ScoreView, ...]
    """Formats with a score first."""
    scored: int
    limits: tuple[LimitView, ...]
    languages: tuple[tuple[str, str, bool], ...]
    """(code, name, chosen)."""
    changed: tuple[str, ...]
    """What a person changed since the import of its guide."""
    worst: str
    best: str
    tried: settings.profiles.Tried | None
    tried_name: str
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


_EXAMPLE = "Nosferatu.1922.2160p.UHD.BluRay.REMUX.DV.HDR10.HEVC.FLAC.2.0-ARC"


@get("/settings/profiles/new", sync_to_thread=True, include_in_schema=False)
def new_profile(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show the editor with the default profile."""
    base = settings.profiles.preset_profile(settings.profiles.DEFAULT_PRESET)
    return show(
        request,
        "profile.html",
        _profile(deps, caller, replace(base, id="", name="", preset=None, upgrades_allowed=True, cutoff=None)),
    )


@get("/settings/profiles/{profile_id:str}", sync_to_thread=True, include_in_schema=False)
def profile_page(request: WebRequest, deps: DepsDep, caller: CallerDep, profile_id: FromPath[str]) -> Response[str]:
    """Show the editor."""
    with deps.database.reads() as session:
        profile = settings.profiles.get_profile(session, caller, profile_id)
    return show(request, "profile.html", _profile(deps, caller, profile))


@post("/settings/profiles/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_profile(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProfileFields]) -> Response[str]:
    """Store a new profile."""
    return _save(request, deps, caller, form, "")


@post("/settings/profiles/{profile_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_profile(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProfileFields], profile_id: FromPath[str]
) -> Response[str]:
    """Store a changed profile."""
    return _save(request, deps, caller, form, profile_id)


def _save(
    request: WebRequest, deps: WebDeps, caller: Caller, form: Form[ProfileFields], profile_id: str
) -> Response[str]:
    """Store the editor's form, or make one step in it if the browser runs no script."""
    draft = form.draft()
    if draft.step is not None:
        view = _profile(deps, caller, _draft(draft, profile_id), form=form)
        return show(request, "profile.html", view)
    try:
        with deps.database.writes() as session:
            wanted = _read_profile(form.read())
            saved = settings.profiles.save_profile(session, caller, clock.now(), wanted, profile_id=profile_id or None)
    except (Invalid, Conflict) as error:
        view = _profile(deps, caller, _draft(draft, profile_id), form=form, errors=errors_of(error))
        return show(request, "profile.html", view, status=422)
    return redirect(request, "/settings/profiles", toast=Toast(f"{saved.name} saved"))


@post("/settings/profiles/step", sync_to_thread=True, status_code=200, include_in_schema=False)
def step_profile(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProfileFields]) -> Response[str]:
    """Move, join or split qualities in the form; nothing is stored."""
    draft = form.draft()
    view = _profile(deps, caller, _draft(draft, draft.profile_id), form=form)
    return fragment(request, "settings/_rungs.html", view)


@post("/settings/profiles/try", sync_to_thread=True, status_code=200, include_in_schema=False)
def try_profile(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProfileFields]) -> Response[str]:
    """Show how the profile in the form would judge a release name."""
    draft = form.draft()
    view = _profile(deps, caller, _draft(draft, draft.profile_id), form=form)
    return fragment(request, "settings/_verdict.html", view)


class TrialView(msgspec.Struct, frozen=True, kw_only=True):
    """A dry run of the profile in the form."""

    trial: downloads.whatif.Trial
    rules: tuple[tuple[str, int], ...]
    """(what it is rejected for, releases that are newly rejected), most first."""
    percent: int
    added: str
    """`4.2 GB more`."""
    most: int = downloads.whatif.MOST_LINES


@post("/settings/profiles/{profile_id:str}/trial", sync_to_thread=True, status_code=200, include_in_schema=False)
def try_out(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[ProfileFields], profile_id: FromPath[str]
) -> Response[str]:
    """Start a dry run of the profile in the form over the whole library; nothing of the profile is stored."""
    draft = form.draft()
    try:
        with deps.database.writes() as session:
            wanted = _read_profile(form.read())
            trial_id = downloads.whatif.open_trial(session, caller, clock.now(), profile_id, wanted)
    except (Invalid, Conflict) as error:
        if is_htmx(request):
            raise
        view = _profile(deps, caller, _draft(draft, profile_id), form=form, errors=errors_of(error))
        return show(request, "profile.html", view, status=422)
    if not is_htmx(request):
        return redirect(request, f"/settings/profiles/trials/{trial_id}")
    return _trial(request, deps, caller, trial_id)


@get("/settings/profiles/trials/{trial_id:str}", sync_to_thread=True, include_in_schema=False)
def trial_page(request: WebRequest, deps: DepsDep, caller: CallerDep, trial_id: FromPath[str]) -> Response[str]:
    """Show a dry run, also while it runs."""
    return _trial(request, deps, caller, trial_id)


def _trial(request: WebRequest, deps: WebDeps, caller: Caller, trial_id: str) -> Response[str]:
    with deps.database.reads() as session:
        trial = downloads.whatif.get_trial(session, caller, trial_id)
    outcome = trial.outcome
    rules = sorted((outcome.refused if outcome else {}).items(), key=lambda one: (-one[1], one[0]))
    counts: dict[str, int] = {}
    for rule, count in rules:
        word = downloads.wording.reason_word(rule)
        counts[word] = counts.get(word, 0) + count
    added = outcome.added_bytes if outcome else 0
    view = TrialView(
        trial=trial,
        rules=tuple(counts.items()),
        percent=100 * trial.done // trial.total if trial.total else 0,
        added=f"{units.size(abs(added))} {'more' if added >= 0 else 'less'}",
    )
    return dialog(
        request,
        "settings/_trial.html",
        view,
        title="What would change",
        active="settings",
        back=f"/settings/profiles/{trial.profile_id}",
        refresh_s=1 if trial.state == "running" else 0,
    )


def _profile(
    deps: WebDeps,
    caller: Caller,
    profile: Profile,
    *,
    form: Form[ProfileFields] | None = None,
    errors: Mapping[str, str] | None = None,
) -> ProfileView:
    around = frame(caller, "profiles", profile.name or "New profile")
    with deps.database.reads() as session:
        used = settings.profiles.profile_users(session, caller, profile.id) if profile.id else {}
        limits = settings.qualities.size_limits(session, caller, MediaType.MOVIE)
        formats = settings.formats.list_editable(session, caller)
        changed = settings.guides.changed_fields(session, caller, profile.id) if profile.id and form is None else ()
    sent = form.sent if form is not None else {}
    name = sent.get("release", _EXAMPLE).strip()
    named = profile if profile.name else replace(profile, name="This profile")
    tried = (
        settings.profiles.try_release(named, name, limits=limits)
        if name and any(r.allowed for r in profile.rungs)
        else None
    )
    values: dict[str, Any] = {
        "name": profile.name,
        "upgrades_allowed": profile.upgrades_allowed,
        "minimum_format_score": profile.minimum_format_score,
        "cutoff_format_score": profile.cutoff_format_score,
        "minimum_format_increment": profile.minimum_format_increment,
        "minimum_size_mb": "" if profile.minimum_size_mb is None else str(profile.minimum_size_mb),
        "maximum_size_mb": "" if profile.maximum_size_mb is None else str(profile.maximum_size_mb),
    }
    values |= {key: sent[key] for key in _TYPED if key in sent}
    rungs = tuple(_rung_view(rung) for rung in reversed(profile.rungs))
    cutoff = profile.cutoff or (profile.rungs[profile.best].name if profile.rungs else "")
    return ProfileView(
        frame=around,
        id=profile.id,
        values=values,
        rungs=rungs,
        cutoff=cutoff,
        used=usage(used),
        managed=profile.managed,
        scores=_scores(profile, formats, sent),
        scored=len(profile.scores),
        limits=tuple(_limit(profile, quality, sent) for quality in reversed(settings.qualities.QUALITY_NAMES)),
        languages=tuple(
            (code, settings.formats.language_name(code), code in profile.languages)
            for code in (settings.formats.ORIGINAL, *sorted(_LANGUAGES, key=settings.formats.language_name))
        ),
        changed=changed,
        worst=next((rung.name for rung in profile.rungs if rung.allowed), ""),
        best=profile.rungs[profile.best].name if profile.rungs else "",
        tried=tried,
        tried_name=name,
        errors=errors or {},
    )


_TYPED = (
    "name",
    "minimum_size_mb",
    "maximum_size_mb",
    "minimum_format_score",
    "cutoff_format_score",
    "minimum_format_increment",
)
_LANGUAGES = tuple(
    code for code in settings.formats.LANGUAGES if code not in (settings.formats.ORIGINAL, settings.formats.UNKNOWN)
)


def _scores(
    profile: Profile, formats: Sequence[settings.formats.StoredFormat], sent: Mapping[str, str]
) -> tuple[ScoreView, ...]:
    rows = [
        ScoreView(
            id=one.format.id,
            name=one.format.name,
            score=sent.get(f"score-{one.format.id}", str(profile.scores.get(one.format.id, "") or "")),
        )
        for one in formats
    ]
    return tuple(sorted(rows, key=lambda row: (not row.score, row.name.casefold())))


def _limit(profile: Profile, quality: str, sent: Mapping[str, str]) -> LimitView:
    own = profile.quality_sizes.get(quality)
    present = {
        "low": "" if own is None else f"{own.minimum:g}",
        "preferred": "" if own is None or own.preferred is None else f"{own.preferred:g}",
        "high": "" if own is None or own.maximum is None else f"{own.maximum:g}",
    }
    values = {part: sent.get(f"{part}-{quality}", text) for part, text in present.items()}
    return LimitView(quality=quality, **values)


def _rung_view(rung: settings.profiles.Rung) -> RungView:
    found = {match[1] for quality in rung.qualities if (match := _RESOLUTION.search(quality))}
    resolution = found.pop() if len(found) == 1 else "SD" if rung.name in _STANDARD else ""
    label = _RESOLUTION.sub("", rung.name).strip(" -") or rung.name
    key = re.sub(r"[^a-z0-9]+", "-", rung.name.lower()).strip("-")
    return RungView(
        name=rung.name,
        key=key,
        label=label,
        resolution=resolution,
        qualities=rung.qualities,
        allowed=rung.allowed,
        is_group=rung.is_group,
    )


def _draft(wanted: ProfileFields, profile_id: str) -> Profile:
    """Return the profile that the form describes, after the requested step; nothing is checked."""
    rungs = _rungs_of(wanted.rungs)
    if wanted.step:
        verb, _, name = wanted.step.partition(":")
        rungs = _stepped(rungs, verb, name)
        if verb == "simple":
            rungs = _between(rungs, wanted.worst, wanted.best)
    names = {rung.name for rung in rungs if rung.allowed}
    return Profile(
        id=profile_id,
        name=wanted.name,
        rungs=tuple(reversed(rungs)),
        cutoff=wanted.cutoff if wanted.cutoff in names else None,
        upgrades_allowed=wanted.upgrades_allowed,
        minimum_format_score=wanted.minimum_format_score,
        cutoff_format_score=wanted.cutoff_format_score,
        minimum_format_increment=wanted.minimum_format_increment,
        language=",".join(wanted.language) or None,
        minimum_size_mb=wanted.minimum_size_mb,
        maximum_size_mb=wanted.maximum_size_mb,
        quality_sizes={
            quality: settings.SizeLimits(row.low or 0, row.preferred, row.high)
            for quality, row in wanted.limits.items()
            if (row.low, row.preferred, row.high) != (None, None, None)
        },
        scores={id: row.score for id, row in wanted.scores.items() if row.score},
    )


def _between(rungs: Sequence[settings.profiles.Rung], worst: str, best: str) -> list[settings.profiles.Rung]:
    """Return the rungs, best first, with exactly those from the worst to the best one allowed."""
    places = {rung.name: place for place, rung in enumerate(rungs)}
    if worst not in places or best not in places:
        return list(rungs)
    first, last = sorted((places[best], places[worst]))
    return [replace(rung, allowed=first <= place <= last) for place, rung in enumerate(rungs)]


def _rungs_of(rows: Sequence[RungRow]) -> list[settings.profiles.Rung]:
    """Return the rungs of a form, best first, with every quality exactly once whatever was sent."""
    rungs: list[settings.profiles.Rung] = []
    seen: set[str] = set()
    for row in rows:
        members = [one for one in row.members if one in settings.qualities.QUALITY_NAMES and one not in seen]
        if row.rung and members:
            seen.update(members)
            rungs.append(
                settings.profiles.Rung(row.rung if len(members) > 1 else members[0], tuple(members), row.allowed)
            )
    missing = [one for one in reversed(settings.qualities.QUALITY_NAMES) if one not in seen]
    return rungs + [settings.profiles.Rung(one, (one,), allowed=False) for one in missing]


def _stepped(rungs: list[settings.profiles.Rung], verb: str, name: str) -> list[settings.profiles.Rung]:
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
        taken = {rung.name for rung in rungs} | set(settings.qualities.QUALITY_NAMES)
        rungs[at - 1 : at + 1] = [
            settings.profiles.Rung(_group_name(members, taken), members, above.allowed or rungs[at].allowed)
        ]
    elif verb == "part":
        rungs[at : at + 1] = [settings.profiles.Rung(one, (one,), rungs[at].allowed) for one in rungs[at].qualities]
    return rungs


def _group_name(members: Sequence[str], taken: set[str]) -> str:
    """Return a name for a group of equal qualities: `WEB 1080p` if they agree, else `Any`; numbered if it is taken."""
    sizes = {match[1] for one in members if (match := _RESOLUTION.search(one))}
    kind = "WEB" if all(one.startswith("WEB") for one in members) else ""
    wanted = " ".join(part for part in (kind or "Any", sizes.pop() if len(sizes) == 1 else "") if part)
    return next(name for n in range(1, 99) if (name := wanted if n == 1 else f"{wanted} {n}") not in taken)


def _read_profile(wanted: ProfileFields) -> ProfileForm:
    """Return the profile to store."""
    draft = _draft(wanted, "")
    return ProfileForm(
        minimum_format_score=draft.minimum_format_score,
        cutoff_format_score=draft.cutoff_format_score,
        minimum_format_increment=draft.minimum_format_increment,
        language=draft.language,
        quality_sizes=draft.quality_sizes,
        scores=draft.scores,
        name=draft.name,
        items=draft.items(),
        cutoff=draft.cutoff,
        upgrades_allowed=draft.upgrades_allowed,
        minimum_size_mb=wanted.minimum_size_mb,
        maximum_size_mb=wanted.maximum_size_mb,
    )


ROUTES: tuple[Any, ...] = (
    new_profile,
    trial_page,
    profile_page,
    add_profile,
    change_profile,
    step_profile,
    try_profile,
    try_out,
)
