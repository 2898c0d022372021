"""Replacing faulty files: the release is blocklisted, another one is searched, and the old file stays until it is imported."""

from __future__ import annotations

from mydia.contexts import downloads, library, requests, users
from mydia.contexts.requests.problems import NewProblem, ProblemKind
from mydia.contexts.users import SYSTEM, Caller, NewUser, Role
from tests.contexts.downloads.conftest import House, config, house

__all__ = ["config", "house"]

GOOD = "Metropolis.1927.1080p.BluRay.x264-GRP"
SMALLER = "Metropolis.1927.720p.WEB.h264-OTHER"


def person(house: House, role: Role) -> Caller:
    with house.database.writes() as session:
        return users.caller_of(users.add_user(session, SYSTEM, house.now, NewUser(username=f"p-{role}", role=role)))


def imported(house: House) -> None:
    download_id = house.get_one(GOOD)
    house.finish(download_id)
    house.bring_in(download_id)


def report(house: House, caller: Caller) -> str:
    with house.database.writes() as session:
        new = NewProblem(item_id=house.film_id, kind=ProblemKind.AUDIO, text="Only hissing")
        return requests.problems.report(session, caller, house.now, new).id


def test_a_faulty_film_is_replaced_even_by_a_smaller_release(house: House) -> None:
    kim, robin = person(house, Role.GUEST), person(house, Role.ADMIN)
    imported(house)
    problem_id = report(house, kim)
    with house.database.writes() as session:
        assert downloads.replacing.request_replacement(session, robin, house.now, problem_id) == 1
    (search,) = house.events("SearchRequested")[-1:]
    assert search["media_item_id"] == house.film_id
    before = house.library_files()
    house.offer(SMALLER)

    taken = downloads.search_and_grab(
        house.database, house.outside, SYSTEM, house.now, downloads.SearchTarget(house.film_id), cause="automatic"
    )

    rows = {row.release_title: row for row in house.downloads()}
    assert [rows[SMALLER].id] == list(taken)
    assert house.library_files() == before, "the old file stays while the new one is downloaded"
    assert downloads.replacing.settle(house.database, house.now) == 0
    house.finish(rows[SMALLER].id)
    house.bring_in(rows[SMALLER].id)
    assert [name for name in house.library_files() if "720p" in name or "1080p" in name or name.endswith(".mkv")]
    with house.database.reads() as session:
        files = library.files.files_of_item(session, SYSTEM, house.film_id)
        assert [file.release_name for file in files if file.kind == "video"] == [SMALLER]
    assert downloads.replacing.settle(house.database, house.now) == 1
    with house.database.reads() as session:
        assert requests.problems.get_problem(session, kim, problem_id).row.state == "resolved"


def test_the_reported_release_is_not_grabbed_again(house: House) -> None:
    robin = person(house, Role.ADMIN)
    imported(house)
    problem_id = report(house, robin)
    with house.database.writes() as session:
        downloads.replacing.request_replacement(session, robin, house.now, problem_id)
    verdicts = {
        row.title: [one["spec"] if "spec" in one else one["code"] for one in row.objections]
        for row in house.releases(house.search())
    }
    assert any("blocklist" in str(code) for code in verdicts[GOOD]), verdicts


def test_resolving_without_a_replacement_keeps_the_file(house: House) -> None:
    robin = person(house, Role.ADMIN)
    imported(house)
    problem_id = report(house, robin)
    with house.database.writes() as session:
        downloads.replacing.request_replacement(session, robin, house.now, problem_id)
        downloads.replacing.resolve(session, robin, house.now, problem_id)
    with house.database.reads() as session:
        assert library.faulty.still_faulty(session, [house.film_id]) == {}
