"""Names of languages."""

from __future__ import annotations

import pytest

from mydia.languages import language_code, language_name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("fre", "French"),
        ("fra", "French"),
        ("PT-br", "Portuguese (Brazil)"),
        ("zh-Hant", "Chinese (Traditional)"),
        ("es-419", "Spanish (Latin America)"),
        ("und", "Unknown"),
        ("mul", "Several languages"),
        ("original", "Original language"),
    ],
)
def test_codes_of_names_files_and_indexers_are_shown_as_names(code: str, name: str) -> None:
    assert language_name(code) == name


def test_every_shown_name_can_be_typed_again() -> None:
    for code in ("de", "en", "pt-BR", "zh-HANT", "nb", "es-419"):
        assert language_code(language_name(code)) == code
