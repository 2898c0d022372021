"""Downloads: searching, deciding, grabbing, following, importing; the queue and its history."""

from mydia.contexts.downloads.decisions import Decision, Facts, decide, find_episodes, make_candidate
from mydia.contexts.downloads.gathering import gather
from mydia.contexts.downloads.grab import (
    AlreadyComing,
    Refusal,
    ReleaseGone,
    grab,
    grab_best,
    grab_pending,
    recover_grabs,
    search_and_grab,
)
from mydia.contexts.downloads.models import (
    OPEN_STATES,
    BlocklistEntry,
    Download,
    DownloadEpisode,
    DownloadState,
    PendingRelease,
    Release,
    Search,
    SearchState,
    UnknownDownload,
)
from mydia.contexts.downloads.search import open_search, request_retry, request_search, run_search
from mydia.contexts.downloads.states import is_open, may_move
from mydia.contexts.downloads.targets import SearchTarget, due_searches, plan_targets

__all__ = [
    "OPEN_STATES",
    "AlreadyComing",
    "BlocklistEntry",
    "Decision",
    "Download",
    "DownloadEpisode",
    "DownloadState",
    "Facts",
    "PendingRelease",
    "Refusal",
    "Release",
    "ReleaseGone",
    "Search",
    "SearchState",
    "SearchTarget",
    "UnknownDownload",
    "decide",
    "due_searches",
    "find_episodes",
    "gather",
    "grab",
    "grab_best",
    "grab_pending",
    "is_open",
    "make_candidate",
    "may_move",
    "open_search",
    "plan_targets",
    "recover_grabs",
    "request_retry",
    "request_search",
    "run_search",
    "search_and_grab",
]
