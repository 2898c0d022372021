"""All reasons to reject a release, in one table."""

from collections.abc import Mapping
from typing import Any

from mydia.contexts.downloads.decisions.spec import Spec
from mydia.contexts.downloads.decisions.specs import history, identity, quality, size, swarm, timing

SPECS: tuple[Spec, ...] = (
    *identity.SPECS,
    *quality.SPECS,
    *size.SPECS,
    *history.SPECS,
    *swarm.SPECS,
    *timing.SPECS,
)

_KNOWN_AS = {spec.name: spec.known_as for spec in SPECS}
# Code of a reason -> its name in Sonarr and Radarr, where one spec has several.
_BY_CODE = {
    "wrong-title.episode": "UnknownMovie",
    "wrong-title.other-film": "WrongMovie",
    "wrong-title.other-series": "WrongSeries",
    "wrong-episode.part": "SplitEpisode",
    "wrong-episode.pack": "FullSeason",
    "wrong-episode.unknown": "UnknownEpisode",
    "wrong-episode.unknown-day": "UnknownEpisode",
    "wrong-episode.unknown-season": "UnknownEpisode",
    "wrong-episode.unnamed": "UnknownEpisode",
    "not-monitored.episodes": "EpisodeNotMonitored",
    "replaces-more": "ExistingFileHasMoreEpisodes",
    "upgrade.present_is_better": "DiskHigherPreference",
    "upgrade.present_revision_is_newer": "DiskHigherRevision",
    "upgrade.propers_off": "PropersDisabled",
    "upgrade.same": "DiskCustomFormatScore",
    "upgrade.score_too_close": "DiskCustomFormatScoreIncrement",
    "upgrade.score_goal_reached": "DiskCustomFormatCutoffMet",
    "repack.no-group": "RepackUnknownReleaseGroup",
    "anime-version.no-group": "UnknownReleaseGroup",
}
# The same for the queue: what a release is compared with there is named inside the reason.
_QUEUE = {
    "upgrade.goal_reached": "QueueCutoffMet",
    "upgrade.present_revision_is_newer": "QueueHigherRevision",
    "upgrade.propers_off": "QueuePropersDisabled",
    "upgrade.same": "QueueCustomFormatScore",
    "upgrade.score_too_close": "QueueCustomFormatScoreIncrement",
    "upgrade.score_goal_reached": "QueueCustomFormatCutoffMet",
    "upgrade.upgrades_off": "QueueUpgradesNotAllowed",
}


def known_as(objection: Mapping[str, Any]) -> str:
    """Return the name of a stored objection's reason in Sonarr and Radarr; empty for reasons of older versions.

    >>> known_as({"reason": "already-have-better", "code": "upgrade.same"})
    'DiskCustomFormatScore'
    """
    code, spec = str(objection.get("code")), str(objection.get("reason"))
    if code == "in-queue.better":
        within = (objection.get("facts") or {}).get("because") or {}
        return _QUEUE.get(str(within.get("code")), _KNOWN_AS[spec])
    return _BY_CODE.get(code) or _KNOWN_AS.get(spec, "")


__all__ = ["SPECS", "known_as"]
