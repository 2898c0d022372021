"""Numbers in addresses."""

from __future__ import annotations

import pytest

from mydia.web.fields import whole_number


@pytest.mark.parametrize("text", ["", None, "-1", "²", "1e9", "nan", "9" * 30, "9" * 5000, "1\0", "٣"])
def test_text_that_is_not_a_whole_number_is_none(text: str | None) -> None:
    assert whole_number(text) is None
