"""How long answers stay fresh, by kind; shorter while their content is still likely to change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

_HOUR = 3600
_DAY = 24 * _HOUR

TTL_S: Mapping[str, int] = {
    "details": 30 * _DAY,
    "images": 90 * _DAY,
    "season": 14 * _DAY,
    "settling": 6 * _HOUR,
    "search": 7 * _DAY,
    "list": 1 * _HOUR,
    "other": 30 * _DAY,
    "negative": 10 * 60,
    "nothing_found": 6 * _HOUR,
}
"""Seconds by kind. `negative` is for 4xx answers, `nothing_found` for searches without a hit."""

# Shortly after it airs, an episode may still get a name, a date or a picture.
_SETTLES_AFTER = timedelta(days=14)
_PLACEHOLDER = re.compile(r"(tba|tbd|tbc|episode\s*#?\d+)?", re.IGNORECASE)


def ttl_s(kind: str, answer: Any, ttls: Mapping[str, int], now_s: float) -> int:
    """Return the seconds for which an answer of this kind is fresh.

    Args:
        kind: A key of `TTL_S`.
        answer: The JSON as it came.
    """
    today = datetime.fromtimestamp(now_s, UTC).date()
    if kind == "search" and not _hits(answer):
        return min(ttls["search"], ttls["nothing_found"])
    if kind in ("season", "details") and _is_settling(answer, today):
        return min(ttls[kind], ttls["settling"])
    return ttls[kind]


def _hits(answer: Any) -> bool:
    if isinstance(answer, list):
        return bool(answer)
    if not isinstance(answer, dict):
        return False
    if "movie_results" in answer:
        return any(answer.values())
    return bool(answer.get("results") or answer.get("data"))


def _is_settling(answer: Any, today: date) -> bool:
    inner = answer.get("data", answer) if isinstance(answer, dict) else answer
    if not isinstance(inner, dict):
        return False
    # TVDB leaves `nextAired` at the last date when no further episode is known. Source: its answer for series 421069.
    coming = _day(inner.get("nextAired"))
    if inner.get("next_episode_to_air") or (coming is not None and coming > today - _SETTLES_AFTER):
        return True
    last = inner.get("last_episode_to_air")
    episodes: list[Any] = [last] if isinstance(last, dict) else []
    listed = inner.get("episodes")
    episodes += listed if isinstance(listed, list) else []
    if "aired" in inner or "episode_number" in inner:
        episodes.append(inner)
    if any(_episode_settles(episode, today) for episode in episodes if isinstance(episode, dict)):
        return True
    # Before its release a film may change its date, poster and title.
    released = _day(inner.get("release_date"))
    return released is not None and released > today - _SETTLES_AFTER


def _episode_settles(episode: Mapping[str, Any], today: date) -> bool:
    aired = _day(_first(episode.get(name) for name in ("air_date", "aired")))
    if aired is not None:
        return aired > today - _SETTLES_AFTER
    return _PLACEHOLDER.fullmatch(str(episode.get("name") or "").strip()) is not None


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value), None)


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10]) if text else None
    except ValueError:
        return None
