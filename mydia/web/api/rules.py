"""`/api/v1/delay-profiles`, `/api/v1/release-profiles`, `/api/v1/pending-releases` and `/api/v1/media/{media_id}/why`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType

from mydia import clock
from mydia.contexts import downloads, settings
from mydia.web.api.schemas import Name, Struct, Tag, contradictions, given
from mydia.web.deps import CallerDep, DatabaseDep, OutsideDep

Minutes = Annotated[int, Meta(ge=0, le=settings.rules.delays.LONGEST_MIN)]
Score = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Term = Annotated[str, Meta(min_length=1, max_length=1_000)]
Terms = Annotated[list[Term], Meta(max_length=200)]
GraceDays = Annotated[int, Meta(ge=-365, le=365)]
Protocol = Literal["torrent", "usenet"]


class DelayShape(Struct):
    """A delay profile. Titles use the first one that shares a tag with them, otherwise the default one."""

    id: str
    """`default` for the profile of all other titles."""
    name: str
    enable_torrent: bool
    enable_usenet: bool
    preferred_protocol: Protocol | None
    torrent_delay_min: int
    """Minutes from when a release was published."""
    usenet_delay_min: int
    bypass_if_highest_quality: bool
    """Whether the highest quality of the profile is grabbed at once, if its protocol is the preferred one."""
    bypass_above_score: int | None
    """The same from this score on; null if the score does not matter."""
    tags: list[str]


class NewDelay(Struct):
    """A delay profile to add. It is tried after the others and before the default one."""

    name: Name
    tags: Annotated[list[Tag], Meta(min_length=1, max_length=50)]
    enable_torrent: bool = True
    enable_usenet: bool = True
    preferred_protocol: Protocol | None = None
    torrent_delay_min: Minutes = 0
    usenet_delay_min: Minutes = 0
    bypass_if_highest_quality: bool = False
    bypass_above_score: Score | None = None


class DelayChange(Struct):
    """Changes to a delay profile. Fields that are left out stay unchanged."""

    name: Name | UnsetType = UNSET
    tags: Annotated[list[Tag], Meta(max_length=50)] | UnsetType = UNSET
    enable_torrent: bool | UnsetType = UNSET
    enable_usenet: bool | UnsetType = UNSET
    preferred_protocol: Protocol | None | UnsetType = UNSET
    torrent_delay_min: Minutes | UnsetType = UNSET
    usenet_delay_min: Minutes | UnsetType = UNSET
    bypass_if_highest_quality: bool | UnsetType = UNSET
    bypass_above_score: Score | None | UnsetType = UNSET


class DelayOrder(Struct):
    """The order in which delay profiles are tried."""

    ids: Annotated[list[str], Meta(min_length=1, max_length=1000)]


class PreferredTerm(Struct):
    """A preferred term and its score."""

    term: Term
    score: Score


class ReleaseProfileShape(Struct):
    """A release profile: terms that release names must, must not or should contain."""

    id: str
    name: str
    enabled: bool
    required: list[str]
    """A name must contain one of these. A term is plain text, or a regular expression between slashes."""
    ignored: list[str]
    """A name must contain none of these."""
    preferred: list[PreferredTerm]
    """Decide between releases of the same quality and format score."""
    air_date_grace_days: int | None
    """Days after its air date from which on an episode is grabbed; null for any time."""
    indexer_id: str | None
    """Null for all indexers."""
    tags: list[str]
    """Empty for all titles."""


class NewReleaseProfile(Struct):
    """A release profile to add. It needs a term or a rule for air dates."""

    name: Name
    enabled: bool = True
    required: Terms = []
    ignored: Terms = []
    preferred: Annotated[list[PreferredTerm], Meta(max_length=200)] = []
    air_date_grace_days: GraceDays | None = None
    indexer_id: str | None = None
    tags: Annotated[list[Tag], Meta(max_length=50)] = []


class ReleaseProfileChange(Struct):
    """Changes to a release profile. Fields that are left out stay unchanged."""

    name: Name | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    required: Terms | UnsetType = UNSET
    ignored: Terms | UnsetType = UNSET
    preferred: Annotated[list[PreferredTerm], Meta(max_length=200)] | UnsetType = UNSET
    air_date_grace_days: GraceDays | None | UnsetType = UNSET
    indexer_id: str | None | UnsetType = UNSET
    tags: Annotated[list[Tag], Meta(max_length=50)] | UnsetType = UNSET


class PendingShape(Struct):
    """A release that waits."""

    id: str
    release_id: str
    media_id: str
    media_title: str
    episodes: str
    """`S01E02`; empty for a movie."""
    title: str
    """The release's name."""
    quality: str
    format_score: int
    size_bytes: int | None
    indexer: str
    protocol: str
    reason: str
    """delay | client_unavailable | fallback"""
    text: str
    """What it waits for, as a sentence."""
    since_at: datetime
    until_at: datetime | None
    """Null: until its download client answers."""


