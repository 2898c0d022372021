"""PURE. The state of a title, from its choices, dates, holdings and downloads."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from mydia.contexts.media.models import ItemState
from mydia.vocabulary import Activity, MediaType

# Films without a home release date count as released this long after their cinema date. Source: arr-stack §1.5.
_CINEMA_TO_HOME = timedelta(days=90)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a title's state."""

    type: MediaType
    monitored: bool
    out: bool
    """Whether the film has reached its minimum availability; not used for series."""
    files: int
    upgradable: bool
    episodes_total: int
    """Number of aired episodes that are monitored or have a file."""
    episodes_held: int
    activity: Activity | None
    incomplete: bool = False
    """Whether a monitored version lacks what another version has."""


def of(facts: Facts) -> ItemState:
    """Return the state of a title.

    >>> film = Facts(type=MediaType.MOVIE, monitored=True, out=True, files=0, upgradable=False, episodes_total=0, episodes_held=0, activity=None)
    >>> of(film)
    <ItemState.MISSING: 'missing'>
    """
    if facts.activity is not None:
        return ItemState(facts.activity)
    if facts.type == MediaType.MOVIE:
        held, expected = facts.files > 0, facts.out
        whole = not (facts.incomplete and facts.out)
    else:
        held, expected = facts.episodes_held > 0 or facts.files > 0, facts.episodes_total > 0
        whole = facts.episodes_held >= facts.episodes_total and not facts.incomplete
    if held and (whole or not facts.monitored):
        return ItemState.UPGRADABLE if facts.upgradable and facts.monitored else ItemState.AVAILABLE
    if held:
        return ItemState.PARTIAL
    if not facts.monitored:
        return ItemState.UNMONITORED
    return ItemState.MISSING if expected else ItemState.UPCOMING


def movie_is_out(
    minimum_availability: str,
    status: str,
    today: date,
    *,
    cinema_on: date | None,
    digital_on: date | None,
    physical_on: date | None,
) -> bool:
    """Return whether a film has reached the availability from which it is searched for (rules: arr-stack §1.5)."""
    if minimum_availability == "announced":
        return True
    if minimum_availability == "in_cinemas" and cinema_on is not None:
        return cinema_on <= today
    home = [day for day in (digital_on, physical_on) if day is not None]
    if home:
        return min(home) <= today
    if cinema_on is not None:
        return cinema_on + _CINEMA_TO_HOME <= today
    # Without a date, the catalogue's status decides.
    return status == "released"


def has_aired(air_on: date | None, today: date) -> bool:
    """Return whether an episode has aired; one without a date has not."""
    return air_on is not None and air_on <= today


def next_refresh_in(
    type: MediaType, status: str, today: date, *, latest_on: date | None, next_on: date | None
) -> timedelta:
    """Return how long a title's details stay fresh.

    Details change daily around a release, and rarely for titles that ended years ago.
    """
    if status == "continuing" or next_on is not None:
        return (
            timedelta(hours=12) if next_on is not None and next_on <= today + timedelta(days=7) else timedelta(days=2)
        )
    if latest_on is None:
        return timedelta(days=3)
    age = today - latest_on
    if age < timedelta(days=60):
        return timedelta(days=2)
    if age < timedelta(days=365):
        return timedelta(days=14)
    return timedelta(days=60)
