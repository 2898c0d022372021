"""Downloads: search, decide, grab and monitor releases. Parts with their own front door are the modules listed here:
`queue`, `history`, `importing`, `blocklist`, `feeds`, `pending` (what waits), `whatif` (dry runs), `replacing` (faulty files), `targets` (what is searched), `unknown` (downloads that Mydia did not start) and `wording` (sentences).
"""

from mydia.contexts.downloads import (
    blocklist,
    feeds,
    history,
    importing,
    pending,
    queue,
    replacing,
    targets,
    unknown,
    whatif,
    wording,
)
from mydia.contexts.downloads.grab import (
    AlreadyComing,
    AlreadyInClient,
    NoClient,
    Refusal,
    ReleaseGone,
    grab,
    grab_best,
    recover_grabs,
    search_and_grab,
)
from mydia.contexts.downloads.links import add_link
from mydia.contexts.downloads.models import (
    OPEN_STATES,
    BlocklistEntry,
    Download,
    DownloadState,
    PendingRelease,
    Release,
    Search,
    SearchCause,
    SearchState,
    UnknownDownload,
)
from mydia.contexts.downloads.monitor import MonitorReport, monitor, recover
from mydia.contexts.downloads.search import (
    open_search,
    request_retry,
    request_search,
    request_searches,
    run_search,
)
from mydia.contexts.downloads.targets import SearchTarget

__all__ = [
    "OPEN_STATES",
    "AlreadyComing",
    "AlreadyInClient",
    "BlocklistEntry",
    "Download",
    "DownloadState",
    "MonitorReport",
    "NoClient",
    "PendingRelease",
    "Refusal",
    "Release",
    "ReleaseGone",
    "Search",
    "SearchCause",
    "SearchState",
    "SearchTarget",
    "UnknownDownload",
    "add_link",
    "blocklist",
    "feeds",
    "grab",
    "grab_best",
    "history",
    "importing",
    "monitor",
    "open_search",
    "pending",
    "queue",
    "recover",
    "recover_grabs",
    "replacing",
    "request_retry",
    "request_search",
    "request_searches",
    "run_search",
    "search_and_grab",
    "targets",
    "unknown",
    "whatif",
    "wording",
]
