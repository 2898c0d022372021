"""Names from public bug reports: every file gets the right title and episodes, or waits for review with a reason.

`reports.jsonl` holds one case a line: the path of a file, the right answers, and whether leaving it to a person is right
as well. `variants.jsonl` has more names of the same kinds, written from how people name files. `unlisted.jsonl` was written
later, without running the product, to find wrong matches of kinds that nobody had listed. The catalogue contains the right
answers and titles with similar names.
"""

from __future__ import annotations

import json
import re
from copy import replace
from dataclasses import dataclass
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

CASES: dict[str, list[dict[str, Any]]] = {
    name: [json.loads(line) for line in (Path(__file__).parent / f"{name}.jsonl").read_text().splitlines()]
    for name in ("reports", "variants", "unlisted")
}
UNLISTED: dict[str, Any] = json.loads((Path(__file__).parent / "unlisted_catalogue.json").read_text())
"""More titles for `unlisted.jsonl`, with other titles, lengths of seasons, and countries."""
_ANSWER = re.compile(r"(?P<title>.+) \((?P<year>\d{4})\)(?: (?P<codes>S\d+E\d+.*))?\Z")

NAMESAKES = {
    "movies": (
        "X (2022)", "Men (2022)", "Catch (2010)", "Bio (2015)", "Stand (2014)", "Half (2015)", "T (2001)", "Blade Runner (1982)",
        "Fantasia (1940)", "Airport (1970)", "Godzilla (1998)", "Godzilla (2014)", "Death Race (2008)", "Halloween (2018)",
        "Ghostbusters (2016)", "The Mummy (1999)", "Total Recall (2012)", "Frozen (2010)", "Frozen (2013)", "Dune (1984)",
        "Dune (2021)", "The Lion King (1994)", "The Lion King (2019)", "Carrie (1976)", "Carrie (2013)", "It (1990)",
        "American Pie (1999)", "Rocky (1976)", "Star Trek (2009)", "The Avengers (1998)", "The Godfather (1972)",
        "2012 (2001)", "Detour (1945)", "Heat (1986)", "Nixon (2000)", "Gladiator (1992)", "The Short (2016)",
        "Spider (2002)", "Man (2011)", "Homecoming (2009)", "Ant (2011)", "Kick-Ass (2010)", "Force (2014)", "Pray (2007)",
        "The Thing (1982)", "The Thing (2011)", "Vertigo (2010)", "Interview (1979)", "The Other (1972)", "Scene (2010)",
        "The Trailer (2011)", "1984 (1956)", "Room (2015)", "Wonder Woman (2017)", "Rocky III (1982)", "Alien (1979)",
        "Alien: Romulus (2024)", "Thor (2011)", "Avatar (2009)", "Blade (1998)", "Up in the Air (2009)", "Nine (2009)", "X-Men (2000)",
        "The Terminator (1984)", "John Wick (2014)", "John Wick: Chapter 2 (2017)", "Star Trek II: The Wrath of Khan (1982)", "Jaws (1975)",
        "The Ring (2002)", "The Birds (2011)", "Zoolander (2001)", "Psycho (1998)", "Apollo (2013)", "Super (2010)", "The Fast and the Furious (2001)",
        "The Girl with the Dragon Tattoo (2009)", "Three Colors: White (1994)", "Three Colors: Red (1994)", "The Matrix Reloaded (2003)",
        "Toy Story 4 (2019)", "Die Hard 4.0 (2007)", "Lethal Weapon (1987)", "Total Recall (1990)", "RoboCop 2 (1990)", "Clerks III (2022)",
        "Crank (2006)", "Nosferatu (1922)", "Nosferatu (2024)", "West Side Story (1961)", "West Side Story (2021)", "Drive (1997)", "Drive (2011)",
        "Solaris (1972)", "Solaris (2002)", "[REC] (2007)", "Taken (2008)", "Taken 2 (2012)", "King Kong (1976)", "King Kong (2005)",
        "Spartacus (2004)", "Life (1999)", "Gone (2012)", "Video (2003)", "Christmas (2019)", "The Grand Budapest Hotel (2014)",
        "The Insider (1999)", "300 (2001)", "Kill Bill: Vol. 1 (2003)", "Over (2012)", "Off (2011)", "Tick (1970)", "Leon (2010)",
    ),
    "series": (
        "DuckTales (1987)", "DuckTales (2017)", "MacGyver (1985)", "MacGyver (2016)", "Charmed (1998)", "Charmed (2018)",
        "The Office (2005)", "The Office (2001)", "Cosmos (1980)", "Doctor Who (1963)", "Forbrydelsen (2007)",
        "Agents (2015)", "Power (2014)", "Law & Order (1990)", "The Bridge (2013)", "Extras (2005)", "Comedy (2012)",
        "Hawaii Five-O (1968)", "House of Cards (2013)", "CSI: Miami (2002)", "S.W.A.T. (1975)", "Robot (2012)", "The Interview (2014)",
        "QI (2003)", "Top Gear (1978)", "Breaking (2010)", "Tatort (2010)", "MASH Units (2011)", "Planet Earth (2006)", "Planet Earth II (2016)",
        "Cosmos (1980)", "Two and a Half (2010)", "Rock (2006)", "Station (2018)", "Babylon (2014)", "Stargate Universe (2009)",
        "Avatar: The Last Airbender (2024)", "Vinland (2018)", "Noragami (2014)",
        "Twin Town (1990)", "Twin Town (2015)", "Mob Psycho (2010)", "Overlord (2001)", "Star Trek (1966)", "Star Trek: Voyager (1995)",
        "Dragon Ball GT (1996)", "Steins (2001)", "Zom (2000)", "Conan the Adventurer (1992)", "Friends from College (2017)",
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
    "Spirited Away": ("Sen to Chihiro no Kamikakushi", "千と千尋の神隠し"),
    "Amélie": ("Le fabuleux destin d'Amélie Poulain",),
    "Downfall": ("Der Untergang",),
    "City of God": ("Cidade de Deus",),
    "Pan's Labyrinth": ("El laberinto del fauno",),
    "The Lives of Others": ("Das Leben der Anderen",),
    "Harry Potter and the Philosopher's Stone": ("Harry Potter and the Sorcerer's Stone",),
    "The Irony of Fate": ("Ирония судьбы, или С лёгким паром!", "Ирония судьбы"),
    "Howl's Moving Castle": ("Hauru no Ugoku Shiro",),
    "The Bridge": ("Broen", "Bron"),
    "Deadwind": ("Karppi",),
    "Haikyu!!": ("Haikyuu!!",),
    "Schindler's List": ("Schindlers Liste",),
    "Life Is Beautiful": ("La vita è bella",),
    "The Big Blue": ("Le Grand Bleu",),
    "Gone with the Wind": ("Vom Winde verweht",),
    "[REC]²": ("REC 2",),
    "Kaguya-sama: Love Is War": (
        "Kaguya-sama wa Kokurasetai: Tensai-tachi no Renai Zunousen",
        "Kaguya-sama wa Kokurasetai",
    ),
    "Re:ZERO -Starting Life in Another World-": ("Re:Zero kara Hajimeru Isekai Seikatsu", "Re:Zero"),
    "Detective Conan": ("Case Closed", "Meitantei Conan"),
    "Noragami": ("Noragami Aragoto",),
    "Crank: High Voltage": ("Crank 2: High Voltage",),
    "Money Heist": ("La Casa de Papel",),
    "Signal": ("시그널",),
    "Ocean's Eleven": ("Ocean's 11",),
    "Ocean's 11": ("Ocean's Eleven",),
    "Se7en": ("Seven",),
    "Twelve Monkeys": ("12 Monkeys",),
    "Léon: The Professional": ("Leon", "Léon", "Léon – Der Profi"),
    "Three Colors: Blue": ("Trois couleurs : Bleu",),
    "Thor: The Dark World": ("Thor 2",),
    "Avatar: The Way of Water": ("Avatar 2",),
    "My Hero Academia": ("Boku no Hero Academia",),
    "Naruto Shippuden": ("Naruto: Shippuuden", "Naruto Shippūden"),
    "X2": ("X-Men 2",),
    "The Ring Two": ("The Ring 2",),
    "The Empire Strikes Back": ("Star Wars: Episode V - The Empire Strikes Back",),
    "E.T. the Extra-Terrestrial": ("E.T.",),
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
    "Dark": {1: 10, 2: 8, 3: 8},
    "Fargo": {1: 10, 2: 10, 3: 10, 4: 11},
    "Mr. Robot": {1: 10, 2: 12},
    "Luther": {1: 6, 2: 4, 3: 4, 4: 2},
    "Area 88": {1: 12},
    "Vinland Saga": {1: 24, 2: 24},
    "Gintama": {1: 100, 2: 100},
    "Detective Conan": {1: 28, 2: 26},
    "Pokémon": {1: 82, 2: 36},
    "Dr. Stone": {1: 24, 2: 11, 3: 22},
    "Babylon 5": dict.fromkeys(range(1, 6), 22),
    "Friends": dict.fromkeys(range(1, 11), 24),
    "One Piece": {1: 61, 2: 16, 3: 14},
    "Conan": {1: 30},
    "Band of Brothers": {1: 10},
    "Chernobyl": {1: 5},
    "Sherlock": {0: 3, 1: 3, 2: 3},
    "Mob Psycho 100": {1: 12, 2: 13, 3: 12},
    "Overlord (2001)": {1: 3},
    "Overlord": dict.fromkeys(range(1, 5), 13),
    "My Hero Academia": {1: 13, 2: 25, 3: 25, 4: 25, 5: 25},
    "Naruto Shippuden": {1: 32, 2: 21},
    "Naruto": {1: 35, 2: 48},
    "Dragon Ball Z": {1: 291},
    "Dragon Ball": {1: 153},
    "Dragon Ball Super": {1: 131},
    "Hunter x Hunter": {1: 58, 2: 78},
    "24": {1: 24, 2: 24, 3: 24, 4: 24, 5: 24},
    "The Daily Show": dict.fromkeys(range(1, 26), 20),
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
    "The Insider (1999)": Ids(9008),
    "Dune (1984)": Ids(841),
    "Andor (2022)": Ids(83867),
    "Black Mirror (2011)": Ids(42009, 1042009),
}
NFO_FILES = {
    "Shelf A/movie.nfo": "It (2017)",
    "Shelf B/movie.nfo": "Her (2013)",
    "Rename Mix/movie.nfo": "Inception (2010)",
    "Shelf C/movie.nfo": "Jaws (1975)",
    "Jaws (1975)/movie.nfo": "The Insider (1999)",
    "Dune/movie.nfo": "Dune (1984)",
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


def catalogue(kind: str, cases: list[dict[str, Any]], more: dict[str, Any]) -> list[Details]:
    """Return all right answers and similar titles, with seasons long enough for all cases.

    Args:
        more: Further titles in the shape of `UNLISTED`.
    """
    lengths_of = SEASONS | {
        label: {int(season): count for season, count in seasons.items()}
        for label, seasons in more.get("seasons", {}).items()
    }
    labels: dict[str, dict[int, int]] = {}
    for label in (
        *(answer for case in cases for answer in case["matched"]),
        *NAMESAKES[kind],
        *more.get(kind, ()),
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
        others = tuple(
            OtherTitle(other, "alternative")
            for other in (*OTHER_TITLES.get(title, ()), *more.get("titles", {}).get(title, ()))
        )
        if kind == "movies":
            made.append(
                builders.film_details(title, int(year), ids=ids, runtime_min=100, titles=tuple(o.title for o in others))
            )
        else:
            lengths = (
                lengths_of.get(label)
                or lengths_of.get(title)
                or {n: seasons.get(n, 24) for n in range(max(seasons, default=1) + 1) if n or 0 in seasons}
            )
            made.append(
                builders.show_details(
                    title,
                    int(year),
                    tmdb_id=ids.tmdb_id,
                    tvdb_id=ids.tvdb_id,
                    seasons=lengths,
                    titles=others,
                    countries=tuple(more.get("countries", {}).get(label, ())),
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


def scanned(
    database: Database, config: Config, path: LibraryPath, cases: list[dict[str, Any]], more: dict[str, Any]
) -> dict[str, Answer]:
    for case in cases:
        builders.on_disk(path.path, case["path"])
    for nfo, label in NFO_FILES.items():
        if (Path(path.path) / nfo).parent.is_dir():
            title, _, year = label.removesuffix(")").rpartition(" (")
            text = f"<movie><title>{title}</title><year>{year}</year><uniqueid type='tmdb'>{NUMBERS[label].tmdb_id}</uniqueid></movie>"
            (Path(path.path) / nfo).write_text(text)
    outside = fake_outside(
        metadata=Catalogue(catalogue(path.type, cases, more)), probe=FakeProbe(default=media_facts(duration_s=6000.0))
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


@pytest.mark.parametrize("names", CASES)
def test_no_report_gets_a_wrong_file_and_nearly_all_are_right(
    database: Database, config: Config, path: LibraryPath, names: str
) -> None:
    cases = [case for case in CASES[names] if case["library"] == path.type]
    answers = scanned(database, config, path, cases, UNLISTED if names == "unlisted" else {})
    verdicts = {
        case["path"]: (verdict(case, answers[case["path"]]), case["matched"], answers[case["path"]]) for case in cases
    }
    wrong = {name: rest for name, rest in verdicts.items() if rest[0] == "wrong"}
    asks = {name: rest for name, rest in verdicts.items() if rest[0] == "asks"}
    told = "\n".join(f"{v[0]} {name}: {v[1]} {v[2]}" for name, v in (wrong | asks).items())
    assert not wrong, told
    assert len(asks) <= 0.03 * len(cases), told
