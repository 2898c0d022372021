"""PURE. Compares two versions of a profile over what the library has and what the last searches found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from mydia.contexts import settings
from mydia.contexts.downloads.decisions.candidate import PACK_SHARE
from mydia.contexts.settings import Profile, SizeLimits
from mydia.parsing import Quality
from mydia.vocabulary import MediaType

MOST_LINES = 200
"""Lines of each list that are kept; the counts are of all."""


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a version."""

    quality: Quality
    size_bytes: int
    episode_ids: frozenset[str]
    scores: tuple[int, int]
    """(in the present profile, in the changed one)."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A release that the last search found."""

    title: str
    quality: Quality
    size_bytes: int | None
    episode_ids: frozenset[str]
    is_pack: bool
    scores: tuple[int, int]
    languages: frozenset[str]
    preference: str
    """The stored `Preference` as JSON. It is decoded only if the criteria that depend on the profile do not decide."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a title that uses the profile."""

    item_id: str
    title: str
    type: MediaType
    runtime_min: int
    """Of the film or of one episode."""
    original_language: str | None
    files: tuple[Present, ...]
    offers: tuple[Offer, ...]
    """Releases that only rules of the profile can reject."""
    others: int = 0
    """Releases that are rejected whatever the profile says."""
    searched: bool


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One release that would be grabbed by one of the two profiles and not by the other."""

    item_id: str
    title: str
    release: str
    quality: str
    size_bytes: int | None
    replaces: str
    """Quality of the file that it replaces; empty if something is missing."""
    replaces_bytes: int
    rule: str = ""
    """The rule of the changed profile that rejects it; empty if another release is better, or if it is accepted."""


class Outcome(msgspec.Struct, kw_only=True):
    """What would change. Counts are pairs: (present profile, changed profile)."""

    titles: int = 0
    searched: int = 0
    """Titles with a stored search."""
    files: int = 0
    releases: int = 0
    upgradable: tuple[int, int] = (0, 0)
    """Files below the cutoff."""
    not_allowed: tuple[int, int] = (0, 0)
    """Files whose quality the profile does not allow."""
    accepted: tuple[int, int] = (0, 0)
    """Releases of the last searches that pass all rules."""
    taken: tuple[int, int] = (0, 0)
    """Releases that would be grabbed."""
    taken_bytes: tuple[int, int] = (0, 0)
    freed_bytes: tuple[int, int] = (0, 0)
    """Size of the files that would be replaced."""
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    """Rule -> releases that it newly rejects."""
    grabs: list[Line] = msgspec.field(default_factory=list)
    """Releases that only the changed profile would grab."""
    misses: list[Line] = msgspec.field(default_factory=list)
    """Releases that only the present profile would grab."""

    @property
    def added_bytes(self) -> int:
        """How many bytes more the library would have with the changed profile than with the present one."""
        before, after = (taken - freed for taken, freed in zip(self.taken_bytes, self.freed_bytes, strict=True))
        return after - before


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The two profiles and what else rules depend on."""

    profiles: tuple[Profile, Profile]
    limits: Mapping[MediaType, Mapping[str, SizeLimits]]
    propers: settings.upgrades.Propers


def compare_profiles(sides: Sides, wanted: Iterable[Wanted], outcome: Outcome | None = None) -> Outcome:
    """Return what the changed profile does differently.

    Args:
        outcome: Of the versions before, to add to.
    """
    found = outcome or Outcome()
    for one in wanted:
        _add(sides, one, found)
    return found


def _add(sides: Sides, one: Wanted, found: Outcome) -> None:
    found.titles += 1
    found.searched += int(one.searched)
    found.files += len(one.files)
    found.releases += len(one.offers) + one.others
    found.upgradable = _plus(found.upgradable, [_upgradable(sides, one, side) for side in (0, 1)])
    found.not_allowed = _plus(found.not_allowed, [_not_allowed(sides, one, side) for side in (0, 1)])
    if not one.offers:
        return
    rules = [[_refused_by(sides, one, offer, side) for offer in one.offers] for side in (0, 1)]
    found.accepted = _plus(found.accepted, [sum(rule is None for rule in side) for side in rules])
    newly = Counter(new for old, new in zip(*rules, strict=True) if old is None and new is not None)
    for rule, count in newly.items():
        found.refused[rule] = found.refused.get(rule, 0) + count
    picked = [_pick(sides, one, rules[side], side) for side in (0, 1)]
    for side in (0, 1):
        found.taken = _at(found.taken, side, len(picked[side]))
        for place in picked[side]:
            found.taken_bytes = _at(found.taken_bytes, side, one.offers[place].size_bytes or 0)
            found.freed_bytes = _at(
                found.freed_bytes, side, sum(f.size_bytes for f in _replaced(one, one.offers[place]))
            )
    for place in picked[1]:
        if place not in picked[0] and len(found.grabs) < MOST_LINES:
            found.grabs.append(_line(one, one.offers[place], ""))
    for place in picked[0]:
        if place not in picked[1] and len(found.misses) < MOST_LINES:
            found.misses.append(_line(one, one.offers[place], rules[1][place] or ""))


