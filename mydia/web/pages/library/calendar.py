"""The calendar: a month on a desktop, an agenda on a phone."""

from __future__ import annotations

import calendar as months
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery

from mydia import clock
from mydia.contexts import media
from mydia.errors import Invalid
from mydia.vocabulary import MediaType, find_member
from mydia.web.deps import CallerDep, DatabaseDep, WebRequest
from mydia.web.looks import Looks
from mydia.web.render import fragment, is_htmx, looks_of, page, query

_LOOKS = {
    "ok": ("ok", "check", "Available"),
    "live": ("live", "arrow-down-to-line", "Downloading"),
    "fail": ("fail", "triangle-alert", "Import blocked"),
    "miss": ("miss", "circle-dashed", "Missing"),
    "soon": ("soon", "clock", "Upcoming"),
    "off": ("ink-3", "eye-off", "Not monitored"),
}
SHOWN_A_DAY = 3
"""Entries of a day in the month and on the home page."""
_LISTED_A_DAY = 20
"""Entries of a day in the agenda, before it is asked for more."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line on a day."""

    href: str
    title: str
    label: str
    """`S2 E4`, `Digital`."""
    state: str
    color: str
    icon: str
    word: str
    detail: str

    @property
    def border(self) -> str:
        """Return the classes of the line at its left; pattern and colour have the same meaning."""
        pattern = {"soon": "border-dotted ", "miss": "border-dashed "}.get(self.state, "")
        return f"{pattern}border-{self.color}"


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day."""

    on: date
    here: bool
    """Whether the day belongs to the month that is shown."""
    today: bool
    past: bool
    entries: tuple[Entry, ...]
    """The first of the day."""
    total: int
    cursor: str | None
    """Of the entries after these; None if these are all."""

    @property
    def shown(self) -> tuple[Entry, ...]:
        """Return the entries that fit into a cell."""
        return self.entries[:SHOWN_A_DAY]

    @property
    def more(self) -> int:
        """Return how many entries do not fit."""
        return max(0, self.total - SHOWN_A_DAY)


class CalendarView(msgspec.Struct, frozen=True, kw_only=True):
    """A month."""

    first: date
    weeks: tuple[tuple[Day, ...], ...]
    view: str
    type: MediaType | None
    params: dict[str, str]
    previous: str
    following: str
    next_on: date | None
    legend: tuple[tuple[str, str, str], ...]

    @property
    def days(self) -> tuple[Day, ...]:
        """Return the days of the agenda: those with entries, in the present month from today on."""
        return tuple(day for day in self._filled if not (self.present and day.past))

    @property
    def earlier(self) -> tuple[Day, ...]:
        """Return the days with entries that have passed in the present month."""
        return tuple(day for day in self._filled if self.present and day.past)

    @property
    def _filled(self) -> tuple[Day, ...]:
        return tuple(day for week in self.weeks for day in week if day.here and day.entries)

    @property
    def present(self) -> bool:
        """Whether today is in this month."""
        return any(day.today and day.here for week in self.weeks for day in week)

    def url(self, **changes: str | None) -> str:
        """Return this page's address with some parameters changed."""
        return "/calendar" + query(self.params, **changes)

    def rest_of(self, day: Day) -> str | None:
        """Return the address of the entries of a day that are not listed."""
        if day.cursor is None:
            return None
        kept = {name: value for name, value in self.params.items() if name in ("type", "monitored")}
        return f"/calendar/day/{day.on.isoformat()}" + query(kept, cursor=day.cursor)


class DayView(msgspec.Struct, frozen=True, kw_only=True):
    """All entries of one day, page by page."""

    on: date
    entries: tuple[Entry, ...]
    more: str | None


