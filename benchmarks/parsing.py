"""Compare the parser with guessit and other public parsers: accuracy, speed, slowest names, and a fuzz run.

    python benchmarks/parsing.py [--corpora FOLDER] [--seconds N] [--fuzz N]

The names come from the shared sample (`--corpora`, `MYDIA_CORPORA` or `../shared/corpora`) if present, otherwise from
`tests/parsing/names.toml`. Parsers that are not installed are skipped; `pip install guessit parse-torrent-title
rank-torrent-name` in a throwaway environment compares all of them.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import os
import random
import string
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from mydia.parsing import parse

Answer = dict[str, Any] | None
Parser = Callable[[str, str | None], Answer]
SAMPLE_FOR_SPEED = 400
REPEATED = [
    "a", "1", "-", ".", " ", "[", "(", "S01E01", "01-", "-01", "1-1-", "2012.", "1080p.", "[01]", "Season 1 ", "1 of ", "www.a.",
    "a.a.", "ENG.", "DTS-HD.", "2019-01-01 ", "名", " / ", "tt1234567 ", "directors cut ", "-postbot", "[rartv]", "e1e2", "web-",
]  # fmt: skip


def find_parsers() -> dict[str, Parser]:
    """Return ours and every importable public parser, all returning dictionaries."""
    parsers: dict[str, Parser] = {"mydia": parse}
    if importlib.util.find_spec("guessit"):
        parsers["guessit"] = _guessit()
    if importlib.util.find_spec("PTN"):
        parsers["parse-torrent-title"] = _ptn()
    if importlib.util.find_spec("RTN"):
        parsers["rank-torrent-name"] = _rtn()
    return parsers


def _guessit() -> Parser:
    from guessit import guessit

    kinds = {"tv": {"type": "episode"}, "movie": {"type": "movie"}}

    def answer(name: str, hint: str | None) -> Answer:
        found = guessit(name, kinds.get(hint or "", {}))
        source = str(found.get("source") or "")
        remux = "Remux" in str(found.get("other", ""))
        return {
            "type": found.get("type"), "title": found.get("title"), "year": found.get("year"), "season": found.get("season"),
            "episodes": found.get("episode"), "absolute_episodes": found.get("absolute_episode"),
            "air_date": found.get("date"), "episode_title": found.get("episode_title"), "part": found.get("part"),
            "full_season": found.get("season") is not None and found.get("episode") is None,
            "release_group": found.get("release_group"), "hash": found.get("crc32"), "quality_source": "remux" if remux else _WORDS.get(source, source),
            "resolution": found.get("screen_size"), "revision_version": (found.get("proper_count") or 0) + 1,
            "languages": [str(v) for v in _many(found.get("language"))],
            "subtitle_languages": [str(v) for v in _many(found.get("subtitle_language"))], "edition": found.get("edition"),
            "video_codec": found.get("video_codec"), "audio_codec": [str(v) for v in _many(found.get("audio_codec"))],
            "audio_channels": found.get("audio_channels"), "container": found.get("container"),
            "streaming_service": found.get("streaming_service"), "website": found.get("website"),
        }  # fmt: skip

    return answer


_WORDS = {
    "HDTV": "tv", "TV": "tv", "Digital TV": "tv", "Satellite": "tv", "Web": "webdl", "Blu-ray": "bluray", "Ultra HD Blu-ray": "bluray",
    "DVD": "dvd", "Camera": "cam", "HD Camera": "cam", "Telesync": "telesync", "HD Telesync": "telesync", "Telecine": "telecine",
    "Workprint": "workprint", "HD-DVD": "bluray",
}  # fmt: skip


def _many(value: object) -> list[object]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _ptn() -> Parser:
    import PTN

    def answer(name: str, hint: str | None) -> Answer:
        found = PTN.parse(name)
        return {
            "title": found.get("title"), "year": found.get("year"), "season": found.get("season"), "episodes": found.get("episode"),
            "release_group": found.get("group"), "quality_source": found.get("quality"), "resolution": found.get("resolution"),
            "languages": _many(found.get("language")), "video_codec": found.get("codec"), "container": found.get("container"),
            "full_season": found.get("season") is not None and found.get("episode") is None,
        }  # fmt: skip

    return answer


def _rtn() -> Parser:
    import RTN

    def answer(name: str, hint: str | None) -> Answer:
        found = RTN.parse(name).model_dump()
        return {
            "title": found.get("parsed_title"), "year": found.get("year"), "season": found.get("seasons"), "episodes": found.get("episodes"),
            "release_group": found.get("group"), "quality_source": found.get("quality"), "resolution": found.get("resolution"),
            "languages": found.get("languages"), "hash": found.get("hash"), "video_codec": found.get("codec"),
        }  # fmt: skip

    return answer


def load_cases(corpora: Path) -> tuple[dict[str, list[dict[str, Any]]], Any]:
    """Return the cases by corpus, and the shared scorer if present."""
    scorer_file = corpora.parent / "tools" / "score_parser.py"
    if (corpora / "parser").is_dir() and scorer_file.is_file():
        spec = importlib.util.spec_from_file_location("score_parser", scorer_file)
        assert spec is not None
        assert spec.loader is not None
        scorer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(scorer)
        files = sorted((corpora / "parser").glob("*.jsonl"))
        return {file.stem: [json.loads(line) for line in file.open(encoding="utf-8")] for file in files}, scorer
    print("the shared sample is missing; using our own names")
    own = tomllib.loads((ROOT / "tests" / "parsing" / "names.toml").read_text(encoding="utf-8"))["name"]
    return {
        "names.toml": [
            {"input": c["name"], "hint": c.get("hint"), "expect": c.get("expect", {}), "kind": ""} for c in own
        ]
    }, None


def share_right(parser: Parser, cases: Iterable[dict[str, Any]], scorer: Any) -> float:
    """Return the share of names with every asserted field right; fragments are not names and don't count."""
    right = scored = 0
    for case in cases:
        if case["kind"] == "fragment":
            continue
        scored += 1
        try:
            answer, error = parser(case["input"], case["hint"]), None
        except Exception as raised:
            answer, error = None, str(raised)
        if scorer is not None:
            right += scorer.judge(case, answer, error)[1]
        else:
            right += all(
                (answer or {}).get(field, field == "parsed") == value for field, value in case["expect"].items()
            )
    return right / max(scored, 1)


