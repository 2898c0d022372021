"""Problems that people report: who may do what, comments, and the place in a show."""

from __future__ import annotations

import pytest

from mydia import events
from mydia.contexts import downloads, requests
from mydia.contexts.requests.problems import NewProblem, ProblemKind, ProblemState
from mydia.errors import Conflict, Forbidden, Invalid, NotFound
from tests import builders
from tests.contexts.requests.conftest import Household


@pytest.fixture
def item_id(home: Household) -> str:
    with home.database.writes() as session:
        return builders.show(session, seasons={1: 6, 2: 4}).id


def report(home: Household, item_id: str, /, **new: object) -> str:
    made = NewProblem(**({"item_id": item_id, "kind": ProblemKind.AUDIO} | new))  # type: ignore[arg-type]
    return str(home.decide(requests.problems.report, made, by=home.kim).id)


def test_a_problem_with_an_episode_is_discussed_and_resolved(home: Household, item_id: str) -> None:
    problem_id = report(home, item_id, season_number=2, episode_number=3, text="It is in French")
    home.decide(requests.problems.comment, problem_id, "I will look", by=home.robin)

    with home.database.reads() as session:
        (line,) = requests.problems.of_item(session, home.noa, item_id)
        assert requests.problems.open_count(session, home.noa) == 1
    assert (line.place, line.reporter.name, line.title) == ("S02E03", "kim", "Pioneer One")
    assert [(one.by.name, one.text) for one in line.comments] == [("kim", "It is in French"), ("robin", "I will look")]

    home.decide(requests.problems.resolve, problem_id, by=home.robin)
    with home.database.reads() as session:
        assert requests.problems.of_item(session, home.kim, item_id) == []
        (closed,), _ = requests.problems.list_problems(session, home.kim, state=ProblemState.RESOLVED)
        assert closed.resolved_by is not None
        assert closed.resolved_by.name == "robin"
    home.decide(requests.problems.reopen, problem_id, by=home.kim)
    with home.database.reads() as session:
        told = [one.type for one in events.since(session, 0) if one.type.startswith("Problem")]
    assert told == ["ProblemReported", "ProblemCommented", "ProblemClosed", "ProblemClosed"]


def test_another_guest_cannot_resolve_or_replace(home: Household, item_id: str) -> None:
    problem_id = report(home, item_id)
    with pytest.raises(Forbidden):
        home.decide(requests.problems.resolve, problem_id, by=home.noa)
    with pytest.raises(Forbidden):
        home.decide(downloads.replacing.request_replacement, problem_id, by=home.kim)


def test_nothing_can_be_replaced_where_there_is_no_file(home: Household, item_id: str) -> None:
    problem_id = report(home, item_id, season_number=1)
    with pytest.raises(Conflict, match="no file"):
        home.decide(downloads.replacing.request_replacement, problem_id)


@pytest.mark.parametrize(
    ("new", "error"),
    [
        ({"kind": ProblemKind.OTHER}, Invalid),
        ({"season_number": 7}, Invalid),
        ({"episode_number": 1}, Invalid),
        ({"season_number": 1, "episode_number": 99}, NotFound),
        ({"text": "x" * 2001}, Invalid),
        ({"item_id": "none"}, NotFound),
    ],
)
def test_a_report_that_names_nothing_is_refused(
    home: Household, item_id: str, new: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        report(home, item_id, **new)


def test_a_film_has_no_seasons_to_report(home: Household) -> None:
    with home.database.writes() as session:
        film_id = builders.film(session).id
    with pytest.raises(Invalid, match="no seasons"):
        report(home, film_id, season_number=1)
