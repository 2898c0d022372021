"""Names from public bug reports: every file gets the right title and episodes, or waits for review with a reason.

`reports.jsonl` holds one case a line: the path of a file, the right answers, and whether leaving it to a person is right
as well. The catalogue contains the right answers and titles with similar names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mydia import clock
from mydia.adapters.metadata_providers.base import Candidate, Details, Ids, OtherTitle
from mydia.config import Config
from mydia.contexts import library, media
from mydia.contexts.library.models import FileEpisode, InboxEntry, MediaFile
from mydia.contexts.metadata.search import as_candidate
from mydia.contexts.settings import LibraryPath
from mydia.db import Database
from mydia.parsing import normalise_title
from tests import builders
from tests.fakes.outside import FakeMetadataProvider, FakeProbe, fake_outside, media_facts

CASES: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "reports.jsonl").read_text().splitlines()
]
_ANSWER = re.compile(r"(?P<title>.+) \((?P<year>\d{4})\)(?: (?P<codes>S\d+E\d+.*))?\Z")

NAMESAKES = {
    "movies": (
        "X (2022)", "Men (2022)", "Catch (2010)", "Bio (2015)", "Stand (2014)", "Half (2015)", "T (2001)", "Blade Runner (1982)",
        "Fantasia (1940)", "Airport (1970)", "Godzilla (1998)", "Godzilla (2014)", "Death Race (2008)", "Halloween (2018)",
        "Ghostbusters (2016)", "The Mummy (1999)", "Total Recall (2012)", "Frozen (2010)", "Frozen (2013)", "Dune (1984)",
        "Dune (2021)", "The Lion King (1994)", "The Lion King (2019)", "Carrie (1976)", "Carrie (2013)", "It (1990)",
        "American Pie (1999)", "Rocky (1976)", "Star Trek (2009)", "The Avengers (1998)", "The Godfather (1972)",
        "2012 (2001)", "Detour (1945)", "Heat (1986)", "Nixon (2000)", "Gladiator (1992)", "The Short (2016)",
    ),
    "series": (
        "DuckTales (1987)", "DuckTales (2017)", "MacGyver (1985)", "MacGyver (2016)", "Charmed (1998)", "Charmed (2018)",
        "The Office (2005)", "The Office (2001)", "Cosmos (1980)", "Doctor Who (1963)", "Forbrydelsen (2007)",
        "Agents (2015)", "Power (2014)", "Law & Order (1990)", "The Bridge (2013)", "Extras (2005)", "Comedy (2012)",
    ),
}  # fmt: skip

OTHER_TITLES = {
    "Weathering with You": ("Tenki no Ko",),
    "Your Name.": ("Kimi no Na wa.", "君の名は。"),
    "Night Watch": ("Nochnoy dozor", "Ночной дозор"),
    "Home Alone": ("Kevin – Allein zu Haus", "Maman, j'ai raté l'avion !"),
    "The Intouchables": ("Intouchables",),
    "The Avengers": ("Avengers Assemble",),
    "Attack on Titan": ("Shingeki no Kyojin",),
    "Food Wars! Shokugeki no Soma": ("Shokugeki no Soma",),
    "Blue Exorcist": ("Ao no Exorcist",),
    "Fire Force": ("Enen no Shouboutai",),
    "Kitchen": ("Кухня",),
    "Gomorrah": ("Gomorra",),
    "Black Mirror": ("Schwarzer Spiegel",),
    "Law & Order: Special Victims Unit": ("Law & Order SVU",),
    "Full Metal Panic!": ("Full Metal Panic! Invisible Victory",),
    "Masamune-kun's Revenge": ("Masamune-kun no Revenge",),
    "The Lord of the Rings: The Rings of Power": ("The Rings of Power",),
    "Live Die Repeat: Edge of Tomorrow": ("Edge of Tomorrow",),
    "Come Home Love: Lo and Behold": ("Jade Come Home Love：Lo And Behold",),
    "The Office": ("The Office (UK)", "The Office (US)"),
    "Marvel's Agents of S.H.I.E.L.D.": ("Agents of S.H.I.E.L.D.",),
    "Elite": ("Élite",),
}

SEASONS = {
    "Kingdom": {1: 38, 2: 39, 3: 26},
    "Spy x Family": {1: 25, 2: 12},
    "Blue Lock": {1: 24, 2: 14},
    "Mashle": {1: 12, 2: 12},
    "Food Wars! Shokugeki no Soma": {1: 24, 2: 13, 3: 24},
    "Haikyu!!": {1: 25, 2: 25, 3: 10},
    "The Disastrous Life of Saiki K.": {1: 24, 2: 24},
    "Attack on Titan": {0: 8, 1: 25, 2: 12, 3: 22},
    "Blue Exorcist": {1: 25, 2: 12},
    "Bleach": {1: 20, 2: 21, 3: 22, 4: 28},
    "Jujutsu Kaisen": {1: 24, 2: 23},
    "Fire Force": {1: 24, 2: 24},
    "Dagashi Kashi": {1: 12, 2: 12},
    "Psycho-Pass": {1: 22, 2: 11, 3: 8},
    "SpongeBob SquarePants": {1: 41, 2: 39},
    "Come Home Love: Lo and Behold": {1: 2000},
}
NUMBERS = {
    "Heat (1995)": Ids(949),
    "Inception (2010)": Ids(27205, None, "tt0027205"),
    "The Matrix (1999)": Ids(603, None, "tt0000603"),
    "Fight Club (1999)": Ids(550),
    "Gattaca (1997)": Ids(782, None, "tt0000782"),
    "Jaws (1975)": Ids(578),
    "Tron (1982)": Ids(97),
    "Vertigo (1958)": Ids(426),
    "The Conjuring (2013)": Ids(138843),
    "It (2017)": Ids(346364),
    "Her (2013)": Ids(152601),
    "Andor (2022)": Ids(83867),
    "Black Mirror (2011)": Ids(42009, 1042009),
}
NFO_FILES = {
    "Shelf A/movie.nfo": "It (2017)",
    "Shelf B/movie.nfo": "Her (2013)",
    "Rename Mix/movie.nfo": "Inception (2010)",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome for one file."""

    state: str
    """matched | waiting | new | ignored | extra | sample | none"""
    title: str | None = None
    codes: tuple[str, ...] = ()
    reason: str | None = None
    likely: str | None = None


