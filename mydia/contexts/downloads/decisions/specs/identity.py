"""Is it the work that was searched for, and the right part of it?"""

from __future__ import annotations

from mydia.contexts.downloads.decisions.candidate import Candidate
from mydia.contexts.downloads.decisions.facts import Facts
from mydia.contexts.downloads.decisions.spec import Spec, Stage
from mydia.parsing import normalise_title, similarity
from mydia.vocabulary import MediaType

# An id told by an indexer counts only with a name that is at least so alike: many echo the id they were asked for.
_ID_NEEDS = 0.6


def unparsable(candidate: Candidate, facts: Facts) -> str | None:
    """A name that says nothing cannot be judged."""
    parsed = candidate.parsed
    if parsed is None:
        return "The name says nothing that Mydia understands."
    if facts.type == MediaType.TV_SHOW and parsed.type == "movie" and not candidate.episodes:
        return "The name tells no season or episode."
    return None


def wrong_title(candidate: Candidate, facts: Facts) -> str | None:
    """The name must be one of the work's, or an id must agree."""
    parsed, release = candidate.parsed, candidate.release
    if parsed is None:
        return None
    if facts.type == MediaType.MOVIE and parsed.type == "episode":
        return f"It is an episode of “{parsed.title}”, not the film {facts.label}."
    told = ((release.tmdb_id, facts.tmdb_id, "TMDB"), (release.imdb_id, facts.imdb_id, "IMDb"))
    for theirs, ours, catalogue in told:
        if theirs and ours and theirs != ours and facts.type == MediaType.MOVIE:
            return f"The indexer says it is another film ({catalogue} {theirs} instead of {ours})."
    if release.tvdb_id and facts.tvdb_id and release.tvdb_id != facts.tvdb_id and facts.type == MediaType.TV_SHOW:
        return f"The indexer says it is another series (TVDB {release.tvdb_id} instead of {facts.tvdb_id})."
    if matched_by(candidate, facts) is None:
        return f"It is called “{parsed.title}”, which is no name of {facts.label}."
    return None


def matched_by(candidate: Candidate, facts: Facts) -> str | None:
    """Say by what a release was recognised: `title`, `id`, or None when it was not."""
    parsed, release = candidate.parsed, candidate.release
    if parsed is None:
        return None
    names = [parsed.title, *parsed.alternative_titles]
    # A year that belongs to the name: "2001", "Blade Runner 2049", "Doctor Who 2005".
    names += [f"{parsed.title} {parsed.year}"] if parsed.year else []
    if any(normalise_title(name) in facts.titles for name in names if name):
        return "title"
    if (parsed.imdb_id and parsed.imdb_id == facts.imdb_id) or (parsed.tmdb_id and parsed.tmdb_id == facts.tmdb_id):
        return "id"
    told = (
        (release.tmdb_id, facts.tmdb_id),
        (release.imdb_id, facts.imdb_id),
        (release.tvdb_id, facts.tvdb_id),
    )
    same_id = any(theirs and theirs == ours for theirs, ours in told)
    alike = max((similarity(parsed.title, name) for name in (facts.title, *facts.titles)), default=0.0)
    return "id" if same_id and alike >= _ID_NEEDS else None


def wrong_year(candidate: Candidate, facts: Facts) -> str | None:
    """A film of the same name from another year is another film."""
    parsed = candidate.parsed
    if parsed is None or facts.year is None:
        return None
    if normalise_title(f"{parsed.title} {parsed.year}") in facts.titles:
        return None
    if parsed.year is None:
        if facts.type == MediaType.MOVIE and facts.namesakes:
            return f"It tells no year, and there is also {facts.namesakes[0]}."
        return None
    if abs(parsed.year - facts.year) <= 1:
        return None
    if any(episode.air_on and episode.air_on.year == parsed.year for episode in candidate.episodes):
        return None
    return f"It is of {parsed.year}; {facts.title} is of {facts.year}."


def wrong_episode(candidate: Candidate, facts: Facts) -> str | None:
    """It must bring episodes that exist, and at least one that was searched for."""
    parsed = candidate.parsed
    if parsed is None or facts.type != MediaType.TV_SHOW or (parsed.type == "movie" and not candidate.episodes):
        return None
    if not candidate.episodes:
        return f"{facts.title} has no episode {_place(candidate)}."
    if parsed.is_split_episode:
        return f"It is only a part of {candidate.episodes[0].code}."
    if facts.episode_ids and not facts.episode_ids & candidate.episode_ids and _season_fits(candidate, facts):
        return f"It holds {_brought(candidate)}, which was not searched for."
    if len(facts.episode_ids) == 1 and candidate.is_pack and len(candidate.episodes) > 1:
        return f"It is a whole season of {len(candidate.episodes)} episodes; one episode was searched for."
    return None


def wrong_season(candidate: Candidate, facts: Facts) -> str | None:
    """Of a season search only that season counts."""
    if facts.season_number is None or not candidate.episodes or _season_fits(candidate, facts):
        return None
    seasons = sorted({episode.season_number for episode in candidate.episodes})
    return f"It is season {', '.join(map(str, seasons))}; season {facts.season_number} was searched for."


def multi_season(candidate: Candidate, facts: Facts) -> str | None:
    """Packs of several seasons cannot be told apart safely at import."""
    parsed = candidate.parsed
    if facts.type == MediaType.TV_SHOW and parsed is not None and (parsed.is_multi_season or len(parsed.seasons) > 1):
        return f"It is a pack of {len(parsed.seasons) or 'several'} seasons; Mydia takes them one at a time."
    return None


def extras_only(candidate: Candidate, facts: Facts) -> str | None:
    """Bonus material is not the season."""
    parsed = candidate.parsed
    return "It holds extras of a season, not its episodes." if parsed is not None and parsed.is_season_extra else None


def not_monitored(candidate: Candidate, facts: Facts) -> str | None:
    """Nothing is fetched automatically that nobody wants."""
    if facts.interactive:
        return None
    if not facts.monitored:
        return f"{facts.title} is not monitored."
    if candidate.episodes and not any(episode.monitored for episode in candidate.episodes):
        return f"{_brought(candidate)} is not monitored."
    return None


def _season_fits(candidate: Candidate, facts: Facts) -> bool:
    return facts.season_number is None or any(e.season_number == facts.season_number for e in candidate.episodes)


def _brought(candidate: Candidate) -> str:
    codes = [episode.code for episode in candidate.episodes]
    return codes[0] if len(codes) == 1 else f"{codes[0]} to {codes[-1]}"


def _place(candidate: Candidate) -> str:
    parsed = candidate.parsed
    if parsed is None:
        return ""
    if parsed.air_on is not None:
        return f"of {parsed.air_on:%-d %B %Y}"
    if parsed.season is not None and parsed.episodes:
        return f"S{parsed.season:02}E{parsed.episodes[0]:02}"
    if parsed.absolute_episodes:
        return f"number {parsed.absolute_episodes[0]}"
    return f"in season {parsed.season}" if parsed.season is not None else "that this name speaks of"


SPECS = (
    Spec("unparsable", Stage.IDENTITY, True, unparsable),
    Spec("wrong-title", Stage.IDENTITY, True, wrong_title),
    Spec("wrong-year", Stage.IDENTITY, True, wrong_year),
    Spec("wrong-season", Stage.IDENTITY, True, wrong_season),
    Spec("wrong-episode", Stage.IDENTITY, True, wrong_episode),
    Spec("multi-season", Stage.RULES, True, multi_season),
    Spec("extras-only", Stage.RULES, True, extras_only),
    Spec("not-monitored", Stage.RULES, True, not_monitored),
)
