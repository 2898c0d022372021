"""The check of the metadata source says what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from copy import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mydia.adapters.errors import Unreachable
from mydia.adapters.metadata_providers import MetadataProvider, NoProvider
from mydia.contexts import metadata
from mydia.contexts.users import SYSTEM
from mydia.web.deps import WebDeps
from mydia.web.health import Check, since
from mydia.web.metadata_check import look_at_metadata
from tests import builders
from tests.builders import NOW
from tests.fakes.outside import FakeMetadataProvider, fake_outside
from tests.web.conftest import make_deps


class OnlyTmdb(FakeMetadataProvider):
    """A provider without TheTVDB."""

    sources = frozenset({"tmdb"})  # type: ignore[assignment]  # a property in general, a fact here


@pytest.fixture
def deps(tmp_path: Path) -> Iterator[WebDeps]:
    made = make_deps(tmp_path)
    yield made
    made.database.close()
    made.taskboard.close()


def _look(deps: WebDeps, provider: MetadataProvider) -> Check:
    (found,) = look_at_metadata(replace(deps, outside=fake_outside(metadata=provider)))
    return found


def test_a_source_that_answers_is_ok(deps: WebDeps) -> None:
    provider = FakeMetadataProvider()
    assert _look(deps, provider) == Check(
        "metadata", "unknown", "The fake has not been checked yet.", retry="/metadata/retry"
    )
    metadata.record_answer(deps.database, fake_outside(metadata=provider), SYSTEM, NOW, None)
    assert _look(deps, provider) == Check("metadata", "ok", "Titles come from the fake.")


def test_without_a_source_the_check_says_what_is_missing(deps: WebDeps) -> None:
    found = _look(deps, NoProvider())
    assert found.state == "warning"
    assert "artwork, air dates and new episodes are not available" in found.sentence


def test_a_chosen_catalogue_without_a_key_is_reported(deps: WebDeps, tmp_path: Path) -> None:
    assert _look(deps, OnlyTmdb()).state == "unknown"
    with deps.database.writes() as session:
        builders.library_path(session, tmp_path / "tv", "series", provider="tvdb")
    assert "TheTVDB is selected but has no key" in _look(deps, OnlyTmdb()).sentence


def test_titles_that_could_not_be_refreshed_are_counted(deps: WebDeps) -> None:
    with deps.database.writes() as session:
        builders.film(session).refresh_error = "Metadata: the catalogue does not answer."
    found = _look(deps, FakeMetadataProvider())
    assert found.sentence.startswith("1 title could not be refreshed.")


def test_a_source_that_does_not_answer_is_an_error_with_the_number_of_waiting_files(
    deps: WebDeps, tmp_path: Path
) -> None:
    provider = FakeMetadataProvider()
    outside = fake_outside(metadata=provider)
    with deps.database.writes() as session:
        path = builders.library_path(session, tmp_path / "films")
        for number in range(3):
            builders.media_file(session, path, f"Film {number}.mkv", match_state="new")
    metadata.record_answer(deps.database, outside, SYSTEM, NOW, Unreachable("Metadata relay", "no answer"))
    found = _look(deps, provider)
    assert (found.state, found.sentence) == (
        "failed",
        f"The fake does not answer. No answer since {since(NOW)}. New files waiting for a match: 3. Last error: no answer.",
    )
    metadata.record_answer(deps.database, outside, SYSTEM, NOW + timedelta(minutes=1), None)
    assert _look(deps, provider).state == "ok"
