"""Settings: quotas of requests, what is approved automatically, rules, and what applies to single people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import requests, settings
from mydia.contexts.requests import Allowance, Conditions, NewRule, QuotaKind
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.languages import language_code, language_name, language_names
from mydia.vocabulary import MediaType
from mydia.web.deps import CallerDep, DatabaseDep, FormOf, WebRequest
from mydia.web.forms import Count
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, redirect

KEYS = (
    "requests.movie_limit",
    "requests.movie_days",
    "requests.season_limit",
    "requests.season_days",
    "requests.auto_approve_guests",
    "requests.specials",
    "requests.tag_requester",
)
"""The settings of this page."""
_TYPES: tuple[tuple[str, str], ...] = (
    ("", "Movies and shows"),
    (MediaType.MOVIE, "Movies"),
    (MediaType.TV_SHOW, "Shows"),
)
_APPROVALS = (("", "As without this rule"), ("yes", "Approve automatically"), ("no", "Ask for approval"))
_QUOTAS = (("default", "As for everybody"), ("limited", "Own limit"), ("unlimited", "No limit"))
_PEOPLE = (("", "As for the role"), ("yes", "Approve automatically"), ("no", "Ask for approval"))
_TO_BOOL = {"": None, "yes": True, "no": False}
_FROM_BOOL = {None: "", True: "yes", False: "no"}


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    """A rule in the list."""

    id: str
    name: str
    enabled: bool
    when: str
    then: str


class RequestSettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of requests."""

    frame: SettingsFrame
    values: Mapping[str, str]
    locked: Mapping[str, str]
    """Key -> the source that sets it, for keys that cannot be changed here."""
    rules: tuple[RuleLine, ...]
    people: tuple[tuple[str, str], ...]
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


class RequestSettingsFields(Struct, kw_only=True):
    """The settings, by key."""

    values: dict[str, str] = {}