class GrabbedShape(Struct):
    """The download of a release that was grabbed."""

    download_id: str


class RefusedRelease(Struct):
    """A release that a rule rejected."""

    title: str
    text: str
    """Why, as a sentence."""


class RefusedShape(Struct):
    """A rule of a search and the releases that it rejected."""

    reason: str
    """The rule's name."""
    known_as: str
    """The name of the reason in Sonarr and Radarr."""
    permanent: bool
    releases: list[RefusedRelease]


class GapShape(Struct):
    """In what the best release is better than the next one."""

    criterion: str
    """The first criterion in which they differ; empty if the name decided."""
    by: int
    better: str
    worse: str
    equal: list[str]
    """More important criteria, in which they are equal."""
    text: str


class WhyShape(Struct):
    """Why a search of a title ended as it did."""

    obstacles: list[str]
    """What keeps the title from being grabbed automatically, whatever indexers have: not monitored, not out yet."""
    search_id: str | None
    """Null if it was not searched yet; then the fields below are empty."""
    text: str
    winner_id: str | None
    """The best release that passes all rules."""
    winner: str | None
    runner_up_id: str | None
    runner_up: str | None
    gap: GapShape | None
    refused: list[RefusedShape]


def _delay(delay: settings.rules.Delay, tags: tuple[str, ...]) -> DelayShape:
    return DelayShape(
        id=delay.id,
        name=delay.name,
        enable_torrent=delay.enable_torrent,
        enable_usenet=delay.enable_usenet,
        preferred_protocol=delay.preferred_protocol,  # type: ignore[arg-type]  # the table allows only these
        torrent_delay_min=delay.torrent_delay_min,
        usenet_delay_min=delay.usenet_delay_min,
        bypass_if_highest_quality=delay.bypass_if_highest_quality,
        bypass_above_score=delay.bypass_above_score,
        tags=list(tags),
    )


def _profile(profile: settings.rules.TermProfile, tags: tuple[str, ...]) -> ReleaseProfileShape:
    return ReleaseProfileShape(
        id=profile.id,
        name=profile.name,
        enabled=profile.enabled,
        required=list(profile.required),
        ignored=list(profile.ignored),
        preferred=[PreferredTerm(term=term, score=score) for term, score in profile.preferred],
        air_date_grace_days=profile.air_date_grace_days,
        indexer_id=profile.indexer_id,
        tags=list(tags),
    )


@get("/delay-profiles", sync_to_thread=True, summary="List delay profiles")
def list_delay_profiles(database: DatabaseDep, caller: CallerDep) -> list[DelayShape]:
    """Return all delay profiles in the order in which they are tried; the default one is last."""
    with database.reads() as session:
        return [
            _delay(one, settings.rules.delays.tag_names(session, caller, one))
            for one in settings.rules.delays.list_delays(session, caller)
        ]


@post("/delay-profiles", sync_to_thread=True, summary="Add a delay profile")
def add_delay_profile(database: DatabaseDep, caller: CallerDep, data: JSONBody[NewDelay]) -> DelayShape:
    """Add a delay profile. 409 if it allows no protocol."""
    fields = {name: getattr(data, name) for name in NewDelay.__struct_fields__}
    with contradictions(), database.writes() as session:
        form = settings.rules.DelayForm(**{**fields, "tags": tuple(data.tags)})
        saved = settings.rules.delays.save_delay(session, caller, clock.now(), form)
        return _delay(saved, settings.rules.delays.tag_names(session, caller, saved))


@put("/delay-profiles/order", sync_to_thread=True, summary="Order delay profiles")
def order_delay_profiles(database: DatabaseDep, caller: CallerDep, data: JSONBody[DelayOrder]) -> list[DelayShape]:
    """Set the order in which delay profiles are tried. Unknown ids are ignored; profiles that are not listed follow."""
    with database.writes() as session:
        settings.rules.delays.order_delays(session, caller, clock.now(), data.ids)
        return [
            _delay(one, settings.rules.delays.tag_names(session, caller, one))
            for one in settings.rules.delays.list_delays(session, caller)
        ]


