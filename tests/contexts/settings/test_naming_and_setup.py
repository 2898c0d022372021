"""Naming sets, defaults, and the progress of setup."""

from __future__ import annotations

from datetime import datetime

import pytest

from mydia import events
from mydia.contexts import settings
from mydia.contexts.library import naming
from mydia.contexts.settings import NewLibraryPath
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Invalid


def test_the_default_templates_match_those_of_the_library_context(furnished: Database) -> None:
    with furnished.reads() as session:
        row = settings.naming_rules.get_naming_set(session, SYSTEM)
        assert {name: getattr(row, name) for name in settings.naming_rules.TEMPLATES} == dict(naming.DEFAULTS)


def test_defaults_are_created_once(furnished: Database, now: datetime) -> None:
    with furnished.writes() as session:
        settings.ensure_defaults(session, now)
    with furnished.reads() as session:
        assert [row.name for row in settings.naming_rules.list_naming_sets(session, SYSTEM)] == ["Default"]
        assert len(settings.profiles.list_profiles(session, SYSTEM)) == len(settings.profiles.PRESETS)


def test_a_template_is_validated_before_it_is_stored(furnished: Database, admin: Caller, now: datetime) -> None:
    with furnished.reads() as session:
        identifier = settings.naming_rules.get_naming_set(session, SYSTEM).id
    changes: dict[str, object] = {"movie_file": "{nonsense}", "movie_folder": "", "colon_replacement": "heart"}
    with pytest.raises(Invalid) as refused, furnished.writes() as session:
        settings.naming_rules.change_naming_set(session, admin, now, identifier, changes, judge=naming.check_template)
    assert set(refused.value.fields) == {"movie_file", "movie_folder", "colon_replacement"}
    with furnished.writes() as session:
        settings.naming_rules.change_naming_set(
            session, admin, now, identifier, {"movie_folder": "{title}", "rename": False}, judge=naming.check_template
        )
    with furnished.reads() as session:
        assert settings.naming_rules.get_naming_set(session, SYSTEM).movie_folder == "{title}"
        assert set(events.feed(session)[0].payload["changed"]) == {"movie_folder", "rename"}


def test_a_folder_without_its_own_naming_uses_the_first(furnished: Database, admin: Caller, now: datetime) -> None:
    with furnished.writes() as session:
        path = settings.library_paths.add_library_path(
            session, admin, now, NewLibraryPath(path="/media/tv", type="series")
        )
    with furnished.reads() as session:
        assert settings.naming_rules.get_naming_set(session, SYSTEM, path.id).name == "Default"
        assert settings.naming_rules.get_naming_set(session, SYSTEM, "gone").name == "Default"


def test_setup_resumes_and_ends_after_the_last_step(furnished: Database, now: datetime) -> None:
    with furnished.writes() as session:
        assert settings.setup.setup_state(session, SYSTEM).next_step == "account"
        settings.setup.mark_step(session, SYSTEM, now, "account", "done")
        assert settings.setup.mark_step(session, SYSTEM, now, "folders", "skipped").next_step == "metadata"
        settings.setup.mark_step(session, SYSTEM, now, "folders", "done")
        assert settings.setup.mark_step(session, SYSTEM, now, "account", "skipped").steps == {
            "account": "done",
            "folders": "done",
        }
    with furnished.writes() as session:
        settings.setup.finish_setup(session, SYSTEM, now)
    with furnished.reads() as session:
        state = settings.setup.setup_state(session, SYSTEM)
        assert (state.next_step, state.finished_at, state.steps["scan"]) == (None, now, "skipped")
