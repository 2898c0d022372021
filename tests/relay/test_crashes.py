from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia.adapters.http import Http
from mydia.errors import NotFound
from mydia.relay import Crashes, CrashReport, CrashSender, ReportRefused, redact
from tests.fakes.stand_in import Answer, Asked, StandIn
from tests.relay.handclock import HandClock


def _report(**changes: Any) -> CrashReport:
    body = {
        "error_type": "KeyError",
        "error_message": "'title'",
        "stacktrace": [{"file": "mydia/x.py", "line": 3, "function": "read"}],
        "version": "0.1.0",
    }
    return CrashReport.read(body | changes)


@pytest.fixture
def crashes(tmp_path: Path, times: HandClock) -> Iterator[Crashes]:
    kept = Crashes(tmp_path / "relay.db", times=times)
    yield kept
    kept.close()


def test_kind_and_first_frame_make_a_group(crashes: Crashes) -> None:
    first = crashes.record(_report())
    assert crashes.record(_report(error_message="'name'", version="0.2.0")) == first
    assert crashes.record(_report(error_type="ValueError")) != first
    assert crashes.record(_report(stacktrace=[{"file": "mydia/y.py", "line": 3, "function": "read"}])) != first
    group = crashes.group(first)
    assert (group.count, group.message) == (2, "'name'")
    assert [one.version for one in crashes.occurrences(first)] == ["0.2.0", "0.1.0"]


def test_functions_of_the_same_name_in_two_modules_are_two_groups(crashes: Crashes) -> None:
    one = [{"file": "a.ex", "line": 1, "function": "call", "module": "A"}]
    two = [{"file": "a.ex", "line": 1, "function": "call", "module": "B"}]
    assert crashes.record(_report(stacktrace=one)) != crashes.record(_report(stacktrace=two))


def test_without_frames_the_metadata_gives_the_location(crashes: Crashes) -> None:
    metadata = {"file": "lib/x.ex", "line": 12, "function": "run", "module": "X"}
    group = crashes.group(crashes.record(_report(stacktrace=[], metadata=metadata)))
    assert (group.file, group.line, group.function) == ("lib/x.ex", "12", "X.run")


def test_an_unknown_source_counts_as_a_server() -> None:
    assert _report(source="toaster").source == "server"
    assert _report(source="player").source == "player"


def test_a_resolved_crash_that_recurs_is_reopened(crashes: Crashes) -> None:
    group = crashes.record(_report())
    crashes.resolve(group, resolved=True)
    assert crashes.groups()[1] == 0
    assert crashes.groups(status="resolved")[1] == 1
    crashes.record(_report())
    assert crashes.groups()[1] == 1


def test_a_muted_crash_is_still_counted(crashes: Crashes) -> None:
    group = crashes.record(_report())
    crashes.mute(group, muted=True)
    crashes.record(_report())
    assert crashes.groups()[1] == 0
    assert crashes.groups(status=None, muted=True)[0][0].count == 2


def test_search_covers_kind_message_and_location(crashes: Crashes) -> None:
    crashes.record(_report())
    crashes.record(_report(error_type="ValueError", error_message="100% wrong"))
    assert crashes.groups(text="keyerror x.py")[1] == 1
    assert crashes.groups(text="100%")[1] == 1
    assert crashes.groups(text="1_0%")[1] == 0


def test_the_trend_counts_per_day(crashes: Crashes, times: HandClock) -> None:
    crashes.record(_report())
    times.pass_(days=3)
    crashes.record(_report())
    crashes.record(_report())
    assert crashes.groups()[0][0].trend[-4:] == (1, 0, 0, 2)


def test_old_reports_are_deleted(crashes: Crashes, times: HandClock) -> None:
    old = crashes.record(_report())
    times.pass_(days=91)
    crashes.record(_report(error_type="ValueError"))
    crashes.sweep()
    with pytest.raises(NotFound):
        crashes.group(old)
    assert crashes.groups()[1] == 1


def test_a_flood_of_one_crash_is_counted_without_storing_each(crashes: Crashes) -> None:
    for _ in range(230):
        group = crashes.record(_report())
    assert crashes.group(group).count == 230
    assert len(crashes.occurrences(group, limit=1000)) == 200


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            {},
            [
                "Missing required field: error_type",
                "Missing required field: error_message",
                "Missing required field: stacktrace",
            ],
        ),
        ({"error_type": "X", "error_message": "y", "stacktrace": "z"}, ["stacktrace must be a list"]),
        ({"error_type": "X", "stacktrace": []}, ["Missing required field: error_message"]),
        (
            [],
            [
                "Missing required field: error_type",
                "Missing required field: error_message",
                "Missing required field: stacktrace",
            ],
        ),
    ],
)
def test_an_invalid_report_is_refused_with_the_reason(body: Any, errors: list[str]) -> None:
    with pytest.raises(ReportRefused) as refused:
        CrashReport.read(body)
    assert refused.value.errors == errors


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["error_type", "error_message", "stacktrace", "metadata", "version", "source"]), _JSON
    )
)
def test_any_other_json_raises_the_same_error(body: dict[str, Any]) -> None:
    try:
        report = CrashReport.read(body)
    except ReportRefused:
        return
    assert len(report.fingerprint) == 64
    json.dumps(redact(report).body())


class Intake(StandIn):
    """Accepts reports like a relay."""

    status = 201

    def answer(self, asked: Asked) -> Answer:
        return Answer.of({"status": "created"}, self.status)

    def error_body(self, kind: str) -> Answer:
        return Answer.of({"error": kind}, 500)


@pytest.fixture
def intake() -> Iterator[Intake]:
    with Intake() as server:
        yield server


def _crash() -> BaseException:
    try:
        raise KeyError("title")
    except KeyError as error:
        return error


def test_nothing_is_sent_or_queued_until_an_admin_agrees(
    http: Http, tmp_path: Path, intake: Intake, times: HandClock
) -> None:
    wanted = [False]
    sender = CrashSender(http, tmp_path / "queue.db", intake.url, enabled=lambda: wanted[0], times=times)
    assert not sender.report(_crash())
    assert sender.flush() == 0
    wanted[0] = True
    assert sender.report(_crash())
    assert sender.flush() == 1
    assert json.loads(intake.asked[0].body)["error_type"] == "builtins.KeyError"
    sender.close()


def test_the_same_crash_is_sent_once_a_day(http: Http, tmp_path: Path, intake: Intake, times: HandClock) -> None:
    sender = CrashSender(http, tmp_path / "queue.db", intake.url, enabled=lambda: True, times=times)
    assert [sender.report(_crash()) for _ in range(3)] == [True, False, False]
    assert sender.flush() == 1
    assert not sender.report(_crash())
    times.pass_(days=1.5)
    assert sender.report(_crash())
    sender.close()


def test_reports_wait_while_there_is_no_connection(
    http: Http, tmp_path: Path, intake: Intake, times: HandClock
) -> None:
    sender = CrashSender(http, tmp_path / "queue.db", intake.url, enabled=lambda: True, times=times)
    sender.report(_crash())
    intake.fail("error")
    assert sender.flush() == 0
    sender.close()
    again = CrashSender(http, tmp_path / "queue.db", intake.url, enabled=lambda: True, times=times)
    assert again.pending() == 1
    intake.heal()
    assert again.flush() == 1
    assert again.pending() == 0
    again.close()
