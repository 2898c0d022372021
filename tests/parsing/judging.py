"""Compare a parsed name with the assertions of a case in `foreign/`; its README describes the matchers."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

Case = dict[str, Any]
_LISTS = frozenset({"season", "episodes", "absolute_episodes", "special_absolute_episodes", "languages", "subtitle_languages",
                    "subtitle_tags", "audio_codec", "hdr"})  # fmt: skip
_TITLES = frozenset({"title", "episode_title", "subtitle_title", "release_group", "hash", "edition"})
_NOISE = frozenset({"edition", "cut", "version", "the", "s", "edit", "a"})
_DEFAULTS = {"revision_version": 1, "revision_real": 0}


def load(path: Path) -> list[Case]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def plain(text: object) -> str:
    """Letters and digits without case and accents."""
    folded = unicodedata.normalize("NFKD", str(text or "")).casefold()
    return "".join(character for character in folded if character.isalnum())


def _words_of_edition(value: object) -> set[str]:
    written = " ".join(value) if isinstance(value, list) else str(value or "")
    words = re.findall(r"[a-z0-9]+", written.lower().replace("'", "").replace("fanedit", "fan edit"))
    return {word.removesuffix("s") for word in words} - _NOISE


def _form(field: str, value: object) -> object:
    if field in _TITLES:
        return plain(value)
    if field in _LISTS:
        several = value if isinstance(value, list) else [] if value is None else [value]
        return frozenset(str(float(one)) if isinstance(one, int | float) else str(one).lower() for one in several)
    if isinstance(value, bool) or value is None:
        return value or _DEFAULTS.get(field) or None
    return str(value).lower()


def _matches(field: str, want: object, read: dict[str, Any]) -> bool:
    got = read.get(field)
    if field == "all_titles" and isinstance(want, list):
        titles = {plain(title) for title in [read.get("title"), *read.get("alternative_titles", [])]}
        return {plain(title) for title in want} <= titles
    if isinstance(want, dict):
        if "any_of" in want:
            return any(_matches(field, one, read) for one in want["any_of"])
        if "either" in want:
            numbers = [*(read.get("episodes") or []), *(read.get("absolute_episodes") or [])]
            return _form("episodes", want["either"]) == _form("episodes", numbers)
        if "present" in want:
            return bool(got)
        if "includes" in want:
            return _words_of_edition(want["includes"]) <= _words_of_edition(got)
        return frozenset(_form(field, want["contains"])) <= frozenset(_form(field, got))
    if field == "title":
        return plain(want) in {plain(got), plain(f"{got} {read.get('year') or ''}")}
    return _form(field, want) == _form(field, got)


def wrong_fields(case: Case, read: dict[str, Any] | None) -> dict[str, tuple[object, object]]:
    """Return the asserted fields with a different result, each with the expected and the actual value."""
    facts = read or {"parsed": False}
    if case["expect"] is None:
        named = facts.get("parsed") is not False and (facts.get("title") or facts.get("season") is not None)
        return {"refused": (True, facts.get("title"))} if named else {}
    return {
        field: (want, facts.get(field)) for field, want in case["expect"].items() if not _matches(field, want, facts)
    }
