"""Is it the work that was searched for, and the right part of it?"""

from __future__ import annotations

from mydia.contexts.downloads.decisions.candidate import PACK_SHARE, Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.events import Reason, reason
from mydia.parsing import ParsedRelease, normalise_title, similarity
from mydia.vocabulary import MediaType

# An id from an indexer counts only if the name is at least this similar: many indexers echo the id of the query.
_ID_NEEDS = 0.6


def unparsable(candidate: Candidate, facts: Facts) -> Reason | None:
    """A name that can't be read can't be judged."""
    parsed = candidate.parsed
    if parsed is None:
        return reason("unparsable")
    if facts.type == MediaType.TV_SHOW and parsed.type == "movie" and not candidate.episodes:
        return reason("unparsable.no-episode")
    return None


def wrong_title(candidate: Candidate, facts: Facts) -> Reason | None:
    """The name must be one of the work's titles, or an id must match."""
    parsed, release = candidate.parsed, candidate.release
    if parsed is None:
        return None
    if facts.type == MediaType.MOVIE and parsed.type == "episode":
        return reason("wrong-title.episode", title=parsed.title, expected=facts.label)
    ids = ((release.tmdb_id, facts.tmdb_id, "TMDB"), (release.imdb_id, facts.imdb_id, "IMDb"))
    for theirs, ours, catalogue in ids:
        if theirs and ours and theirs != ours and facts.type == MediaType.MOVIE:
            return reason("wrong-title.other-film", catalogue=catalogue, found=theirs, expected=ours)
    if release.tvdb_id and facts.tvdb_id and release.tvdb_id != facts.tvdb_id and facts.type == MediaType.TV_SHOW:
        return reason("wrong-title.other-series", catalogue="TVDB", found=release.tvdb_id, expected=facts.tvdb_id)
    if matched_by(candidate, facts) is None:
        return reason("wrong-title", title=parsed.title, expected=facts.label)
    return None


def matched_by(candidate: Candidate, facts: Facts) -> str | None:
    """Return how a release was recognised: `title`, `id`, or None."""
    parsed, release = candidate.parsed, candidate.release
    if parsed is None:
        return None
    names = [parsed.title, *parsed.alternative_titles]
    # A year that is part of the title: "2001", "Blade Runner 2049", "Doctor Who 2005".
    names += [f"{parsed.title} {parsed.year}"] if parsed.year else []
    if any(normalise_title(name) in facts.titles for name in names if name):
        return "title"
    if (parsed.imdb_id and parsed.imdb_id == facts.imdb_id) or (parsed.tmdb_id and parsed.tmdb_id == facts.tmdb_id):
        return "id"
    ids = (
        (release.tmdb_id, facts.tmdb_id),
        (release.imdb_id, facts.imdb_id),
        (release.tvdb_id, facts.tvdb_id),
    )
    same_id = any(theirs and theirs == ours for theirs, ours in ids)
    alike = max((similarity(parsed.title, name) for name in (facts.title, *facts.titles)), default=0.0)
    return "id" if same_id and alike >= _ID_NEEDS else None


def wrong_year(candidate: Candidate, facts: Facts) -> Reason | None:
    """A film of the same name from another year is another film."""
    parsed = candidate.parsed
    if parsed is None or facts.year is None:
        return None
    if normalise_title(f"{parsed.title} {parsed.year}") in facts.titles:
        return None
    if parsed.year is None:
        if facts.type == MediaType.MOVIE and facts.namesakes:
            return reason("wrong-year.missing", namesake=facts.namesakes[0])
        return None
    if abs(parsed.year - facts.year) <= 1:
        return None
    if any(episode.air_on and episode.air_on.year == parsed.year for episode in candidate.episodes):
        return None
    return reason("wrong-year", year=parsed.year, title=facts.title, expected=facts.year)


def wrong_episode(candidate: Candidate, facts: Facts) -> Reason | None:
    """It must contain episodes that exist, and at least one that was searched for."""
    parsed = candidate.parsed
    if parsed is None or facts.type != MediaType.TV_SHOW or (parsed.type == "movie" and not candidate.episodes):
        return None
    if not candidate.episodes:
        return _unknown_episode(parsed, facts.title)
    if parsed.is_split_episode:
        return reason("wrong-episode.part", episode=candidate.episodes[0].code)
    if facts.episode_ids and not facts.episode_ids & candidate.episode_ids and _season_fits(candidate, facts):
        return reason("wrong-episode.other", episodes=_brought(candidate))
    if len(facts.episode_ids) == 1 and candidate.is_pack and len(candidate.episodes) > 1:
        return reason("wrong-episode.pack", count=len(candidate.episodes))
    return None


