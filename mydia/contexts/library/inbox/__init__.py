"""The import review: groups of files that wait for a decision, and the decisions users can make."""

from mydia.contexts.library.inbox.candidates import (
    ListedEpisode,
    episode_codes,
    episodes_of_candidate,
    guess_of,
    own_choice,
    search_candidates,
)
from mydia.contexts.library.inbox.deciding import (
    Decided,
    ImportedReady,
    decide,
    decide_many,
    ignore,
    import_ready,
    reopen,
    request_import_ready,
)
from mydia.contexts.library.inbox.listing import (
    STATES,
    WAITING,
    InboxCounts,
    InboxPage,
    files_of_entry,
    find_entry,
    get_entry,
    inbox_counts,
    inbox_ids,
    list_inbox,
)
from mydia.contexts.library.inbox.rematching import rematch_files, rematch_item, unmatch_files

__all__ = [
    "STATES",
    "WAITING",
    "Decided",
    "ImportedReady",
    "InboxCounts",
    "InboxPage",
    "ListedEpisode",
    "decide",
    "decide_many",
    "episode_codes",
    "episodes_of_candidate",
    "files_of_entry",
    "find_entry",
    "get_entry",
    "guess_of",
    "ignore",
    "import_ready",
    "inbox_counts",
    "inbox_ids",
    "list_inbox",
    "own_choice",
    "rematch_files",
    "rematch_item",
    "reopen",
    "request_import_ready",
    "search_candidates",
    "unmatch_files",
]
