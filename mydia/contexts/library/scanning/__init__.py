"""Scan library folders: walk, compare, decide whether to trust the result, store."""

from mydia.contexts.library.scanning.rows import (
    cancel_scan,
    fail_scan,
    finish_scan,
    get_scan,
    latest_scans,
    list_scans,
    prune_scans,
)
from mydia.contexts.library.scanning.run import request_scan, run_scan

__all__ = [
    "cancel_scan",
    "fail_scan",
    "finish_scan",
    "get_scan",
    "latest_scans",
    "list_scans",
    "prune_scans",
    "request_scan",
    "run_scan",
]
