"""How forms are read: empty fields, unticked boxes, numbers, choices, selections, rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType, field

from mydia.errors import Invalid
from mydia.secret import Secret
from mydia.web.forms import Count, Form, Ids, Season, Selection, message, sent_values


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Row(Struct, kw_only=True):
    path: str
    take: bool = False
    episodes: tuple[str, ...] = ()


class Everything(Struct, kw_only=True):
    name: str = ""
    note: str | None = None
    overview: str | UnsetType = UNSET
    password: Secret = Secret("")
    token: Secret | None = None
    ticked: bool = False
    number: Count = 7
    season: Season | None = None
    year: Annotated[Count, message("Write a year such as 1927.")] | None = None
    share: Annotated[float, Meta(ge=0)] | None = None
    day: date | None = None
    colour: Colour = Colour.RED
    word: Literal["keep", "delete"] = "keep"
    ids: tuple[str, ...] = ()
    left_out: tuple[str, ...] = field(default=(), name="except")
    rows: tuple[Row, ...] = ()


class Table(Struct, kw_only=True):
    limits: dict[str, Row] = {}
    options: dict[str, str] = {}


def sent(**values: str | Sequence[str]) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else list(value) for name, value in values.items()}


def read(**values: str | Sequence[str]) -> Everything:
    return Form(Everything, sent(**values)).read()


def test_a_form_without_fields_has_all_defaults() -> None:
    assert read() == Everything()


@pytest.mark.parametrize(
    ("values", "name", "expected"),
    [
        ({"name": "  Metropolis "}, "name", "Metropolis"),
        ({"name": ""}, "name", ""),
        ({"name": ["first", "last"]}, "name", "last"),
        ({"note": " "}, "note", None),
        ({"overview": ""}, "overview", ""),
        ({"password": " typed with blanks "}, "password", Secret(" typed with blanks ")),
        ({"token": ""}, "token", None),
        ({"token": "x"}, "token", Secret("x")),
        ({"ticked": "true"}, "ticked", True),
        ({"ticked": "on"}, "ticked", True),
        ({"ticked": ["false", "true"]}, "ticked", True),
        ({"ticked": "false"}, "ticked", False),
        ({"number": " 12 "}, "number", 12),
        ({"number": ""}, "number", 7),
        ({"season": "0"}, "season", 0),
        ({"season": ""}, "season", None),
        ({"year": "1927"}, "year", 1927),
        ({"share": "1,5"}, "share", 1.5),
        ({"day": "2026-11-21"}, "day", date(2026, 11, 21)),
        ({"colour": "blue"}, "colour", Colour.BLUE),
        ({"colour": ""}, "colour", Colour.RED),
        ({"word": "delete"}, "word", "delete"),
        ({"ids": "a,b"}, "ids", ("a", "b")),
        ({"ids": ["a", "b,c", ""]}, "ids", ("a", "b", "c")),
        ({"except": "a"}, "left_out", ("a",)),
        ({"unknown": "x"}, "name", ""),
    ],
)
def test_a_field_is_read_by_its_type(values: Mapping[str, str | Sequence[str]], name: str, expected: object) -> None:
    assert getattr(read(**values), name) == expected


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("number", "twelve", "Enter a whole number."),
        ("number", "²", "Enter a whole number."),
        ("number", "٣", "Enter a whole number."),
        ("number", "9" * 5000, "Enter a whole number."),
        ("number", "-1", "Must be 0 or more."),
        ("number", "9" * 30, "Must be 999999999999999999 or less."),
        ("season", "x", "There is no such season."),
        ("season", "-1", "There is no such season."),
        ("year", "last", "Write a year such as 1927."),
        ("share", "nan", "Must be 0 or more."),
        ("share", "much", "Enter a number."),
        ("day", "tomorrow", "Enter a date such as 2026-11-21."),
        ("colour", "green", "Choose one of the options: red, blue."),
        ("word", "burn", "Choose one of the options: delete, keep."),
        ("ticked", "perhaps", "Choose yes or no."),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_at_its_field(name: str, typed: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(**{name: typed})
    assert refused.value.fields == {name: sentence}
    assert refused.value.message == sentence


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        read(number="x", colour="green", name="fine")
    assert set(refused.value.fields) == {"number", "colour"}
    assert refused.value.message == "These values cannot be used: number, colour."


def test_nothing_selected_is_refused() -> None:
    for values in ({}, {"ids": [""]}, {"ids": [","]}):
        with pytest.raises(Invalid, match="Nothing is selected"):
            Form(Selection, values).read()


def test_a_required_field_must_be_filled_in() -> None:
    class Search(Struct, kw_only=True):
        q: Annotated[Count, message("Enter a number.")]
        title: str
        ids: Ids

    with pytest.raises(Invalid) as refused:
        Form(Search, sent(q="", title=" ")).read()
    assert refused.value.fields == {
        "q": "Enter a number.",
        "title": "This field is required.",
        "ids": "Nothing is selected.",
    }


def test_rows_are_read_in_the_order_of_their_numbers() -> None:
    values = sent(**{"path-10": "c", "take-2": "true", "path-2": "b", "path-1": "a", "episodes-1": "x,y"})
    assert Form(Everything, values).read().rows == (
        Row(path="a", episodes=("x", "y")),
        Row(path="b", take=True),
        Row(path="c"),
    )


def test_a_row_that_is_wrong_is_named_by_its_field() -> None:
    with pytest.raises(Invalid) as refused:
        Form(Everything, sent(**{"take-1": "true", "path-2": "b", "take-2": "perhaps"})).read()
    assert refused.value.fields == {"path-1": "This field is required.", "take-2": "Choose yes or no."}


def test_rows_can_be_read_by_key() -> None:
    table = Form(Table, sent(**{"path-WEB-DL 1080p": "x", "other": " y "})).read()
    assert table.limits == {"WEB-DL 1080p": Row(path="x")}
    assert table.options == {"path-WEB-DL 1080p": "x", "other": "y"}


def test_a_form_is_shown_again_as_it_was_typed() -> None:
    assert Form(Everything, sent(number=" x ", ids=["a", "b"])).sent == {"number": " x ", "ids": "b"}


def test_the_draft_of_a_form_has_defaults_for_what_is_wrong() -> None:
    assert Form(Everything, sent(name="x", number="many", **{"take-1": "true"})).draft() == Everything(name="x")


def test_fields_of_the_form_replace_those_of_the_address() -> None:
    values = sent_values(
        [("ids", "a"), ("to", "x")], [("ids", "b"), ("ids", "c"), ("_csrf", "t")], left_out=frozenset({"_csrf"})
    )
    assert values == {"to": ["x"], "ids": ["b", "c"]}