@get("/settings/requests", sync_to_thread=True, include_in_schema=False)
def show_settings(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show the settings of requests."""
    return show(request, "requests.html", _view(database, caller, {}, {}))


@post("/settings/requests", sync_to_thread=True, status_code=200, include_in_schema=False)
def save_settings(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[RequestSettingsFields]
) -> Response[str]:
    """Store the settings of requests."""
    values = form.read().values
    try:
        with database.writes() as session:
            found = settings.all_sourced(session, caller)
            changes = {
                name: values[name]
                for name in KEYS
                if name in values and found[name].layer != "environment" and values[name] != _written(found[name].value)
            }
            settings.change_values(session, caller, clock.now(), changes)
    except Invalid as error:
        return show(request, "requests.html", _view(database, caller, values, errors_of(error)), status=422)
    return redirect(request, "/settings/requests", toast=Toast("Saved"))


def _view(
    database: DatabaseDep, caller: Caller, values: Mapping[str, str], errors: Mapping[str, str]
) -> RequestSettingsView:
    around = frame(caller, "requests")
    with database.reads() as session:
        found = settings.all_sourced(session, caller)
        names = _names(session, caller)
        rules = tuple(_line(rule, names) for rule in requests.rules.list_rules(session, caller))
        people = requests.quotas.people(session, caller)
    return RequestSettingsView(
        frame=around,
        values={name: values.get(name, _written(found[name].value)) for name in KEYS},
        locked={name: found[name].source for name in KEYS if found[name].layer == "environment"},
        rules=rules,
        people=people,
        errors=errors,
    )


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Names(msgspec.Struct, frozen=True):
    """What rules refer to, by id."""

    people: Mapping[str, str]
    profiles: Mapping[str, str]
    folders: Mapping[str, str]


def _names(session: Session, caller: Caller) -> _Names:
    return _Names(
        dict(requests.quotas.people(session, caller)),
        {one.id: one.name for one in settings.profiles.list_profiles(session, caller)},
        {one.id: one.name for one in settings.library_paths.list_library_paths(session, caller)},
    )


def _line(rule: requests.rules.RequestRule, names: _Names) -> RuleLine:
    when = [
        dict(_TYPES).get(rule.type or "", "") if rule.type else "",
        _listed("by", [names.people.get(id_, "a removed account") for id_ in rule.user_ids]),
        _listed("genre", rule.genres),
        _listed("language", tuple(map(language_name, rule.languages))),
        _listed("keyword", rule.keywords),
    ]
    then = [
        f"profile {names.profiles.get(rule.profile_id, '?')}" if rule.profile_id else "",
        f"folder {names.folders.get(rule.library_path_id, '?')}" if rule.library_path_id else "",
        _listed("tags", rule.tags),
        {True: "approved automatically", False: "needs approval", None: ""}[rule.approves],
    ]
    return RuleLine(
        id=rule.id,
        name=rule.name,
        enabled=rule.enabled,
        when="; ".join(part for part in when if part) or "Every request",
        then="; ".join(part for part in then if part),
    )


def _listed(word: str, values: Sequence[str]) -> str:
    return f"{word} {', '.join(values)}" if values else ""


class RuleFields(Struct, kw_only=True):
    """The form of a rule."""

    name: str = ""
    enabled: bool = False
    type: MediaType | None = None
    user_ids: tuple[str, ...] = ()
    genres: str = ""
    languages: str = ""
    keywords: str = ""
    profile_id: str | None = None
    library_path_id: str | None = None
    tags: str = ""
    approves: Literal["", "yes", "no"] = ""


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of one rule."""

    frame: SettingsFrame
    rule_id: str | None
    action: str
    values: Mapping[str, str]
    chosen: frozenset[str]
    """The people whose boxes are ticked."""
    people: tuple[tuple[str, str], ...]
    profiles: tuple[tuple[str, str], ...]
    folders: tuple[tuple[str, str], ...]
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    types: tuple[tuple[str, str], ...] = _TYPES
    approvals: tuple[tuple[str, str], ...] = _APPROVALS


@get("/settings/requests/rules/new", sync_to_thread=True, include_in_schema=False)
def new_rule(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show an empty rule."""
    return show(request, "request_rule.html", _rule_view(database, caller, None, {"enabled": "true"}, frozenset(), {}))


@post("/settings/requests/rules/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_rule(request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[RuleFields]) -> Response[str]:
    """Add a rule."""
    fields = form.draft()
    try:
        fields = form.read()
        with database.writes() as session:
            requests.rules.add_rule(session, caller, clock.now(), _new(fields))
    except Invalid as error:
        view = _rule_view(database, caller, None, form.sent, frozenset(fields.user_ids), errors_of(error))
        return show(request, "request_rule.html", view, status=422)
    return redirect(request, "/settings/requests", toast=Toast("Rule added"))


@get("/settings/requests/rules/{rule_id:str}", sync_to_thread=True, include_in_schema=False)
def show_rule(request: WebRequest, database: DatabaseDep, caller: CallerDep, rule_id: FromPath[str]) -> Response[str]:
    """Show a rule."""
    with database.reads() as session:
        rule = requests.rules.get_rule(session, caller, rule_id)
    values = {
        "name": rule.name,
        "enabled": str(rule.enabled).lower(),
        "type": rule.type or "",
        "genres": ", ".join(rule.genres),
        "languages": language_names(rule.languages),
        "keywords": ", ".join(rule.keywords),
        "profile_id": rule.profile_id or "",
        "library_path_id": rule.library_path_id or "",
        "tags": ", ".join(rule.tags),
        "approves": _FROM_BOOL[rule.approves],
    }
    view = _rule_view(database, caller, rule_id, values, frozenset(rule.user_ids), {}, title=rule.name)
    return show(request, "request_rule.html", view)


@post("/settings/requests/rules/{rule_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_rule(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[RuleFields], rule_id: FromPath[str]
) -> Response[str]:
    """Store a changed rule."""
    fields = form.draft()
    try:
        fields = form.read()
        with database.writes() as session:
            requests.rules.change_rule(session, caller, clock.now(), rule_id, _new(fields))
    except Invalid as error:
        view = _rule_view(database, caller, rule_id, form.sent, frozenset(fields.user_ids), errors_of(error))
        return show(request, "request_rule.html", view, status=422)
    return redirect(request, "/settings/requests", toast=Toast("Rule saved"))


@post("/settings/requests/rules/{rule_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_rule(request: WebRequest, database: DatabaseDep, caller: CallerDep, rule_id: FromPath[str]) -> Response[str]:
    """Remove a rule."""
    with database.writes() as session:
        requests.rules.remove_rule(session, caller, clock.now(), rule_id)
    return redirect(request, "/settings/requests", toast=Toast("Rule removed"))


def _new(fields: RuleFields) -> NewRule:
    return NewRule(
        name=fields.name,
        enabled=fields.enabled,
        conditions=Conditions(
            type=fields.type,
            user_ids=fields.user_ids,
            genres=settings.tags.split_names(fields.genres),
            languages=tuple(language_code(typed) or typed for typed in settings.tags.split_names(fields.languages)),
            keywords=settings.tags.split_names(fields.keywords),
        ),
        profile_id=fields.profile_id,
        library_path_id=fields.library_path_id,
        tags=settings.tags.split_names(fields.tags),
        approves=_TO_BOOL[fields.approves],
    )


def _rule_view(
    database: DatabaseDep,
    caller: Caller,
    rule_id: str | None,
    values: Mapping[str, str],
    chosen: frozenset[str],
    errors: Mapping[str, str],
    *,
    title: str = "",
) -> RuleView:
    around = frame(caller, "requests", title or values.get("name") or "New rule")
    with database.reads() as session:
        names = _names(session, caller)
    return RuleView(
        frame=around,
        rule_id=rule_id,
        action=f"/settings/requests/rules/{rule_id or 'new'}",
        values=values,
        chosen=chosen,
        people=tuple(names.people.items()),
        profiles=tuple(names.profiles.items()),
        folders=tuple(names.folders.items()),
        errors=errors,
    )


class PersonFields(Struct, kw_only=True):
    """What applies to one person."""

    movie_quota: QuotaKind = QuotaKind.DEFAULT
    movie_most: Count | None = None
    movie_days: Count | None = None
    movie_approve: Literal["", "yes", "no"] = ""
    movie_profile: str | None = None
    movie_folder: str | None = None
    tv_show_quota: QuotaKind = QuotaKind.DEFAULT
    tv_show_most: Count | None = None
    tv_show_days: Count | None = None
    tv_show_approve: Literal["", "yes", "no"] = ""
    tv_show_profile: str | None = None
    tv_show_folder: str | None = None


class PersonView(msgspec.Struct, frozen=True, kw_only=True):
    """The page of what applies to one person."""

    frame: SettingsFrame
    action: str
    values: Mapping[str, str]
    used: Mapping[str, tuple[int, int]]
    """Type -> (how much was requested, in how many days)."""
    profiles: tuple[tuple[str, str], ...]
    folders: Mapping[str, tuple[tuple[str, str], ...]]
    """Type -> the folders that take it."""
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    quotas: tuple[tuple[str, str], ...] = _QUOTAS
    approvals: tuple[tuple[str, str], ...] = _PEOPLE
    types: tuple[tuple[str, str, str], ...] = (
        (MediaType.MOVIE, "Movies", "movie"),
        (MediaType.TV_SHOW, "Shows", "season"),
    )


@get("/settings/requests/people/{user_id:str}", sync_to_thread=True, include_in_schema=False)
def show_person(request: WebRequest, database: DatabaseDep, caller: CallerDep, user_id: FromPath[str]) -> Response[str]:
    """Show what applies to one person."""
    return show(request, "request_person.html", _person_view(database, caller, user_id, None, {}))


@post("/settings/requests/people/{user_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_person(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, form: FormOf[PersonFields], user_id: FromPath[str]
) -> Response[str]:
    """Store what applies to one person."""
    kind = MediaType.MOVIE
    try:
        fields = form.read()
        with database.writes() as session:
            for kind in MediaType:
                wanted = Allowance(
                    type=kind,
                    quota=getattr(fields, f"{kind}_quota"),
                    most=getattr(fields, f"{kind}_most"),
                    days=getattr(fields, f"{kind}_days"),
                    auto_approve=_TO_BOOL[getattr(fields, f"{kind}_approve")],
                )
                requests.quotas.change_allowance(session, caller, clock.now(), user_id, wanted)
                defaults = settings.person_defaults.Defaults(
                    getattr(fields, f"{kind}_folder"), getattr(fields, f"{kind}_profile")
                )
                settings.person_defaults.change_defaults(session, caller, user_id, kind, defaults)
    except Invalid as error:
        told = {name if name in form.sent else f"{kind}_{name}": said for name, said in errors_of(error).items()}
        return show(
            request, "request_person.html", _person_view(database, caller, user_id, form.sent, told), status=422
        )
    return redirect(request, "/settings/requests", toast=Toast("Saved"))


def _person_view(
    database: DatabaseDep, caller: Caller, user_id: str, sent: Mapping[str, str] | None, errors: Mapping[str, str]
) -> PersonView:
    with database.reads() as session:
        allowances = requests.quotas.allowances_of(session, caller, user_id)
        defaults = settings.person_defaults.defaults_of(session, caller, user_id)
        names = dict(requests.quotas.people(session, caller))
        used = requests.quotas.used_by(session, caller, clock.now(), user_id)
        profiles = tuple((one.id, one.name) for one in settings.profiles.list_profiles(session, caller))
        paths = settings.library_paths.list_library_paths(session, caller)
    values: dict[str, str] = {}
    for kind, own in allowances.items():
        values |= {
            f"{kind}_quota": own.quota,
            f"{kind}_most": "" if own.most is None else str(own.most),
            f"{kind}_days": "" if own.days is None else str(own.days),
            f"{kind}_approve": _FROM_BOOL[own.auto_approve],
            f"{kind}_profile": defaults[kind].profile_id or "",
            f"{kind}_folder": defaults[kind].library_path_id or "",
        }
    return PersonView(
        frame=frame(caller, "requests", names.get(user_id, "Requests")),
        action=f"/settings/requests/people/{user_id}",
        values=values | dict(sent or {}),
        used={str(one.type): (one.used, one.days) for one in used},
        profiles=profiles,
        folders={
            str(kind): tuple((path.id, path.name) for path in paths if settings.library_paths.suits(path, kind))
            for kind in MediaType
        },
        errors=errors,
    )


ROUTES: tuple[Any, ...] = (
    show_settings,
    save_settings,
    new_rule,
    add_rule,
    show_rule,
    change_rule,
    remove_rule,
    show_person,
    change_person,
)
