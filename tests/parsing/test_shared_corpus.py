"""The shared sample of public names, if it is present; it is not part of this repository."""

import importlib.util
import os
from collections import Counter
from pathlib import Path

import pytest

from mydia.parsing import parse

_BESIDE = Path(__file__).parents[3] / "shared" / "corpora"
CORPORA = Path(os.environ.get("MYDIA_CORPORA", _BESIDE))
SCORER = CORPORA.parent / "tools" / "score_parser.py"
FEW = 15
"""Kinds with fewer cases are too small for a percentage."""

pytestmark = pytest.mark.skipif(
    not (CORPORA / "parser").is_dir() or not SCORER.is_file(),
    reason="the shared sample of names is missing: put it next to the repository or set MYDIA_CORPORA to its folder",
)


@pytest.fixture(scope="module")
def scorer():
    spec = importlib.util.spec_from_file_location("score_parser", SCORER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _judge(scorer, corpus, leave_out=()):
    cases = [c for c in scorer.load([str(CORPORA / "parser" / corpus)]) if c["kind"] not in leave_out]
    asked, right, failures = Counter(), Counter(), []
    for case in cases:
        kind = f"{case['source']}/{case['kind']}"
        _, whole = scorer.judge(case, parse(case["input"], case["hint"]), None)
        asked[kind] += 1
        right[kind] += whole
        if not whole:
            failures.append(case["input"])
    return asked, right, failures


@pytest.mark.parametrize(
    ("corpus", "leave_out", "least"),
    [("arr.jsonl", (), 0.98), ("guessit.jsonl", ("fragment",), 0.91), ("mydia.jsonl", (), 0.97)],
)
def test_the_share_of_names_with_every_field_right(scorer, corpus, leave_out, least):
    asked, right, failures = _judge(scorer, corpus, leave_out)
    assert right.total() / asked.total() >= least, failures


def test_every_kind_of_name_reaches_90_per_cent(scorer):
    asked, right, _ = _judge(scorer, "arr.jsonl")
    assert {
        kind: right[kind] / asked[kind] for kind in asked if asked[kind] >= FEW and right[kind] / asked[kind] < 0.9
    } == {}


def test_names_to_refuse_are_refused(scorer):
    asked, right, failures = _judge(scorer, "arr.jsonl")
    refused = [kind for kind in asked if kind.endswith("/reject")]
    assert sum(right[k] for k in refused) / sum(asked[k] for k in refused) >= 0.98, failures
