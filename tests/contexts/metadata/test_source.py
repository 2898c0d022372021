"""Bulk requests record whether the metadata source answers, and a retry continues the waiting work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mydia import events
from mydia.adapters.errors import Limited, Unreachable
from mydia.adapters.metadata_providers import NoProvider
from mydia.contexts import library, media, metadata
from mydia.contexts.users import NOBODY, SYSTEM
from mydia.errors import Forbidden, Unavailable
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, fake_outside


@pytest.fixture
def provider():
    return FakeMetadataProvider()


@pytest.fixture
def outside(provider):
    return fake_outside(metadata=provider)


def _state(database, outside):
    with database.reads() as session:
        return metadata.source_state(session, outside, SYSTEM)


def test_the_state_is_unknown_before_the_first_request(database, outside):
    assert _state(database, outside).answers is None
    assert _state(database, fake_outside(metadata=NoProvider())) is None


def test_a_failure_is_kept_with_its_reason_until_the_source_answers(database, outside, now, caplog):
    error = Unreachable("Metadata relay", "the host cannot be found")
    metadata.record_answer(database, outside, SYSTEM, now, error)
    state = _state(database, outside)
    assert (state.answers, state.since_at, state.error) == (False, now, "the host cannot be found")
    assert "service does not answer" in caplog.text
    metadata.record_answer(database, outside, SYSTEM, now + timedelta(minutes=1), error)
    assert _state(database, outside).since_at == now
    metadata.record_answer(database, outside, SYSTEM, now + timedelta(minutes=2), None)
    state = _state(database, outside)
    assert (state.answers, state.error, state.last_ok_at) == (True, None, now + timedelta(minutes=2))
    with database.reads() as session:
        changes = [e.payload["state"] for e in events.feed(session) if e.type == "ServiceStateChanged"]
    assert changes == ["ok", "failing"]


def test_a_source_that_keeps_answering_causes_no_writes(database, outside, now):
    metadata.record_answer(database, outside, SYSTEM, now, None)
    version = database.version()
    for minutes in range(1, 5):
        metadata.record_answer(database, outside, SYSTEM, now + timedelta(minutes=minutes), None)
    assert database.version() == version


def test_a_check_queries_and_records(database, outside, provider, now):
    assert metadata.check_source(database, outside, SYSTEM, now).answers is True
    provider.trouble = Limited("Metadata relay", "too many requests", retry_after_s=60)
    assert metadata.check_source(database, outside, SYSTEM, now + timedelta(hours=1)).answers is False


def test_a_scan_without_an_answer_marks_the_source_as_failed(database, outside, provider, now, tmp_path):
    provider.trouble = Unreachable("Metadata relay", "no answer")
    with database.writes() as session:
        path = builders.library_path(session, tmp_path / "films")
        builders.media_file(session, path, "Sintel (2010).mkv", match_state="new")
    report = library.match_new_files(database, outside, lambda: now, path.id)
    assert (report.postponed, _state(database, outside).answers) == (1, False)
    provider.trouble = None
    library.match_new_files(database, outside, lambda: now, path.id)
    assert _state(database, outside).answers is True


def test_a_refresh_without_an_answer_marks_the_source_as_failed(database, outside, provider, now):
    with database.writes() as session:
        item = builders.film(session)
    provider.trouble = Unreachable("Metadata relay", "no answer")
    with pytest.raises(Unavailable):
        media.refresh.refresh_item(database, outside, SYSTEM, now, item.id, force=True)
    assert _state(database, outside).answers is False


def test_requesting_a_retry_requires_manage_media(database):
    with database.writes() as session:
        with pytest.raises(Forbidden):
            metadata.request_retry(session, NOBODY)
        metadata.request_retry(session, SYSTEM)
        assert [e.type for e in events.feed(session)] == ["MetadataRetryRequested"]
