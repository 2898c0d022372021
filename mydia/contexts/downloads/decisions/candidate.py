"""A release with its parsed name and the episodes it contains."""

from __future__ import annotations

from copy import replace

import msgspec

from mydia.adapters.indexers import IndexerRelease
from mydia.contexts import settings
from mydia.contexts.downloads.decisions.facts import Facts, Queued
from mydia.contexts.media import EpisodeRef, numbering
from mydia.contexts.settings import upgrades
from mydia.parsing import ParsedRelease, Quality, normalise_title, parse_release
from mydia.vocabulary import MediaType

# Runtime of an episode if neither it nor its series has one. Source: arr-stack §1.2, row 1.
ASSUMED_EPISODE_MIN = 45
ASSUMED_FILM_MIN = 110
# A pack is worth grabbing if this share of its episodes is useful. Source: mydia-original §4.5, the 70 % rule.
PACK_SHARE = 0.7


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One release to be judged."""

    release: IndexerRelease
    indexer_id: str
    """Empty if another program announced it without a configured indexer."""
    indexer_name: str
    indexer_priority: int
    parsed: ParsedRelease | None
    episodes: tuple[EpisodeRef, ...] = ()
    """The known episodes it contains."""
    runtime_min: int = 0
    """Running time of all its episodes or the film; assumed if unknown."""
    formats: tuple[settings.formats.Format, ...] = ()
    """The custom formats that match."""
    format_score: int = 0
    languages: frozenset[str] = frozenset()
    """Languages by name, indexer or original language; `unknown` if nothing states one."""
    held_verdict: upgrades.UpgradeVerdict | None = None
    """The least favourable comparison with an existing file; None if it replaces nothing."""
    queue_verdict: tuple[Queued, upgrades.UpgradeVerdict] | None = None
    useful: int = 0
    """Number of its episodes that are missing or would be upgraded."""
    wanted: int = 0
    """Those of them that are monitored, or all in an interactive search."""
    terms: frozenset[str] = frozenset()
    """Terms of release profiles that its name contains."""
    loses: tuple[str, ...] = msgspec.field(default=())
    """Episodes that would be lost with the file it replaces."""

    @property
    def quality(self) -> Quality:
        """Quality according to the name."""
        return self.parsed.quality if self.parsed else Quality()

    @property
    def episode_ids(self) -> frozenset[str]:
        """Ids of the episodes it contains."""
        return frozenset(episode.id for episode in self.episodes)

    @property
    def is_pack(self) -> bool:
        """Whether it is a whole season or more."""
        return self.parsed is not None and self.parsed.is_season_pack

    @property
    def identity(self) -> str:
        """Identifies a release, also across indexers."""
        return self.release.info_hash or f"{self.indexer_id}:{self.release.guid}"


def make_candidate(
    release: IndexerRelease, facts: Facts, *, indexer_id: str, indexer_name: str, indexer_priority: int = 25
) -> Candidate:
    """Parse a release's name and compare it with existing files and the queue."""
    parsed = parse_release(release.title, "movie" if facts.type == MediaType.MOVIE else "tv")
    episodes = map_episodes(parsed, facts) if parsed and facts.type == MediaType.TV_SHOW else ()
    subject = settings.formats.subjects.of_release(
        release.title,
        parsed,
        facts.type,
        original_language=facts.original_language,
        year=facts.year,
        size_bytes=release.size_bytes,
        flags=release.flags,
        languages=settings.formats.subjects.codes_of(release.languages),
    )
    matched = facts.formats.matching(subject) if facts.formats is not None else ()
    return _against_present(
        Candidate(
            release=release,
            indexer_id=indexer_id,
            indexer_name=indexer_name,
            indexer_priority=indexer_priority,
            parsed=parsed,
            episodes=episodes,
            runtime_min=_runtime(episodes, facts),
            formats=matched,
            format_score=settings.formats.score_of(matched, facts.profile.scores),
            languages=subject.languages or frozenset(),
            terms=facts.words.found(release.title) if facts.words else frozenset(),
        ),
        facts,
    )


def map_episodes(parsed: ParsedRelease, facts: Facts) -> tuple[EpisodeRef, ...]:
    """Return the known episodes that a name refers to, in order; empty if that is in doubt."""
    series = numbering.SeriesNumbers(
        episodes=facts.episodes,
        is_anime=facts.series_type == "anime",
        titles=facts.titles,
        main_title=normalise_title(facts.title),
        season_titles=facts.season_titles,
    )
    return numbering.meant_episodes(parsed, series).episodes


def _runtime(episodes: tuple[EpisodeRef, ...], facts: Facts) -> int:
    if facts.type == MediaType.MOVIE:
        return facts.runtime_min or ASSUMED_FILM_MIN
    each = facts.runtime_min or ASSUMED_EPISODE_MIN
    return sum(episode.runtime_min or each for episode in episodes) or each


def _against_present(candidate: Candidate, facts: Facts) -> Candidate:
    """Compare with existing files and the queue, once for all specs."""
    if candidate.parsed is None or (facts.type == MediaType.TV_SHOW and not candidate.episodes):
        return candidate
    brought = candidate.episode_ids
    quality, score = candidate.quality, candidate.format_score
    overlapping = [held for held in facts.held if facts.type == MediaType.MOVIE or held.episode_ids & brought]
    verdicts = [
        (
            held,
            settings.upgrades.compare(
                facts.profile,
                held.quality,
                quality,
                current_score=held.format_score,
                new_score=score,
                propers=facts.propers,
            ),
        )
        for held in overlapping
    ]
    refusing = [verdict for _, verdict in verdicts if not verdict.upgrade]
    kept = frozenset[str]().union(*(held.episode_ids for held, verdict in verdicts if not verdict.upgrade))
    useful = len(brought - kept)
    monitored = {episode.id for episode in candidate.episodes if episode.monitored or facts.interactive}
    if candidate.is_pack and brought and useful >= PACK_SHARE * len(brought):
        # Files that are not upgrades are left out when the pack is imported.
        refusing = []
    codes = {episode.id: episode.code for episode in facts.episodes}
    lost = frozenset[str]().union(*(held.episode_ids for held in overlapping)) - brought
    return replace(
        candidate,
        held_verdict=next(iter(refusing), None) or next((v for _, v in verdicts if v.upgrade), None),
        queue_verdict=_against_queue(candidate, facts),
        useful=useful if facts.type == MediaType.TV_SHOW else 1,
        wanted=len(monitored - kept) if facts.type == MediaType.TV_SHOW else 1,
        loses=tuple(sorted(codes.get(id, "another episode") for id in lost)),
    )


def _against_queue(candidate: Candidate, facts: Facts) -> tuple[Queued, upgrades.UpgradeVerdict] | None:
    brought = candidate.episode_ids
    found: tuple[Queued, upgrades.UpgradeVerdict] | None = None
    for queued in facts.queued:
        if facts.type == MediaType.TV_SHOW and queued.episode_ids and not queued.episode_ids & brought:
            continue
        verdict = settings.upgrades.compare(
            facts.profile,
            queued.quality,
            candidate.quality,
            current_score=queued.format_score,
            new_score=candidate.format_score,
            propers=facts.propers,
        )
        if not verdict.upgrade:
            return queued, verdict
        found = found or (queued, verdict)
    return found


def normalised_name(title: str) -> str:
    """Return the form under which release names are compared, e.g. with the blocklist."""
    return normalise_title(title)
