from __future__ import annotations

import threading
from copy import replace
from datetime import timedelta
from pathlib import Path

import pytest
from litestar.testing import TestClient

from mydia import clock
from mydia.contexts.downloads.models import FeedState
from mydia.contexts.settings import IndexerRow
from mydia.errors import Unavailable
from mydia.web.app import WebApp
from mydia.web.deps import WebDeps
from mydia.web.health import CHECKS, Check, examine, look_at_feeds
from tests import builders
from tests.fakes.outside import fake_outside
from tests.web.conftest import from_address
from tests.web.example import app as example


def test_health_reports_that_the_process_answers(stranger: TestClient[WebApp]) -> None:
    assert stranger.get("/health").json()["status"] == "ok"


def test_ready_names_what_is_missing(deps: WebDeps) -> None:
    with TestClient(from_address(example.make_app(deps), "127.0.0.1")) as client:
        answer = client.get("/ready")
    assert answer.status_code == 503
    checks = {check["name"]: check for check in answer.json()["checks"]}
    assert checks["database"]["state"] == "ok"
    assert checks["data folder"]["state"] == "ok"
    assert checks["worker"]["state"] == "failed"
    assert "Start mydia worker" in checks["worker"]["sentence"]


def test_ready_is_ready_with_a_worker(deps: WebDeps) -> None:
    presence = deps.taskboard.sign_on(4, {"default": 4})
    with TestClient(from_address(example.make_app(deps), "127.0.0.1")) as client:
        answer = client.get("/ready")
    presence.leave()
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_a_feed_that_missed_releases_or_was_not_read_is_reported(deps: WebDeps) -> None:
    now = clock.now()
    gap = {"gap_from": now - timedelta(days=1), "gap_to": now, "gap_reason": "feed_short", "gap_found_at": now}
    with deps.database.writes() as session:
        for name, read_at, told in (("Gap", now, gap), ("Late", now - timedelta(hours=3), {}), ("Fine", now, {})):
            row = IndexerRow(id=name, name=name, kind="torznab", url="http://x.test", options={}, created_at=now)
            session.add(row)
            session.flush()
            session.add(FeedState(indexer_id=name, source="x", read_at=read_at, **told))
        new = IndexerRow(id="New", name="New", kind="torznab", url="http://x.test", options={}, created_at=now)
        off = IndexerRow(
            id="Off", name="Off", kind="torznab", url="http://x.test", options={}, rss=False, created_at=now
        )
        session.add_all([new, off])
    checks = {check.name: check for check in look_at_feeds(deps)}
    assert {name: check.state for name, check in checks.items()} == {
        "feed of Gap": "warning",
        "feed of Late": "warning",
        "feed of Fine": "ok",
        "feed of New": "unknown",
    }
    assert "were missed. The feed does not go back far enough." in checks["feed of Gap"].sentence
    assert "Not read since" in checks["feed of Late"].sentence


def test_signed_out_callers_see_states_but_no_paths(deps: WebDeps) -> None:
    with TestClient(from_address(example.make_app(deps), "203.0.113.7")) as client:
        checks = client.get("/ready").json()["checks"]
        assert {check["sentence"] for check in checks} == {None}
        client.cookies.set("who", "robin")
        assert all(check["sentence"] for check in client.get("/ready").json()["checks"])


def test_a_library_folder_whose_disk_is_not_mounted_is_a_problem(deps: WebDeps, tmp_path: Path) -> None:
    """The empty folder of the mount point can be read and written."""
    (root := tmp_path / "films").mkdir()
    with deps.database.writes() as session:
        path = builders.library_path(session, root, name="Movies")
        for name in ("a.mkv", "b.mkv"):
            builders.media_file(session, path, name)
            builders.on_disk(root, name)
    deps = replace(deps, outside=fake_outside())

    def found() -> Check:
        (check,) = [one for one in examine(deps, CHECKS) if one.name == "library folder Movies"]
        return check

    assert found().state == "ok"
    for file in root.iterdir():
        file.unlink()
    assert found().state == "failed"
    assert "The disk is probably not mounted" in (found().sentence or "")


def test_a_check_that_raises_is_reported_as_failed(deps: WebDeps) -> None:
    def broken(_deps: WebDeps) -> list[Check]:
        raise Unavailable("The disk is on fire.")

    def buggy(_deps: WebDeps) -> list[Check]:
        raise ZeroDivisionError

    found = examine(deps, [("disk", broken), ("bug", buggy)])
    assert [(check.name, check.state) for check in found] == [("disk", "failed"), ("bug", "failed")]
    assert found[0].sentence == "The disk is on fire."


def test_checks_run_in_parallel(deps: WebDeps) -> None:
    meet = threading.Barrier(2, timeout=60)

    def look(_deps: WebDeps) -> list[Check]:
        meet.wait()
        return [Check("met", "ok", "Both were here at once.")]

    assert [check.state for check in examine(deps, [("a", look), ("b", look)])] == ["ok", "ok"]


def test_metrics_count_requests_by_route(deps: WebDeps) -> None:
    with TestClient(from_address(example.make_app(deps), "127.0.0.1"), cookies={"who": "robin"}) as client:
        client.get("/fail/conflict")
        client.get("/fail/notfound")
        text = client.get("/metrics").text
    assert 'mydia_http_request_duration_seconds_count{method="GET",route="/fail/{kind}",status="409"} 1.0' in text
    assert (
        'mydia_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/fail/{kind}",status="404"} 1.0'
        in text
    )
    assert "mydia_workers 0.0" in text


def test_metrics_are_for_administrators(deps: WebDeps) -> None:
    with TestClient(from_address(example.make_app(deps), "203.0.113.7")) as client:
        assert client.get("/metrics").status_code == 403
        assert client.get("/metrics", headers={"x-api-key": "guest"}).status_code == 403
        assert client.get("/metrics", headers={"x-api-key": "robin"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"cf-connecting-ip": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
        {"x-client-ip": "127.0.0.1"},
        {"x-forwarded-for": "127.0.0.1"},
        {"x-forwarded-host": "localhost"},
        {"x-real-ip": "127.0.0.1"},
        {"host": "rebind.example.org"},
        {"origin": "https://media.example.org"},
    ],
)
def test_metrics_need_no_key_on_this_machine_but_do_behind_a_proxy_or_under_a_public_name(
    deps: WebDeps, headers: dict[str, str]
) -> None:
    with TestClient(from_address(example.make_app(deps), "127.0.0.1"), base_url="http://127.0.0.1:4000") as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers=headers).status_code in (400, 403)


def test_a_damaged_file_that_was_replaced_is_reported(deps: WebDeps) -> None:
    deps.config.data_dir.mkdir(parents=True, exist_ok=True)
    deps.taskboard.close()
    deps.taskboard.path.write_bytes(b"this is no database\n" * 400)
    assert not deps.taskboard.paused()
    (check,) = [check for check in examine(deps, CHECKS) if check.name == "jobs.db"]
    assert check.state == "warning"
    assert "jobs.db was damaged and has been replaced" in check.sentence