def names_per_cpu_s(parser: Parser, names: list[tuple[str, str | None]], limit_s: float) -> float:
    """Return names per CPU second over distinct names, so that a parser's cache cannot help."""
    for name, hint in names[:10]:
        _quietly(parser, name, hint)
    gc.collect()
    begin, done = time.process_time(), 0
    for name, hint in names[10:]:
        _quietly(parser, name, hint)
        done += 1
        if time.process_time() - begin > limit_s:
            break
    return done / max(time.process_time() - begin, 1e-9)


def _quietly(parser: Parser, name: str, hint: str | None) -> None:
    try:
        parser(name, hint)
    except Exception:
        return


def worst_ms(names: Iterable[tuple[str, str | None]]) -> tuple[float, str]:
    """Return the slowest name and its CPU time, best of three."""
    worst, slowest = 0.0, ""
    for name, hint in names:
        best = min(_cpu_ms(name, hint) for _ in range(3))
        if best > worst:
            worst, slowest = best, name
    return worst, slowest


def _cpu_ms(name: str, hint: str | None) -> float:
    begin = time.thread_time()
    parse(name, hint)
    return 1000 * (time.thread_time() - begin)


def fuzz(count: int, seeds: list[str]) -> int:
    """Parse random and mangled names; return how often the parser raised."""
    chance = random.Random(20)
    alphabet = string.printable + "äßİ名第話【】（）—’\u200b\ufffd²٣" + "[](){}.-_ " * 4
    raised = 0
    for _ in range(count):
        if chance.random() < 0.5:
            name = "".join(chance.choice(alphabet) for _ in range(chance.randrange(200)))
        else:
            letters = list(chance.choice(seeds))
            for _ in range(chance.randrange(1, 6)):
                letters.insert(chance.randrange(len(letters) + 1), chance.choice(alphabet))
            name = "".join(letters)
        try:
            parse(name, chance.choice([None, "tv", "movie", "subtitle"]))
        except Exception as error:
            raised += 1
            print(f"raised {error!r} on {name!r}")
    return raised


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--corpora", type=Path, default=Path(os.environ.get("MYDIA_CORPORA", ROOT.parent / "shared" / "corpora"))
    )
    options.add_argument("--seconds", type=float, default=5.0, help="CPU seconds per parser for the speed")
    options.add_argument("--fuzz", type=int, default=20_000, help="random names for the fuzz run")
    chosen = options.parse_args()
    corpora, scorer = load_cases(chosen.corpora)
    names = sorted({(c["input"], c["hint"]) for cases in corpora.values() for c in cases}, key=str)
    random.Random(7).shuffle(names)
    parsers = find_parsers()
    print(f"{'':24}" + "".join(f"{corpus:>14}" for corpus in corpora) + f"{'names/CPU s':>14}{'× guessit':>12}")
    speeds = {
        name: names_per_cpu_s(parser, names[:SAMPLE_FOR_SPEED], chosen.seconds) for name, parser in parsers.items()
    }
    for name, parser in parsers.items():
        shares = "".join(f"{100 * share_right(parser, cases, scorer):13.1f}%" for cases in corpora.values())
        ratio = f"{speeds[name] / speeds['guessit']:12.1f}" if "guessit" in speeds else ""
        print(f"{name:24}{shares}{speeds[name]:14,.0f}{ratio}")
    worst, name = worst_ms(names)
    print(f"\nworst name of the sample   {worst:6.2f} ms   {name[:80]}")
    for length in (256, 512, 1024, 4096):
        worst, name = worst_ms(((piece * length)[:length], "tv") for piece in REPEATED)
        print(f"worst of {length:5} characters   {worst:6.2f} ms   {name[:12]!r} repeated")
    raised = fuzz(chosen.fuzz, [name for name, _ in names])
    print(f"\nfuzz: {chosen.fuzz:,} names, {raised} raised")
    return 1 if raised else 0


if __name__ == "__main__":
    sys.exit(main())