def _plus(pair: tuple[int, int], more: Sequence[int]) -> tuple[int, int]:
    return pair[0] + more[0], pair[1] + more[1]


def _at(pair: tuple[int, int], side: int, more: int) -> tuple[int, int]:
    return (pair[0] + more, pair[1]) if side == 0 else (pair[0], pair[1] + more)


def _upgradable(sides: Sides, one: Wanted, side: int) -> int:
    profile = sides.profiles[side]
    return sum(settings.upgrades.upgradable(profile, file.quality, score=file.scores[side]) for file in one.files)


def _not_allowed(sides: Sides, one: Wanted, side: int) -> int:
    return sum(not sides.profiles[side].allows(file.quality) for file in one.files)


def _refused_by(sides: Sides, one: Wanted, offer: Offer, side: int) -> str | None:
    """Return the first rule that rejects a release, or None. Names as in `decisions.SPECS`."""
    profile = sides.profiles[side]
    if not profile.allows(offer.quality):
        return "quality-not-wanted"
    if offer.scores[side] < profile.minimum_format_score:
        return "score-below-minimum"
    if settings.profiles.missing_languages(profile, offer.languages, one.original_language):
        return "language-not-wanted"
    return _size_rule(sides, one, offer, profile) or _held_rule(sides, one, offer, side)


def _size_rule(sides: Sides, one: Wanted, offer: Offer, profile: Profile) -> str | None:
    if not offer.size_bytes:
        return None
    limits = profile.limits(offer.quality.name, sides.limits[one.type])
    minutes = one.runtime_min * max(1, len(offer.episode_ids))
    (low, _), (high, _) = settings.profiles.size_bounds(profile, limits, one.type, minutes)
    if offer.size_bytes < low:
        return "size-min"
    return "size-max" if high is not None and offer.size_bytes > high else None


_BY_VERDICT = {
    settings.upgrades.Verdict.UPGRADES_OFF: "upgrade-not-allowed",
    settings.upgrades.Verdict.GOAL_REACHED: "goal-reached",
    settings.upgrades.Verdict.SCORE_GOAL_REACHED: "goal-reached",
}


def _held_rule(sides: Sides, one: Wanted, offer: Offer, side: int) -> str | None:
    kept: set[str] = set()
    rule: str | None = None
    for file in _replaced(one, offer):
        verdict = settings.upgrades.compare(
            sides.profiles[side],
            file.quality,
            offer.quality,
            current_score=file.scores[side],
            new_score=offer.scores[side],
            propers=sides.propers,
        )
        if not verdict.upgrade:
            rule = rule or _BY_VERDICT.get(verdict.reason, "already-have-better")
            kept |= file.episode_ids
    brought = len(offer.episode_ids)
    if rule and offer.is_pack and brought and len(offer.episode_ids - kept) >= PACK_SHARE * brought:
        return None
    return rule


def _replaced(one: Wanted, offer: Offer) -> list[Present]:
    return [file for file in one.files if one.type is MediaType.MOVIE or file.episode_ids & offer.episode_ids]


def _pick(sides: Sides, one: Wanted, rules: Sequence[str | None], side: int) -> list[int]:
    """Return the releases that would be grabbed, as `grab_best` takes them: the best first, then what it lacks."""
    profile = sides.profiles[side]

    def key(place: int) -> tuple[int, ...]:
        offer = one.offers[place]
        revision = offer.quality.revision
        return (
            profile.rank(offer.quality),
            revision.real * 100 + revision.version,
            offer.scores[side],
            *_rank(offer.preference),
            -place,
        )

    passing = [place for place, rule in enumerate(rules) if rule is None]
    if len(passing) > 1:
        passing.sort(key=key, reverse=True)
    picked: list[int] = []
    covered: set[str] = set()
    for place in passing:
        brings = one.offers[place].episode_ids
        if picked and (one.type is MediaType.MOVIE or not brings or brings & covered):
            continue
        picked.append(place)
        covered |= brings
    return picked


# Criteria that the profile decides; they come first in `Preference`.
_OWN_CRITERIA = frozenset({"quality", "revision", "format_score"})


class _Criterion(msgspec.Struct, frozen=True):
    name: str
    value: int


_DECODER = msgspec.json.Decoder(list[_Criterion])


def _rank(preference: str) -> list[int]:
    return [one.value for one in _DECODER.decode(preference) if one.name not in _OWN_CRITERIA]


def _line(one: Wanted, offer: Offer, rule: str) -> Line:
    replaced = _replaced(one, offer)
    return Line(
        item_id=one.item_id,
        title=one.title,
        release=offer.title,
        quality=offer.quality.name,
        size_bytes=offer.size_bytes,
        replaces=max((file.quality for file in replaced), default=Quality()).name if replaced else "",
        replaces_bytes=sum(file.size_bytes for file in replaced),
        rule=rule,
    )
