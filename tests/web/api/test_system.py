"""Status, tasks and history."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from mydia.jobs.scheduler import Clock, time_zone
from mydia.jobs.triggers import SCHEDULE
from mydia.taskboard import TaskBoard, to_ms
from mydia.web.deps import WebDeps
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker


def _schedule(board: TaskBoard, house: House) -> None:
    with board.writes() as connection:
        connection.execute(
            "INSERT INTO schedule VALUES ('scan', 'library.scan_all', '{}', 'Scan library', '0 2 * * *', '0 2 * * *', 0, "
            "?, NULL, NULL)",
            (to_ms(house.now),),
        )
        connection.execute(
            "INSERT INTO runs (id, job, queue, priority, params, state, queued_at, due_at) "
            "VALUES ('run-1', 'library.scan_all', 'media', 0, '{}', 'queued', 1, 1)"
        )


def test_the_status_has_version_checks_and_counts(admin: Asker) -> None:
    told = admin.get("/system/status").json()
    assert told["database"].startswith("sqlite 3.")
    assert {check["name"]: check["state"] for check in told["checks"]}["database"] == "ok"
    assert (told["movies"]["total"], told["shows"]["total"]) == (1, 1)


def test_tasks_are_listed_run_and_cancelled(admin: Asker, deps: WebDeps, house: House) -> None:
    _schedule(deps.taskboard, house)
    told = admin.get("/tasks").json()
    assert [(one["title"], one["cron"]) for one in told["scheduled"]] == [("Scan library", "0 2 * * *")]
    assert [one["id"] for one in told["waiting"]] == ["run-1"]
    assert admin.post("/tasks/scan/run").status_code == 202
    assert [ask.cause for ask in deps.taskboard.asks()] == ["run now by admin's script"]
    assert admin.post("/tasks/nothing/run").status_code == 404
    assert admin.post("/tasks/runs/run-1/cancel").json()["status"] == "cancelled"
    assert admin.post("/tasks/runs/run-1/cancel").status_code == 409
    assert [one["id"] for one in admin.get("/tasks/runs", state="cancelled").json()["items"]] == ["run-1"]
    assert admin.post("/tasks/runs/run-1/retry").status_code == 202
    assert admin.get("/tasks/runs/none").status_code == 404


def test_compaction_that_a_person_starts_does_not_wait_until_nothing_else_runs(admin: Asker, deps: WebDeps) -> None:
    scheduler = Clock(deps.taskboard, lambda *_args, **_options: "", SCHEDULE, zone=time_zone("UTC"), overrides=dict)
    scheduler.start()
    scheduler.stop()
    assert admin.post("/tasks/upkeep.vacuum/run").status_code == 202
    assert [(ask.job, ask.params) for ask in deps.taskboard.asks()] == [("upkeep.vacuum", {"when_idle": False})]


def test_the_history_shows_events_and_their_users_in_pages(admin: Asker, house: House) -> None:
    admin.put(f"/media/{house.film_id}", {"monitored": False})
    page = admin.get("/history", media_id=house.film_id, type="MediaChanged").json()
    assert [(one["actor"], one["details"]["changed"]) for one in page["items"]] == [
        ("admin's script", {"monitored": [True, False]})
    ]
    first = admin.get("/history", limit=1).json()
    older = admin.get("/history", limit=1, cursor=first["next_cursor"]).json()
    assert older["items"][0]["id"] < first["items"][0]["id"]
    assert admin.get("/history", type="Nonsense").status_code == 400


def test_sign_ins_are_shown_to_administrators_only(ask: object, admin: Asker) -> None:
    user: Asker = ask("user")  # type: ignore[operator]
    assert admin.get("/history", type="UserAdded").json()["items"]
    assert user.get("/history", type="UserAdded").json()["items"] == []
    assert "UserAdded" not in {one["type"] for one in user.get("/history", limit=200).json()["items"]}


def test_while_the_disk_of_the_data_folder_is_full_lists_work_and_changes_say_why(admin: Asker, house: House) -> None:
    @event.listens_for(house.database.engine, "checkout")
    def _limit(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite then reports a full disk

    assert admin.get("/media").status_code == 200
    refused = admin.put(f"/media/{house.film_id}", {"overview": "x" * 200_000})
    assert refused.status_code == 503
    assert "is full, so this was not saved. Free some space, then try again." in refused.json()["detail"]
    assert admin.get(f"/media/{house.film_id}").json()["overview"] != "x" * 200_000
