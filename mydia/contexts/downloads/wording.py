"""Sentences about searches and downloads, made from the codes and facts that are stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def indexer_error(entry: Mapping[str, Any]) -> str | None:
    """Return why an indexer of a search gave nothing, or None if it answered.

    Args:
        entry: One of `Search.indexers`.
    """
    error = entry.get("error")
    if not error:
        return None
    sentence = str(error) if str(error).endswith((".", "?")) else f"{error}."
    if until := entry.get("until"):
        return f"Skipped until {datetime.fromisoformat(str(until)):%H:%M} UTC after a failure: {sentence}"
    return sentence
