"""What a changed quality profile would do: a dry run over the library and the stored searches."""

from mydia.contexts.downloads.whatif.compare import MOST_LINES, Line, Outcome, compare_profiles
from mydia.contexts.downloads.whatif.trials import (
    Trial,
    end_lost,
    find_trial,
    get_trial,
    open_trial,
    prune_trials,
    run_trial,
)

__all__ = [
    "MOST_LINES",
    "Line",
    "Outcome",
    "Trial",
    "compare_profiles",
    "end_lost",
    "find_trial",
    "get_trial",
    "open_trial",
    "prune_trials",
    "run_trial",
]