def catalogue(kind: str) -> list[Details]:
    """Return all right answers and similar titles, with seasons long enough for all cases."""
    labels: dict[str, dict[int, int]] = {}
    for label in (
        *(answer for case in CASES if case["library"] == kind for answer in case["matched"]),
        *NAMESAKES[kind],
    ):
        read = _ANSWER.match(label)
        assert read is not None, label
        seasons = labels.setdefault(f"{read['title']} ({read['year']})", {})
        for season, number in re.findall(r"S(\d+)E(\d+)", read["codes"] or ""):
            seasons[int(season)] = max(seasons.get(int(season), 0), int(number), 24 if int(season) else 3)
    made = []
    for place, (label, seasons) in enumerate(sorted(labels.items()), 1):
        title, _, year = label.removesuffix(")").rpartition(" (")
        ids = NUMBERS.get(label, Ids(900_000 + place))
        others = tuple(OtherTitle(other, "alternative") for other in OTHER_TITLES.get(title, ()))
        if kind == "movies":
            made.append(
                builders.film_details(title, int(year), ids=ids, runtime_min=100, titles=tuple(o.title for o in others))
            )
        else:
            lengths = SEASONS.get(title) or {
                n: seasons.get(n, 24) for n in range(max(seasons, default=1) + 1) if n or 0 in seasons
            }
            made.append(
                builders.show_details(
                    title, int(year), tmdb_id=ids.tmdb_id, tvdb_id=ids.tvdb_id, seasons=lengths, titles=others
                )
            )
    return made


class Catalogue(FakeMetadataProvider):
    """Answers searches like a public catalogue: by the prefix of any name, ignoring punctuation."""

    def search(self, type: str, text: str, *, year: int | None = None, **_options: Any) -> list[Candidate]:
        self._ask(f"search {type} {text}")
        found = [
            known
            for known in self.known
            if known.type == type
            and any(_is_in(text, title) for title in (known.title, *(other.title for other in known.titles)))
            and (year is None or known.year == year)
        ]
        # TMDB's search results have no alternative titles; only details have.
        return [replace(as_candidate(one), other_titles=()) for one in found]