def wrong_season(candidate: Candidate, facts: Facts) -> Reason | None:
    """A search for a season only accepts that season."""
    if facts.season_number is None or not candidate.episodes or _season_fits(candidate, facts):
        return None
    seasons = sorted({episode.season_number for episode in candidate.episodes})
    return reason("wrong-season", seasons=seasons, expected=facts.season_number)


def multi_season(candidate: Candidate, facts: Facts) -> Reason | None:
    """A pack of several seasons must be worth it: most of its episodes must be wanted. Each file is judged again on import."""
    parsed = candidate.parsed
    if facts.type != MediaType.TV_SHOW or parsed is None or not (parsed.is_multi_season or len(parsed.seasons) > 1):
        return None
    count = len({episode.season_number for episode in candidate.episodes})
    if count < 2:
        return reason("multi-season.uncounted")
    if not facts.multi_season_packs:
        return reason("multi-season", count=count)
    total = len(candidate.episodes)
    if candidate.wanted >= PACK_SHARE * total:
        return None
    return reason("multi-season.few", count=count, useful=candidate.wanted, episodes=total)


def not_a_season_pack(candidate: Candidate, facts: Facts) -> Reason | None:
    """Some indexers are only used for whole seasons once a season is over."""
    indexer = facts.indexers.get(candidate.indexer_id)
    days = indexer.season_pack_after_days if indexer is not None else 0
    if (
        not days
        or indexer is None
        or candidate.is_pack
        or len(facts.episode_ids) < 2
        or facts.series_type != "standard"
    ):
        return None
    seasons = {episode.season_number for episode in candidate.episodes}
    aired = [e.air_on for e in facts.episodes if e.season_number in seasons and e.air_on is not None]
    if not aired or (facts.now.date() - max(aired)).days <= days:
        return None
    return reason("not-a-season-pack", indexer=indexer.name, days=days)


def extras_only(candidate: Candidate, facts: Facts) -> Reason | None:
    """Bonus material is not the season."""
    parsed = candidate.parsed
    return reason("extras-only") if parsed is not None and parsed.is_season_extra else None


def not_monitored(candidate: Candidate, facts: Facts) -> Reason | None:
    """Automatic searches skip what is not monitored."""
    if facts.interactive:
        return None
    if not facts.monitored:
        return reason("not-monitored", title=facts.title)
    if candidate.episodes and not any(episode.monitored for episode in candidate.episodes):
        return reason("not-monitored.episodes", episodes=_brought(candidate))
    return None


def _season_fits(candidate: Candidate, facts: Facts) -> bool:
    return facts.season_number is None or any(e.season_number == facts.season_number for e in candidate.episodes)


def _brought(candidate: Candidate) -> str:
    codes = [episode.code for episode in candidate.episodes]
    return codes[0] if len(codes) == 1 else f"{codes[0]} to {codes[-1]}"


def _unknown_episode(parsed: ParsedRelease, title: str) -> Reason:
    if parsed.air_on is not None:
        return reason("wrong-episode.unknown-day", title=title, day=parsed.air_on.isoformat())
    if parsed.season is not None and parsed.episodes:
        return reason("wrong-episode.unknown", title=title, episode=f"S{parsed.season:02}E{parsed.episodes[0]:02}")
    if parsed.absolute_episodes:
        return reason("wrong-episode.unknown", title=title, episode=parsed.absolute_episodes[0])
    if parsed.season is not None:
        return reason("wrong-episode.unknown-season", title=title, season=parsed.season)
    return reason("wrong-episode.unnamed", title=title)


SPECS = (
    Spec("unparsable", "another title", Stage.IDENTITY, True, unparsable, "UnableToParse"),
    Spec("wrong-title", "another title", Stage.IDENTITY, True, wrong_title, "WrongMovie"),
    Spec("wrong-year", "another year", Stage.IDENTITY, True, wrong_year, "WrongMovie"),
    Spec("wrong-season", "other episodes", Stage.IDENTITY, True, wrong_season, "WrongSeason"),
    Spec("wrong-episode", "other episodes", Stage.IDENTITY, True, wrong_episode, "WrongEpisode"),
    Spec("multi-season", "other episodes", Stage.RULES, True, multi_season, "MultiSeason"),
    Spec("extras-only", "other episodes", Stage.RULES, True, extras_only, "WrongEpisode"),
    Spec("not-a-season-pack", "not a season pack", Stage.RULES, True, not_a_season_pack, "NotSeasonPack"),
    Spec("not-monitored", "not monitored", Stage.RULES, True, not_monitored, "MovieNotMonitored"),
)