@get("/delay-profiles/{delay_id:str}", sync_to_thread=True, summary="Get a delay profile")
def get_delay_profile(database: DatabaseDep, caller: CallerDep, delay_id: FromPath[str]) -> DelayShape:
    """Return one delay profile; `default` is the one without tags."""
    with database.reads() as session:
        delay = settings.rules.delays.get_delay(session, caller, delay_id)
        return _delay(delay, settings.rules.delays.tag_names(session, caller, delay))


@put("/delay-profiles/{delay_id:str}", sync_to_thread=True, summary="Change a delay profile")
def change_delay_profile(
    database: DatabaseDep, caller: CallerDep, delay_id: FromPath[str], data: JSONBody[DelayChange]
) -> DelayShape:
    """Change a delay profile. 409 if it allows no protocol, or if the default one would get tags or another none."""
    changes = given(data)
    if data.tags is not UNSET:
        changes["tags"] = tuple(data.tags)
    with contradictions(), database.writes() as session:
        old = settings.rules.delays.get_editable(session, caller, delay_id)
        kept = {name: getattr(old, name) for name in settings.rules.DelayForm.__struct_fields__}
        form = settings.rules.DelayForm(
            **{**kept, "tags": settings.rules.delays.tag_names(session, caller, old), **changes}
        )
        saved = settings.rules.delays.save_delay(session, caller, clock.now(), form, delay_id=delay_id)
        return _delay(saved, settings.rules.delays.tag_names(session, caller, saved))


@delete("/delay-profiles/{delay_id:str}", sync_to_thread=True, status_code=204, summary="Remove a delay profile")
def remove_delay_profile(database: DatabaseDep, caller: CallerDep, delay_id: FromPath[str]) -> None:
    """Remove a delay profile. 409 for the default one."""
    with database.writes() as session:
        settings.rules.delays.delete_delay(session, caller, clock.now(), delay_id)


@get("/release-profiles", sync_to_thread=True, summary="List release profiles")
def list_release_profiles(database: DatabaseDep, caller: CallerDep) -> list[ReleaseProfileShape]:
    """Return all release profiles, sorted by name."""
    with database.reads() as session:
        return [
            _profile(one, settings.rules.words.tag_names(session, caller, one))
            for one in settings.rules.words.list_profiles(session, caller)
        ]


@post("/release-profiles", sync_to_thread=True, summary="Add a release profile")
def add_release_profile(
    database: DatabaseDep, caller: CallerDep, data: JSONBody[NewReleaseProfile]
) -> ReleaseProfileShape:
    """Add a release profile. 409 if it has no rule, a term is not a regular expression, or there is no such indexer."""
    form = settings.rules.ReleaseForm(
        name=data.name,
        enabled=data.enabled,
        required=tuple(data.required),
        ignored=tuple(data.ignored),
        preferred=tuple((one.term, one.score) for one in data.preferred),
        air_date_grace_days=data.air_date_grace_days,
        indexer_id=data.indexer_id,
        tags=tuple(data.tags),
    )
    with contradictions(), database.writes() as session:
        saved = settings.rules.words.save_profile(session, caller, clock.now(), form)
        return _profile(saved, settings.rules.words.tag_names(session, caller, saved))


@get("/release-profiles/{profile_id:str}", sync_to_thread=True, summary="Get a release profile")
def get_release_profile(database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str]) -> ReleaseProfileShape:
    """Return one release profile."""
    with database.reads() as session:
        profile = settings.rules.words.get_profile(session, caller, profile_id)
        return _profile(profile, settings.rules.words.tag_names(session, caller, profile))


@put("/release-profiles/{profile_id:str}", sync_to_thread=True, summary="Change a release profile")
def change_release_profile(
    database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str], data: JSONBody[ReleaseProfileChange]
) -> ReleaseProfileShape:
    """Change a release profile. 409 for the same reasons as when one is added."""
    changes = given(data)
    changes |= {name: tuple(changes[name]) for name in ("required", "ignored", "tags") if name in changes}
    if data.preferred is not UNSET:
        changes["preferred"] = tuple((one.term, one.score) for one in data.preferred)
    with contradictions(), database.writes() as session:
        old = settings.rules.words.get_editable(session, caller, profile_id)
        kept = {name: getattr(old, name) for name in settings.rules.ReleaseForm.__struct_fields__}
        form = settings.rules.ReleaseForm(
            **{**kept, "tags": settings.rules.words.tag_names(session, caller, old), **changes}
        )
        saved = settings.rules.words.save_profile(session, caller, clock.now(), form, profile_id=profile_id)
        return _profile(saved, settings.rules.words.tag_names(session, caller, saved))