@get("/calendar", sync_to_thread=True, include_in_schema=False)
def show_calendar(request: WebRequest, database: DatabaseDep, caller: CallerDep) -> Response[str]:
    """Show a month."""
    looks = looks_of(request)
    today = clock.now().astimezone(looks.zone).date()
    params = {n: v for n in ("month", "view", "type", "monitored") if (v := request.query_params.get(n, ""))}
    first = _month(params.get("month"), today)
    type_ = find_member(MediaType, params.get("type"))
    if "type" in params and type_ is None:
        raise Invalid("Show movies or shows.")
    days = list(months.Calendar().itermonthdates(first.year, first.month))
    with database.reads() as session:
        found = media.calendar.days(
            session,
            caller,
            today,
            days[0],
            days[-1],
            type=type_,
            monitored_only=params.get("monitored") == "true",
            each=_LISTED_A_DAY,
        )
        next_on = media.calendar.next_entry_on(session, caller, _last_of(first), type=type_)
    all_cells = cells(days, found, today, looks, month=first.month)
    view = CalendarView(
        first=first,
        weeks=tuple(all_cells[i : i + 7] for i in range(0, len(all_cells), 7)),
        view="agenda" if params.get("view") == "agenda" else "month",
        type=type_,
        params=params,
        previous=f"{first - timedelta(days=1):%Y-%m}",
        following=f"{first + timedelta(days=32):%Y-%m}",
        next_on=next_on,
        legend=tuple(_LOOKS[name] for name in ("ok", "live", "miss", "soon")),
    )
    return page(request, "calendar/page.html", view, active="calendar", topics=["library:shows", "library:movies"])


def cells(
    days: Sequence[date],
    found: Sequence[media.calendar.CalendarDay],
    today: date,
    looks: Looks,
    *,
    month: int | None = None,
) -> tuple[Day, ...]:
    """Return all days, with or without entries.

    Args:
        month: The month that is shown; None if all days belong together.
    """
    by_day = {one.on: one for one in found}
    nothing = media.calendar.CalendarDay(today, (), 0, None)
    return tuple(
        Day(
            on=on,
            here=month is None or on.month == month,
            today=on == today,
            past=on < today,
            entries=tuple(entry(told, looks) for told in by_day.get(on, nothing).entries),
            total=by_day.get(on, nothing).total,
            cursor=by_day.get(on, nothing).cursor,
        )
        for on in days
    )


@get("/calendar/day/{day:date}", sync_to_thread=True, include_in_schema=False)
def show_day(
    request: WebRequest, database: DatabaseDep, caller: CallerDep, day: FromPath[date], cursor: FromQuery[str] = ""
) -> Response[str]:
    """Show further entries of a day; where there is no script, they are a page."""
    looks = looks_of(request)
    today = clock.now().astimezone(looks.zone).date()
    params = {n: v for n in ("type", "monitored") if (v := request.query_params.get(n, ""))}
    with database.reads() as session:
        found, following = media.calendar.page(
            session,
            caller,
            today,
            day,
            day,
            type=find_member(MediaType, params.get("type")),
            monitored_only=params.get("monitored") == "true",
            cursor=cursor or None,
        )
    more = f"/calendar/day/{day.isoformat()}" + query(params, cursor=following) if following else None
    view = DayView(on=day, entries=tuple(entry(told, looks) for told in found), more=more)
    if is_htmx(request) and cursor:
        return fragment(request, "calendar/_entries.html", entries=view.entries, more=view.more)
    return page(request, "calendar/day.html", view, active="calendar", topics=["library:shows", "library:movies"])


def entry(told: media.calendar.CalendarEntry, looks: Looks) -> Entry:
    """Return one line of a day."""
    color, icon, word = _LOOKS[told.state]
    show = told.kind == "episode"
    label = f"S{told.season_number} E{told.episode_number}" if show else told.kind.capitalize()
    if told.finale:
        label += " · finale"
    at = looks.time(told.airs_at) if isinstance(told.airs_at, datetime) else ""
    detail = " · ".join(part for part in (told.episode_title or "", at) if part)
    href = f"/{'shows' if told.type == MediaType.TV_SHOW else 'movies'}/{told.media_item_id}"
    if show:
        href += f"?open={told.season_number}"
    return Entry(
        href=href, title=told.title, label=label, state=told.state, color=color, icon=icon, word=word, detail=detail
    )


def _last_of(first: date) -> date:
    """Return the last day of a month."""
    return first.replace(day=months.monthrange(first.year, first.month)[1])


def _month(text: str | None, today: date) -> date:
    if not text:
        return today.replace(day=1)
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise Invalid("Write a month as in 2026-11.") from error


ROUTES = (show_calendar, show_day)
