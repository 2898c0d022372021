"""Settings: release profiles, the terms that release names must, must not or should contain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct
from sqlalchemy.orm import Session

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.units import plural
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.forms import message
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.render import Toast, redirect

_SCORED = re.compile(r"^(?P<term>.+?)\s+(?P<score>[+-]?\d+)$")


class WordsFields(Struct, kw_only=True):
    """The form of a release profile; lists have one term per line."""

    name: Annotated[str, message("Enter a name.")]
    enabled: bool = False
    required: str = ""
    ignored: str = ""
    preferred: str = ""
    """Each line is a term followed by its score."""
    air_date_grace_days: Annotated[int, message("Enter whole days, or leave it empty.")] | None = None
    indexer_id: str | None = None
    tags: str = ""


class WordsCard(msgspec.Struct, frozen=True, kw_only=True):
    """One release profile in the list."""

    id: str
    name: str
    enabled: bool
    said: str
    indexer: str
    tags: tuple[str, ...]


class ProfilesView(msgspec.Struct, frozen=True, kw_only=True):
    """The list of release profiles."""

    frame: SettingsFrame
    cards: tuple[WordsCard, ...]


class WordsView(msgspec.Struct, frozen=True, kw_only=True):
    """The editor of one release profile."""

    frame: SettingsFrame
    id: str
    values: Mapping[str, Any]
    indexers: tuple[tuple[str, str], ...]
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)


def _said(profile: settings.rules.TermProfile) -> str:
    parts = [
        f"{plural(len(profile.required), 'required term')}" if profile.required else "",
        f"{plural(len(profile.ignored), 'excluded term')}" if profile.ignored else "",
        f"{plural(len(profile.preferred), 'preferred term')}" if profile.preferred else "",
        "air dates" if profile.air_date_grace_days is not None else "",
    ]
    return ", ".join(filter(None, parts))


def _indexers(session: Session, caller: Caller) -> tuple[tuple[str, str], ...]:
    rows = settings.indexers.list_indexers(session, caller)
    return (("", "All indexers"), *((row.id, row.name) for row in rows))


@get("/settings/words", sync_to_thread=True, include_in_schema=False)
def list_words(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """List the release profiles."""
    with database.reads() as session:
        names = dict(_indexers(session, caller))
        cards = tuple(
            WordsCard(
                id=one.id,
                name=one.name,
                enabled=one.enabled,
                said=_said(one),
                indexer=names.get(one.indexer_id or "", "") if one.indexer_id else "",
                tags=settings.rules.words.tag_names(session, caller, one),
            )
            for one in settings.rules.words.list_editable(session, caller)
        )
    return show(request, "words.html", ProfilesView(frame=frame(caller, "words"), cards=cards))


@get("/settings/words/new", sync_to_thread=True, include_in_schema=False)
def new_words(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show the editor of a new release profile."""
    return show(
        request, "word_profile.html", _view(deps, caller, "", _values(settings.rules.TermProfile(id="", name=""), ()))
    )


@get("/settings/words/{profile_id:str}", sync_to_thread=True, include_in_schema=False)
def words_page(request: WebRequest, deps: DepsDep, caller: CallerDep, profile_id: FromPath[str]) -> Response[str]:
    """Show the editor."""
    with deps.database.reads() as session:
        profile = settings.rules.words.get_editable(session, caller, profile_id)
        values = _values(profile, settings.rules.words.tag_names(session, caller, profile))
    return show(request, "word_profile.html", _view(deps, caller, profile_id, values))


@post("/settings/words/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_words(request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[WordsFields]) -> Response[str]:
    """Store a new release profile."""
    try:
        wanted = _form(form.read())
        with deps.database.writes() as session:
            saved = settings.rules.words.save_profile(session, caller, clock.now(), wanted)
    except Invalid as error:
        return show(request, "word_profile.html", _view(deps, caller, "", form.sent, errors_of(error)), status=422)
    return redirect(request, "/settings/words", toast=Toast(f"{saved.name} saved"))


@post("/settings/words/{profile_id:str}", sync_to_thread=True, status_code=200, include_in_schema=False)
def change_words(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[WordsFields], profile_id: FromPath[str]
) -> Response[str]:
    """Store a changed release profile."""
    try:
        wanted = _form(form.read())
        with deps.database.writes() as session:
            saved = settings.rules.words.save_profile(session, caller, clock.now(), wanted, profile_id=profile_id)
    except Invalid as error:
        view = _view(deps, caller, profile_id, form.sent, errors_of(error))
        return show(request, "word_profile.html", view, status=422)
    return redirect(request, "/settings/words", toast=Toast(f"{saved.name} saved"))


@post("/settings/words/{profile_id:str}/remove", sync_to_thread=True, status_code=200, include_in_schema=False)
def remove_words(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str]
) -> Response[str]:
    """Delete a release profile."""
    with database.writes() as session:
        settings.rules.words.delete_profile(session, caller, clock.now(), profile_id)
    return redirect(request, "/settings/words", toast=Toast("Release profile removed"))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))


def _form(fields: WordsFields) -> settings.rules.ReleaseForm:
    """Return what is stored. Raises: Invalid, if a preferred term has no score."""
    preferred: list[tuple[str, int]] = []
    for line in _lines(fields.preferred):
        scored = _SCORED.match(line)
        if scored is None:
            sentence = f"Write a score after “{line}”, such as {line} 10."
            raise Invalid(sentence, fields={"preferred": sentence})
        preferred.append((scored["term"], int(scored["score"])))
    return settings.rules.ReleaseForm(
        name=fields.name,
        enabled=fields.enabled,
        required=_lines(fields.required),
        ignored=_lines(fields.ignored),
        preferred=tuple(preferred),
        air_date_grace_days=fields.air_date_grace_days,
        indexer_id=fields.indexer_id,
        tags=settings.tags.split_names(fields.tags),
    )


def _values(profile: settings.rules.TermProfile, tags: tuple[str, ...]) -> dict[str, Any]:
    days = profile.air_date_grace_days
    return {
        "name": profile.name,
        "enabled": "true" if profile.enabled else "",
        "required": "\n".join(profile.required),
        "ignored": "\n".join(profile.ignored),
        "preferred": "\n".join(f"{term} {score:+d}" for term, score in profile.preferred),
        "air_date_grace_days": "" if days is None else str(days),
        "indexer_id": profile.indexer_id or "",
        "tags": ", ".join(tags),
    }


def _view(
    deps: WebDeps, caller: Caller, profile_id: str, values: Mapping[str, Any], errors: Mapping[str, str] | None = None
) -> WordsView:
    with deps.database.reads() as session:
        indexers = _indexers(session, caller)
    return WordsView(
        frame=frame(caller, "words", str(values.get("name") or "New release profile")),
        id=profile_id,
        values=values,
        indexers=indexers,
        errors=errors or {},
    )


ROUTES: tuple[Any, ...] = (list_words, new_words, add_words, words_page, change_words, remove_words)
