"""JSON columns are read quickly, and everything that was ever stored stays readable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.db.engine import from_json

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(_JSON)
def test_what_the_standard_library_stores_is_read_as_it_was(value: Any) -> None:
    assert repr(from_json(json.dumps(value))) == repr(json.loads(json.dumps(value)))


@pytest.mark.parametrize("stored", ['{"a": NaN}', '{"a": 1e400}', '"\\ud800"'])
def test_values_that_no_standard_allows_are_read_too(stored: str) -> None:
    assert repr(from_json(stored)) == repr(json.loads(stored))


def test_a_column_that_is_damaged_is_an_error() -> None:
    with pytest.raises(json.JSONDecodeError):
        from_json('{"a": ')
