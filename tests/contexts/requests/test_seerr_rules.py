"""Seerr's rules of requests: each is covered by a test that is named here, or a deviation that the guide explains.

The rules are those of `arr-stack.md` §7.2, §7.3 and §7.7 of the shared reference, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_ASKING = "tests/contexts/requests/test_asking.py"
_BLOCKING = "tests/contexts/requests/test_blocking.py"
_DECIDING = "tests/contexts/requests/test_deciding.py"
_PROBLEMS = "tests/contexts/requests/test_problems.py"
_PAGES = "tests/web/pages/test_requests.py"
_GUIDE = _ROOT / "docs" / "guide" / "requests.md"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule and where it is kept."""

    section: str
    says: str
    tests: tuple[str, ...] = ()
    """`file::test`."""
    deviation: str = ""
    """The words of the guide that explain what Mydia does instead."""


RULES = (
    Rule(
        section="7.2.1",
        says="requesting needs a permission",
        tests=(f"{_ASKING}::test_a_read_only_account_cannot_ask",),
    ),
    Rule(
        section="7.2.1",
        says="managers request on behalf of others",
        tests=(f"{_ASKING}::test_asking_for_someone_else_needs_the_permission_to_decide",),
    ),
    Rule(section="7.2.1", says="separate permissions for films, shows and 4K", deviation="one permission to request"),
    Rule(
        section="7.2.2",
        says="shows count seasons within a period",
        tests=(f"{_ASKING}::test_seasons_count_towards_the_quota_until_the_period_is_over",),
    ),
    Rule(
        section="7.2.2",
        says="a quota per person overrides the default",
        tests=(f"{_ASKING}::test_a_person_can_have_an_own_quota_or_none",),
    ),
    Rule(
        section="7.2.2",
        says="declined requests do not count, managers bypass",
        tests=(f"{_ASKING}::test_declined_requests_do_not_count_and_managers_are_exempt",),
    ),
    Rule(
        section="7.2.3",
        says="blocklisted titles are refused",
        tests=(f"{_BLOCKING}::test_a_blocked_title_cannot_be_requested_by_anybody_and_the_reason_is_shown",),
        deviation="Blocked titles stay in the search",
    ),
    Rule(
        section="7.2.3",
        says="duplicates are refused",
        tests=(f"{_ASKING}::test_a_second_person_follows_the_same_request",),
        deviation="A second person joins",
    ),
    Rule(
        section="7.2.3",
        says="seasons that are here or requested are left out",
        tests=(f"{_ASKING}::test_seasons_that_are_here_or_requested_are_left_out_and_named",),
    ),
    Rule(
        section="7.2.3",
        says="nothing left is refused",
        tests=(f"{_ASKING}::test_a_film_with_a_file_cannot_be_requested",),
    ),
    Rule(
        section="7.2.4",
        says="the most specific override rule wins",
        tests=(f"{_ASKING}::test_the_rule_with_the_most_conditions_wins_and_explains_itself",),
    ),
    Rule(
        section="7.2.4",
        says="rules are skipped for managers",
        deviation="Rules also apply to requests of people who decide requests",
    ),
    Rule(
        section="7.2.5",
        says="auto-approval by role, person or rule",
        tests=(
            f"{_ASKING}::test_the_most_specific_answer_decides_about_approval",
            f"{_ASKING}::test_what_the_library_looks_for_needs_no_approval",
        ),
    ),
    Rule(
        section="7.2.6",
        says="approval adds the title",
        tests=(f"{_DECIDING}::test_an_approved_film_is_added_once_with_the_choices",),
    ),
    Rule(
        section="7.2.6",
        says="a failure is shown and can be retried",
        tests=(
            f"{_DECIDING}::test_a_request_whose_source_does_not_answer_fails_and_heals",
            f"{_DECIDING}::test_a_title_that_is_gone_from_the_catalogue_fails_until_it_is_retried",
        ),
    ),
    Rule(
        section="7.2.7",
        says="a request is followed until it is available",
        tests=(f"{_DECIDING}::test_a_request_follows_each_season_until_all_are_available",),
    ),
    Rule(
        section="7.2.7",
        says="a title that is gone is noticed",
        tests=(f"{_DECIDING}::test_a_request_fails_when_its_title_is_removed",),
    ),
    Rule(
        section="7.2.8",
        says="single seasons can be requested",
        tests=(f"{_DECIDING}::test_only_the_requested_seasons_of_a_new_show_are_monitored",),
    ),
    Rule(
        section="7.2.8",
        says="specials only where they are allowed",
        tests=(f"{_ASKING}::test_specials_are_only_requested_where_they_are_allowed",),
    ),
    Rule(
        section="7.2.8",
        says="more seasons can be requested later",
        tests=(f"{_DECIDING}::test_a_season_that_the_library_does_not_know_yet_is_fetched",),
    ),
    Rule(section="7.2", says="watchlists request automatically", deviation="no requests from watchlists"),
    Rule(
        section="7.3",
        says="people see their own requests unless they may see all",
        tests=(f"{_ASKING}::test_people_see_their_own_requests_and_managers_see_all",),
    ),
    Rule(
        section="7.3",
        says="advanced choices need a permission",
        tests=(f"{_ASKING}::test_only_managers_choose_profile_and_tags",),
    ),
    Rule(
        section="7.3",
        says="issues can be reported, commented and resolved",
        tests=(
            f"{_PROBLEMS}::test_a_problem_with_an_episode_is_discussed_and_resolved",
            f"{_PROBLEMS}::test_another_guest_cannot_resolve_or_replace",
        ),
    ),
    Rule(
        section="7.7",
        says="defaults per person",
        tests=(f"{_ASKING}::test_a_persons_defaults_are_used_where_no_rule_says_otherwise",),
    ),
    Rule(
        section="7.7",
        says="a reported file can be replaced",
        tests=(f"{_PAGES}::test_a_manager_answers_a_problem_with_a_replacement",),
    ),
    Rule(
        section="7.7",
        says="many at once",
        tests=(f"{_DECIDING}::test_many_are_decided_at_once_and_only_those_that_wait",),
    ),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.section} {rule.says}")
def test_every_rule_is_tested_or_explained_as_a_deviation(rule: Rule) -> None:
    assert rule.tests or rule.deviation
    for named in rule.tests:
        file, _, test = named.partition("::")
        assert f"def {test}(" in (_ROOT / file).read_text(), named
    assert rule.deviation in " ".join(_GUIDE.read_text().split())


def test_every_step_of_the_workflow_has_a_rule() -> None:
    assert {f"7.2.{number}" for number in range(1, 9)} <= {rule.section for rule in RULES}
