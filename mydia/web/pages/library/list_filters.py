"""What a library list can be narrowed by: one table of filters for the address, the panel and the chips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mydia.contexts import media
from mydia.contexts.users import Caller
from mydia.errors import Invalid
from mydia.vocabulary import MediaType
from mydia.web.fields import whole_number

type Choices = tuple[tuple[str, str], ...]
"""(value, text), as `ui.select_field` takes them."""

GIGABYTE = 1_000_000_000
_YES_NO: Choices = (("true", "Yes"), ("false", "No"))
_RESOLUTIONS: Choices = tuple((str(lines), f"{lines}p") for lines in (2160, 1080, 720, 576, 480))
_STATUSES: dict[MediaType, Choices] = {
    MediaType.TV_SHOW: (
        ("continuing", "Continuing"),
        ("ended", "Ended"),
        ("cancelled", "Cancelled"),
        ("announced", "Announced"),
    ),
    MediaType.MOVIE: (
        ("announced", "Announced"),
        ("in_production", "In production"),
        ("in_cinemas", "In cinemas"),
        ("released", "Released"),
    ),
}


class ListChoices(msgspec.Struct, frozen=True, kw_only=True):
    """The values that a list's filters offer. Read together with the list and remembered as long."""

    genres: Choices
    profiles: Choices
    folders: Choices
    tags: Choices
    qualities: Choices


class ListFilter(msgspec.Struct, frozen=True, kw_only=True):
    """One filter: a parameter of the address and the part of the question that it sets."""

    name: str
    """Of the parameter."""
    label: str
    asks: str
    """The field of `media.lists.ItemQuery`."""
    choices: Callable[[MediaType, ListChoices], Choices] | None = None
    """None for a field in which people type."""
    number: int = 0
    """For numbers: what one unit of the field stands for. 0 for text."""

    def label_for(self, type_: MediaType) -> str:
        """Return the label in a list of films or of series."""
        return "Network" if self.name == "studio" and type_ == MediaType.TV_SHOW else self.label


FILTERS = (
    ListFilter(name="genre", label="Genre", asks="genre", choices=lambda _, known: known.genres),
    ListFilter(name="tag", label="Tag", asks="tag_id", choices=lambda _, known: known.tags),
    ListFilter(name="quality", label="Quality", asks="quality", choices=lambda _, known: known.qualities),
    ListFilter(name="resolution", label="Resolution", asks="resolution", choices=lambda *_: _RESOLUTIONS, number=1),
    ListFilter(name="profile_id", label="Quality profile", asks="profile_id", choices=lambda _, known: known.profiles),
    ListFilter(
        name="library_path_id", label="Library folder", asks="library_path_id", choices=lambda _, known: known.folders
    ),
    ListFilter(name="monitored", label="Monitored", asks="monitored", choices=lambda *_: _YES_NO),
    ListFilter(name="status", label="Status", asks="status", choices=lambda type_, _: _STATUSES[type_]),
    ListFilter(name="studio", label="Studio", asks="studio"),
    ListFilter(name="year_from", label="From year", asks="year_from", number=1),
    ListFilter(name="year_to", label="To year", asks="year_to", number=1),
    ListFilter(name="size_from", label="From size (GB)", asks="size_from", number=GIGABYTE),
    ListFilter(name="size_to", label="To size (GB)", asks="size_to", number=GIGABYTE),
)
KEPT = ("sort", "dir", "view")
"""Parameters that order and show, and do not filter."""
NAMES = ("q", "state", *(one.name for one in FILTERS), *KEPT, "all")
"""All parameters of a list's address. `all` only says that a default filter is not wanted."""


def params_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a list in an address or a form, without empty ones."""
    return {name: value for name in NAMES if (value := (given.get(name) or "").strip())}


def read_query(caller: Caller, type_: MediaType, params: Mapping[str, str]) -> media.lists.ItemQuery:
    """Turn the parameters of an address into a query.

    Raises:
        Forbidden: The caller may not list titles.
        Invalid: A value is not a number, or not one of its choices.
    """
    sort = params.get("sort", "title")
    parts: dict[str, Any] = {one.asks: _value(one, params[one.name]) for one in FILTERS if one.name in params}
    return media.lists.ItemQuery(
        type=type_,
        state=params.get("state"),
        text=params.get("q"),
        sort=sort,
        descending=params.get("dir", "desc" if sort != "title" else "asc") == "desc",
        **parts,
    ).check(caller)


def _value(one: ListFilter, text: str) -> object:
    if one.name == "monitored":
        return {"true": True, "false": False}.get(text)
    if not one.number:
        return text
    number = whole_number(text)
    if number is None:
        raise Invalid(f"{one.label}: enter a number.", fields={one.name: "Enter a number."})
    return number * one.number


def applied(type_: MediaType, params: Mapping[str, str], known: ListChoices) -> tuple[tuple[str, str, str], ...]:
    """Return the filters that are set: (label, value as people read it, parameter)."""
    told = [
        (one.label_for(type_), _said(one, type_, params[one.name], known), one.name)
        for one in FILTERS
        if one.name in params
    ]
    return (*told, ("Title", params["q"], "q")) if "q" in params else tuple(told)


def _said(one: ListFilter, type_: MediaType, value: str, known: ListChoices) -> str:
    return dict(one.choices(type_, known)).get(value, value) if one.choices else value
