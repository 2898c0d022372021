"""Pages about getting releases: queue, history, search, imports, wanted."""

from mydia.web.pages.activity import (
    blocklist,
    decisions,
    history,
    manual_folder,
    manual_import,
    pending,
    queue,
    queue_actions,
    releases,
    review,
    scans,
    unknown,
    wanted,
    why,
)

ROUTES = (
    *queue.ROUTES,
    *queue_actions.ROUTES,
    *manual_import.ROUTES,
    *manual_folder.ROUTES,
    *unknown.ROUTES,
    *pending.ROUTES,
    *history.ROUTES,
    *blocklist.ROUTES,
    *releases.ROUTES,
    *review.ROUTES,
    *decisions.ROUTES,
    *scans.ROUTES,
    *wanted.ROUTES,
    *why.ROUTES,
)