def _is_in(text: str, title: str) -> bool:
    words = set(normalise_title(text).split())
    return _letters(text) in _letters(title) or words <= set(normalise_title(title).split())


def _letters(text: str) -> str:
    words = normalise_title(text.replace("+", " and ")).split()
    return "".join({"vol": "volume"}.get(word, word) for word in words)


def scanned(database: Database, config: Config, path: LibraryPath, cases: list[dict[str, Any]]) -> dict[str, Answer]:
    for case in cases:
        builders.on_disk(path.path, case["path"])
    for nfo, label in NFO_FILES.items():
        if (Path(path.path) / nfo).parent.is_dir():
            title, _, year = label.removesuffix(")").rpartition(" (")
            text = f"<movie><title>{title}</title><year>{year}</year><uniqueid type='tmdb'>{NUMBERS[label].tmdb_id}</uniqueid></movie>"
            (Path(path.path) / nfo).write_text(text)
    outside = fake_outside(
        metadata=Catalogue(catalogue(path.type)), probe=FakeProbe(default=media_facts(duration_s=6000.0))
    )
    library.scanning.run_scan(database, outside, clock.now, path.id)
    library.match_new_files(database, outside, clock.now, path.id)
    with database.reads() as session:
        return {case["path"]: answer_of(session, case["path"]) for case in cases}


def answer_of(session: Any, path: str) -> Answer:
    row = session.scalars(select(MediaFile).where(MediaFile.relative_path == path)).first()
    if row is None:
        return Answer("none")
    if row.kind != "video":
        return Answer(row.kind)
    if row.match_state != "matched":
        entry = session.get(InboxEntry, row.inbox_id) if row.inbox_id else None
        best = entry.candidates[0] if entry is not None and entry.candidates else None
        return Answer(
            row.match_state,
            reason=None if entry is None else entry.reason,
            likely=None if best is None else f"{best['title']} ({best['year']})",
        )
    item = session.get(media.MediaItem, row.media_item_id)
    codes = session.execute(
        select(media.Episode.season_number, media.Episode.episode_number)
        .join(FileEpisode, FileEpisode.episode_id == media.Episode.id)
        .where(FileEpisode.file_id == row.id)
        .order_by(media.Episode.season_number, media.Episode.episode_number)
    )
    return Answer("matched", f"{item.title} ({item.year})", tuple(f"S{s:02}E{e:02}" for s, e in codes))


def verdict(case: dict[str, Any], answer: Answer) -> str:
    """Return `right`, `asks` (review although the answer could be known) or `wrong`."""
    if case.get("is_disc"):
        return "right"  # covered by the tests of discs
    if answer.state == "matched":
        full = answer.title + (f" {','.join(answer.codes)}" if answer.codes else "")
        return "right" if full in case["matched"] else "wrong"
    if answer.state in ("extra", "sample"):
        return "right" if case.get("left_out") else "wrong"
    if answer.state == "waiting" and answer.reason:
        return "right" if case["review_is_fine"] or case.get("left_out") else "asks"
    return "wrong"


@pytest.fixture(params=["movies", "series"])
def path(request: pytest.FixtureRequest, films: LibraryPath, series: LibraryPath) -> LibraryPath:
    """The folder for each library type."""
    return films if request.param == "movies" else series


def test_no_report_gets_a_wrong_file_and_nearly_all_are_right(
    database: Database, config: Config, path: LibraryPath
) -> None:
    cases = [case for case in CASES if case["library"] == path.type]
    answers = scanned(database, config, path, cases)
    verdicts = {
        case["path"]: (verdict(case, answers[case["path"]]), case["matched"], answers[case["path"]]) for case in cases
    }
    wrong = {name: rest for name, rest in verdicts.items() if rest[0] == "wrong"}
    asks = {name: rest for name, rest in verdicts.items() if rest[0] == "asks"}
    told = "\n".join(f"{v[0]} {name}: {v[1]} {v[2]}" for name, v in (wrong | asks).items())
    assert not wrong, told
    assert len(asks) <= 0.03 * len(cases), told
