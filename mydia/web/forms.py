"""Typed forms: a struct lists the fields of a form, and `Form.read` turns what was sent into that struct.

How a field is read follows from its type:

- Text is stripped; `Secret` is kept as it was typed. Unknown fields are ignored.
- An empty field is `None` where the type allows it, else `""` for text, else the default. A field without default must
  be filled in.
- A field that was not sent has its default. Browsers do not send boxes that are not ticked: `bool = False`.
- With `| UnsetType = UNSET` a field that was not sent differs from one that was left empty.
- A tuple collects all values of a name, each split at commas: selections send `ids=a,b`.
- Rows are fields named `<name>-<key>`: `tuple[Row, ...]` in the order of the keys, `dict[str, Row]` by key.
- `dict[str, str]` is everything that was sent, for forms whose fields come from a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta, Struct, inspect

from mydia.errors import Invalid
from mydia.secret import Secret
from mydia.web import wording


def message(sentence: str) -> Meta:
    """Annotate a field with the sentence that is shown when its value is missing or wrong."""
    return Meta(extra={"message": sentence})


_LARGEST = 10**18 - 1
"""What fits the integers of SQLite and PostgreSQL."""

Count = Annotated[int, Meta(ge=0, le=_LARGEST)]
"""A whole number from zero up."""
Ids = Annotated[tuple[str, ...], message("Nothing is selected.")]
Season = Annotated[Count, message("There is no such season.")]
"""Never read as None when it is wrong: that would mean the whole series."""


class Selection(Struct, kw_only=True):
    """What is selected in a list."""

    ids: Ids


def require_same(password: Secret, again: Secret) -> None:
    """Raise Invalid unless a password was typed twice in the same way."""
    if password != again:
        sentence = "The two passwords are not the same."
        raise Invalid(sentence, fields={"again": sentence})


class Form[Fields: Struct]:
    """A form that was sent.

    Args:
        kind: The struct of its fields.
        values: Field -> every value that was sent for it, in order.
    """

    __slots__ = ("_kind", "_values")

    def __init__(self, kind: type[Fields], values: Mapping[str, Sequence[str]]) -> None:
        self._kind = kind
        self._values = values

    @property
    def sent(self) -> dict[str, str]:
        """The last value of each field as it was typed, to show the form again."""
        return {name: values[-1] for name, values in self._values.items()}

    def read(self) -> Fields:
        """Return the fields.

        Raises:
            Invalid: Some values cannot be used; `fields` holds a sentence for each.
        """
        errors: dict[str, str] = {}
        found = _read(self._kind, self._values, "", errors)
        if not errors:
            return self._kind(**found)
        raise Invalid(next(iter(errors.values())) if len(errors) == 1 else wording.summary(errors), fields=errors)

    def draft(self) -> Fields:
        """Return the fields with the default in place of each value that cannot be used, for a form that is being filled in."""
        return self._kind(**_read(self._kind, self._values, "", {}))


class _Field(msgspec.Struct, frozen=True, kw_only=True):
    """How one field is read."""

    name: str
    """In the struct."""
    sent_as: str
    """In the form."""
    hint: Any
    holds: inspect.Type
    """Without None and annotations."""
    optional: bool
    required: bool
    row: type[Struct] | None
    message: str


@lru_cache(maxsize=256)
def _fields(kind: type[Struct]) -> tuple[_Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return tuple(_field(hints[field.name], field) for field in described.fields)


def _field(hint: Any, field: inspect.Field) -> _Field:
    type_, said = _unwrapped(field.type)
    optional = False
    if isinstance(type_, inspect.UnionType):
        optional = type_.includes_none
        (kept,) = (one for one in type_.types if not isinstance(one, inspect.NoneType))
        type_, inner = _unwrapped(kept)
        said = said or inner
    item = type_.item_type if isinstance(type_, inspect.VarTupleType) else None
    item = type_.value_type if isinstance(type_, inspect.DictType) else item
    return _Field(
        name=field.name,
        sent_as=field.encode_name,
        hint=hint,
        holds=type_,
        optional=optional,
        required=field.required,
        row=item.cls if isinstance(item, inspect.StructType) else None,
        message=said,
    )


def _unwrapped(type_: inspect.Type) -> tuple[inspect.Type, str]:
    """Return a type without its annotations, and the message among them."""
    if isinstance(type_, inspect.Metadata):
        inner, said = _unwrapped(type_.type)
        return inner, str((type_.extra or {}).get("message", "")) or said
    return type_, ""


def _read(
    kind: type[Struct], values: Mapping[str, Sequence[str]], suffix: str, errors: dict[str, str]
) -> dict[str, Any]:
    """Return the fields that were sent, converted; what is wrong goes into `errors`."""
    found: dict[str, Any] = {}
    for field in _fields(kind):
        name = field.sent_as + suffix
        raw = _rows(field, values, errors) if field.row else _raw(field, values, values.get(name))
        if raw is msgspec.UNSET:
            if field.required:
                errors[name] = field.message or "This field is required."
            continue
        try:
            found[field.name] = raw if field.row else msgspec.convert(raw, field.hint, strict=False, dec_hook=_secret)
        except msgspec.ValidationError as error:
            errors[name] = field.message or _sentence(field.holds, str(error))
    return found


_TICKED = "on"
"""What browsers send for a ticked box without a value."""


def _raw(field: _Field, values: Mapping[str, Sequence[str]], sent: Sequence[str] | None) -> Any:
    """Return what was sent for a field, UNSET if that is nothing."""
    if isinstance(field.holds, inspect.DictType):
        return {name: all_[-1].strip() for name, all_ in values.items()}
    if isinstance(field.holds, inspect.VarTupleType):
        parts = [part.strip() for value in sent or () for part in value.split(",")]
        return [part for part in parts if part] or msgspec.UNSET
    if not sent:
        return msgspec.UNSET
    text = sent[-1] if isinstance(field.holds, inspect.CustomType) else sent[-1].strip()
    if not text:
        if field.optional:
            return None
        kept = isinstance(field.holds, inspect.StrType | inspect.CustomType) and not field.required
        return text if kept else msgspec.UNSET
    if isinstance(field.holds, inspect.BoolType) and text == _TICKED:
        return True
    return text.replace(",", ".") if isinstance(field.holds, inspect.FloatType) else text


def _rows(field: _Field, values: Mapping[str, Sequence[str]], errors: dict[str, str]) -> Any:
    """Return the rows of a field, a tuple or by key."""
    assert field.row is not None
    names = {inner.sent_as for inner in _fields(field.row)}
    keys = {key for name in values for part, dash, key in [name.partition("-")] if dash and part in names}
    rows: dict[str, Struct] = {}
    for key in sorted(keys, key=_natural):
        before = len(errors)
        found = _read(field.row, values, f"-{key}", errors)
        if len(errors) == before:
            rows[key] = field.row(**found)
    return rows if isinstance(field.holds, inspect.DictType) else tuple(rows.values())


def _natural(key: str) -> tuple[tuple[int, str], ...]:
    """Sort 2 before 10."""
    return tuple((len(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", key))


def _secret(type_: type[Any], text: str) -> Any:
    if type_ is Secret:
        return Secret(text)
    msg = f"a form field cannot be a {type_.__name__}"
    raise TypeError(msg)


_SENTENCES: tuple[tuple[type[inspect.Type], str], ...] = (
    (inspect.IntType, "Enter a whole number."),
    (inspect.FloatType, "Enter a number."),
    (inspect.BoolType, "Choose yes or no."),
    (inspect.DateType, "Enter a date such as 2026-11-21."),
)
_BOUND = re.compile(r"Expected `\w+` (of length )?(>=|<=|>|<)")


def _sentence(type_: inspect.Type, objection: str) -> str:
    """Say what is wrong with a value, given what msgspec says."""
    if _BOUND.match(objection):
        return wording.sentence(objection)
    if allowed := wording.allowed_of(type_):
        return f"Choose one of the options: {', '.join(allowed)}."
    return next((said for kind, said in _SENTENCES if isinstance(type_, kind)), wording.sentence(objection))


def sent_values(
    query: Iterable[tuple[str, str]], body: Iterable[tuple[str, str]], *, left_out: frozenset[str]
) -> dict[str, list[str]]:
    """Return field -> values of a request; a field of the body replaces the one of the same name in the address."""
    values: dict[str, list[str]] = {}
    for pairs in (query, body):
        fresh: dict[str, list[str]] = {}
        for name, value in pairs:
            if name not in left_out:
                fresh.setdefault(name, []).append(value)
        values |= fresh
    return values
