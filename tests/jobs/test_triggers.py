"""The tables of triggers and schedules."""

from __future__ import annotations

import ast
from pathlib import Path

from mydia import events
from mydia.jobs import triggers


def test_no_trigger_is_shadowed_by_another() -> None:
    tables = [node for node in ast.walk(ast.parse(Path(triggers.__file__).read_text())) if isinstance(node, ast.Dict)]
    for table in tables:
        keys = [ast.unparse(key) for key in table.keys if key is not None]
        assert sorted(set(keys)) == sorted(keys)


def test_a_newly_chosen_picture_is_fetched() -> None:
    started = {
        trigger.job
        for changed in ({"poster": ["/a.jpg", "/b.jpg"]}, {"profile": ["a", "b"]})
        for trigger in triggers.ON_EVENT[events.MediaChanged]
        if trigger.when is None or trigger.when(events.MediaChanged("id", changed))
    }
    assert started == {"metadata.fetch_images", "profiles.recount_item", "downloads.make_due"}


def test_interrupted_file_operations_are_finished_every_few_minutes_not_only_at_a_start() -> None:
    # If only the web process is killed, the worker keeps running.
    (schedule,) = [one for one in triggers.SCHEDULE if one.job == "library.recover_journal"]
    minutes = schedule.cron.split()
    assert minutes[1:] == ["*"] * 4
    assert int(minutes[0].removeprefix("*/")) <= 10
