"""Judge a feed: 1,000 new releases against 5,000 wanted titles, with all custom formats of the TRaSH guides.

    python benchmarks/formats.py [--corpora FOLDER]

The guides come from the shared sample (`--corpora`, `MYDIA_CORPORA` or `../shared/corpora`) if present, otherwise from the
sample of the tests. Prints the CPU time of compiling the formats once, and of judging everything.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from mydia.adapters.indexers import IndexerRelease, Protocols
from mydia.contexts import settings
from mydia.contexts.downloads.decisions import Facts, decide, make_candidate
from mydia.contexts.settings.profiles import preset_profile
from mydia.contexts.settings.qualities import QUALITY_NAMES, default_limits
from mydia.parsing import normalise_title, parse_release
from mydia.units import GIB
from mydia.vocabulary import MediaType

RELEASES, WANTED = 1_000, 5_000
_TAILS = (
    "1080p.BluRay.x264-GRP", "2160p.UHD.BluRay.REMUX.DV.HDR10.HEVC.TrueHD.7.1.Atmos-FraMeSToR", "1080p.AMZN.WEB-DL.DDP5.1.H.264-NTb",
    "720p.HDTV.x264-AMS", "2160p.NF.WEB-DL.DDP5.1.Atmos.DV.HDR.H.265-FLUX", "German.DL.1080p.BluRay.x264-DETAiLS",
    "MULTi.VFF.1080p.BluRay.x264-GRP", "1080p.BluRay.REMUX.AVC.DTS-HD.MA.5.1-EPSiLON", "REPACK.1080p.WEBRip.AAC2.0.x264-GRP",
    "Extended.1080p.BluRay.DTS.x264-HDS", "1080p.BDRip.X264.AC3-EVO", "COMPLETE.BLURAY-GLiMMER", "480p.WEB.x264-GRP",
)  # fmt: skip
_WORDS = (
    "River",
    "Stone",
    "Winter",
    "Harbour",
    "Signal",
    "Garden",
    "Mirror",
    "Engine",
    "Shadow",
    "Orchard",
    "Letter",
    "Bridge",
)


def guides(corpora: Path) -> list[settings.formats.Format]:
    """Return the formats of both applications."""
    root = corpora / "trash-guides"
    if not root.is_dir():
        root = ROOT / "tests" / "contexts" / "settings" / "formats" / "sample"
    found = []
    for app in settings.formats.App:
        for path in sorted((root / "docs" / "json" / app / "cf").glob("*.json")):
            content = json.loads(path.read_text())
            conditions = settings.formats.read_conditions(app, content["specifications"])
            found.append(settings.formats.Format(id=content["trash_id"], name=content["name"], conditions=conditions))
    return found


def _facts(number: int, title: str, formats: settings.formats.FormatSet, scores: dict[str, int], limits: dict) -> Facts:
    profile = preset_profile("Any")
    object.__setattr__(profile, "scores", scores)
    return Facts(
        now=datetime(2026, 11, 21, tzinfo=UTC),
        item_id=str(number),
        type=MediaType.MOVIE,
        title=title,
        year=1950 + number % 70,
        titles=frozenset({normalise_title(title)}),
        profile=profile,
        limits=limits,
        runtime_min=110,
        formats=formats,
        original_language=("en", "de", "fr", "ja")[number % 4],
    )


def judge(formats: settings.formats.FormatSet) -> tuple[float, int]:
    """Judge every release for every title that it may be; return the CPU seconds and the number of decisions."""
    chance = random.Random(7)
    scores = {format.id: chance.randint(-100, 100) for format in formats.formats}
    limits = {name: default_limits(MediaType.MOVIE, name) for name in QUALITY_NAMES}
    titles = [f"{chance.choice(_WORDS)} {chance.choice(_WORDS)} {number}th" for number in range(WANTED)]
    wanted = {normalise_title(title): _facts(n, title, formats, scores, limits) for n, title in enumerate(titles)}
    names = [
        f"{titles[number].replace(' ', '.')}.{1950 + number % 70}.{chance.choice(_TAILS)}"
        for number in chance.sample(range(WANTED), RELEASES)
    ]
    started = time.process_time()
    decisions = 0
    for number, name in enumerate(names):
        parsed = parse_release(name, "movie")
        facts = wanted.get(normalise_title(parsed.title)) if parsed else None
        if facts is None:
            continue
        release = IndexerRelease(
            guid=str(number), title=name, protocol=Protocols.TORRENT, download_url=None, size_bytes=8 * GIB, seeders=9
        )
        candidate = make_candidate(release, facts, indexer_id="1", indexer_name="Feed")
        decisions += len(decide([candidate], facts))
    return time.process_time() - started, decisions


def measured(corpora: Path) -> dict[str, float]:
    """Return the figures by name."""
    found = guides(corpora)
    started = time.process_time()
    formats = settings.formats.FormatSet(found)
    compiled_s = time.process_time() - started
    judged_s, decisions = judge(formats)
    return {"formats": len(found), "compiled": compiled_s, "judged": judged_s, "decisions": decisions}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(os.environ.get("MYDIA_CORPORA", ROOT.parent / "shared" / "corpora"))
    parser.add_argument("--corpora", type=Path, default=default)
    figures = measured(parser.parse_args().corpora)
    print(f"{figures['formats']:.0f} formats compiled: {figures['compiled']:.3f} s")
    print(
        f"{RELEASES:,} releases, {WANTED:,} wanted titles, {figures['decisions']:,.0f} decisions: {figures['judged']:.3f} s"
    )


if __name__ == "__main__":
    main()
