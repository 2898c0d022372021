"""Numbers that people and their software send."""

from __future__ import annotations

import pytest

from mydia.errors import Invalid
from mydia.web.fields import season_of, whole_number


@pytest.mark.parametrize("text", ["", None, "-1", "²", "1e9", "nan", "9" * 30, "9" * 5000, "1\0", "٣"])
def test_what_is_no_number_we_can_keep_is_none(text: str | None) -> None:
    assert whole_number(text) is None


def test_a_season_that_cannot_be_read_never_means_the_whole_series() -> None:
    assert season_of("0") == 0
    assert season_of("") is None
    for text in ("²", "x", "-1", "9" * 5000):
        with pytest.raises(Invalid, match="no such season"):
            season_of(text)