@delete("/release-profiles/{profile_id:str}", sync_to_thread=True, status_code=204, summary="Remove a release profile")
def remove_release_profile(database: DatabaseDep, caller: CallerDep, profile_id: FromPath[str]) -> None:
    """Remove a release profile."""
    with database.writes() as session:
        settings.rules.words.delete_profile(session, caller, clock.now(), profile_id)


@get("/pending-releases", sync_to_thread=True, summary="List waiting releases")
def list_pending(
    database: DatabaseDep,
    caller: CallerDep,
    media_id: FromQuery[Annotated[str, Meta(max_length=64)] | None] = None,
) -> list[PendingShape]:
    """Return the releases that wait for their delay or for a client, those whose time comes first at the top."""
    with database.reads() as session:
        found = downloads.pending.list_pending(session, caller, media_item_id=media_id)
    return [
        PendingShape(
            id=one.id,
            release_id=one.release_id,
            media_id=one.media_item_id,
            media_title=one.media_title,
            episodes=one.episodes,
            title=one.release_title,
            quality=one.quality_name,
            format_score=one.format_score,
            size_bytes=one.size_bytes,
            indexer=one.indexer_name,
            protocol=one.protocol,
            reason=one.reason,
            text=one.why,
            since_at=one.since_at,
            until_at=one.until_at,
        )
        for one in found
    ]


@post("/pending-releases/{pending_id:str}/grab", sync_to_thread=True, status_code=200, summary="Grab a waiting release")
def take_pending(
    database: DatabaseDep, outside: OutsideDep, caller: CallerDep, pending_id: FromPath[str]
) -> GrabbedShape:
    """Grab a waiting release at once."""
    return GrabbedShape(download_id=downloads.pending.take_now(database, outside, caller, clock.now(), pending_id))


@delete("/pending-releases/{pending_id:str}", sync_to_thread=True, status_code=204, summary="Remove a waiting release")
def remove_pending(database: DatabaseDep, caller: CallerDep, pending_id: FromPath[str]) -> None:
    """Stop waiting for a release. A later search may find it again."""
    with database.writes() as session:
        downloads.pending.remove_pending(session, caller, clock.now(), pending_id)


@get("/media/{media_id:str}/why", sync_to_thread=True, summary="Explain a title's search")
def why(
    database: DatabaseDep,
    caller: CallerDep,
    media_id: FromPath[str],
    search_id: FromQuery[Annotated[str, Meta(max_length=64)] | None] = None,
) -> WhyShape:
    """Return what a search of a title saw: what won and by how much, and which rule rejected which release.

    Without `search_id` it is the latest search.
    """
    with database.reads() as session:
        obstacles = downloads.history.obstacles(session, caller, clock.now(), media_id)
        found = downloads.history.explain(session, caller, media_id, search_id=search_id)
    shape = WhyShape(
        obstacles=list(map(str, obstacles)),
        search_id=None,
        text="",
        winner_id=None,
        winner=None,
        runner_up_id=None,
        runner_up=None,
        gap=None,
        refused=[],
    )
    if found is None:
        return shape
    shape.search_id, shape.text = found.search.id, found.sentence
    if found.winner is not None:
        shape.winner_id, shape.winner = found.winner.id, found.winner.title
    if found.runner_up is not None:
        shape.runner_up_id, shape.runner_up = found.runner_up.id, found.runner_up.title
    if (gap := found.gap) is not None:
        shape.gap = GapShape(
            criterion=gap.criterion,
            by=gap.by,
            better=gap.better,
            worse=gap.worse,
            equal=list(gap.equal),
            text=gap.sentence,
        )
    shape.refused = [
        RefusedShape(
            reason=one.rule,
            known_as=one.known_as,
            permanent=one.permanent,
            releases=[RefusedRelease(title=title, text=text) for title, text in one.releases],
        )
        for one in found.refused
    ]
    return shape


ROUTES: tuple[Any, ...] = (
    list_delay_profiles,
    add_delay_profile,
    order_delay_profiles,
    get_delay_profile,
    change_delay_profile,
    remove_delay_profile,
    list_release_profiles,
    add_release_profile,
    get_release_profile,
    change_release_profile,
    remove_release_profile,
    list_pending,
    take_pending,
    remove_pending,
    why,
)
