"""A request as pages show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from mydia.contexts import requests
from mydia.contexts.requests import RequestLine, RequestState
from mydia.contexts.users import Caller, Permission
from mydia.events import say
from mydia.vocabulary import MediaType
from mydia.web.views import STATES, Artwork
from mydia.web.views.cards import artwork, preview

_STEPS = ("Requested", "Approved", "On its way", "Available")
_REACHED = {
    RequestState.PENDING: 1,
    RequestState.APPROVED: 2,
    RequestState.FAILED: 2,
    RequestState.DECLINED: 1,
    RequestState.DOWNLOADING: 3,
    RequestState.PARTIAL: 3,
    RequestState.AVAILABLE: 4,
}


class SeasonShown(msgspec.Struct, frozen=True, kw_only=True):
    """A requested season."""

    number: int
    title: str
    state: str
    """A key of `views.STATES`."""
    held: int
    total: int


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A request."""

    id: str
    title: str
    year: int | None
    show: bool
    art: Artwork
    href: str
    """Its own page."""
    item_href: str | None
    """The title's page, once it is in the library."""
    state: str
    """A key of `views.STATES`."""
    seasons: tuple[SeasonShown, ...]
    asker: str
    asker_avatar: str | None
    mine: bool
    """Whether the viewer asked for it."""
    followed: bool
    """Whether the viewer follows it."""
    followers: tuple[str, ...]
    decided_by: str | None
    decided_at: datetime | None
    automatic: bool
    reason: str | None
    because: str
    """Why it was approved automatically, waits or failed."""
    explanation: tuple[str, ...]
    created_at: datetime
    step: int
    """How many of the four steps are done."""
    can_decide: bool
    can_retry: bool
    can_withdraw: bool
    overview: str | None = None

    @property
    def rail(self) -> tuple[tuple[str, float], ...]:
        """Return the four steps as segments, the last one by what is here of it."""
        if self.state in ("declined", "failed"):
            return (("fail", 25.0 * self.step),)
        held = sum(one.held for one in self.seasons)
        total = sum(one.total for one in self.seasons)
        done = 25.0 * self.step
        if self.state == "partial" and total:
            done = 50.0 + 50.0 * held / total
        return ((STATES[self.state].rail, done),)

    @property
    def steps(self) -> str:
        """Return the reached step, for screen readers."""
        return f"Step {self.step} of 4: {_STEPS[self.step - 1]}"

    @property
    def seasons_said(self) -> str:
        """Return `Season 1`, `Seasons 1–3` or `Seasons 1, 3`; empty for a film."""
        return seasons_said([one.number for one in self.seasons])


def seasons_said(numbers: Sequence[int]) -> str:
    """Return seasons in words, with ranges.

    >>> seasons_said([1, 2, 3, 5]), seasons_said([2]), seasons_said([0]), seasons_said([])
    ('Seasons 1–3, 5', 'Season 2', 'Specials', '')
    """
    regular = sorted(number for number in numbers if number > 0)
    runs: list[list[int]] = []
    for number in regular:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    said = f"{'Season' if len(regular) == 1 else 'Seasons'} {', '.join(parts)}" if regular else ""
    return " and ".join(
        part for part in (said, "Specials" if 0 in numbers and not said else "specials" if 0 in numbers else "") if part
    )


def shown(line: RequestLine, caller: Caller) -> Shown:
    """Return a request for its viewer."""
    row = line.row
    manages = caller.can(Permission.MANAGE_REQUESTS)
    show = row.type == MediaType.TV_SHOW
    names = {one["number"]: one["title"] for one in row.details.get("seasons", ())}
    mine = caller.id is not None and row.asker_id == caller.id
    followed = any(one.id == caller.id for one in line.followers)
    return Shown(
        id=row.id,
        title=row.title,
        year=row.year,
        show=show,
        art=artwork(line.poster) if line.poster else preview("poster", row.poster_path),
        href=f"/requests/{row.id}",
        item_href=f"/{'shows' if show else 'movies'}/{row.media_item_id}" if row.media_item_id else None,
        state=row.state,
        seasons=tuple(
            SeasonShown(
                number=one.number,
                title=names.get(one.number) or f"Season {one.number}",
                state=one.state,
                held=one.episodes_held,
                total=one.episodes_total,
            )
            for one in line.seasons
        ),
        asker=line.asker.name,
        asker_avatar=line.asker.avatar_url,
        mine=mine,
        followed=followed,
        followers=tuple(one.name for one in line.followers),
        decided_by=line.decided_by.name if line.decided_by else None,
        decided_at=row.decided_at,
        automatic=row.automatic,
        reason=row.reason,
        because=say(row.because) if row.because else "",
        explanation=tuple(say(one) for one in row.explanation) if manages else (),
        created_at=row.created_at,
        step=_REACHED[row.state],
        can_decide=manages and row.state in (RequestState.PENDING, RequestState.DECLINED, RequestState.FAILED),
        can_retry=manages and row.state == RequestState.FAILED,
        can_withdraw=manages or followed or (mine and row.state == RequestState.PENDING),
        overview=row.details.get("overview"),
    )


def topics(caller: Caller) -> list[str]:
    """Return the live topics of pages with requests: all of them for those who decide, else the viewer's own."""
    if caller.can(Permission.MANAGE_REQUESTS):
        return ["requests"]
    return [f"requests:{caller.id}"] if caller.id else []


class QuotaShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a quota."""

    label: str
    left: int | None
    most: int | None
    days: int
    percent: float


def quotas_shown(found: Sequence[requests.quotas.Quota]) -> tuple[QuotaShown, ...]:
    """Return the quotas that limit the viewer."""
    return tuple(
        QuotaShown(
            label=f"{quota.unit.capitalize()}s",
            left=quota.left,
            most=quota.most,
            days=quota.days,
            percent=100 * min(quota.used, quota.most) / quota.most if quota.most else 100.0,
        )
        for quota in found
        if quota.most is not None
    )
