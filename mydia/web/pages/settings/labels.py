"""What the keys of the configuration are called on pages."""

from __future__ import annotations

TITLES = {
    "media": "Adding titles",
    "library": "Library",
    "downloads": "Downloads",
    "jobs": "Schedules",
    "auth": "Signing in",
    "events": "Activity",
    "backups": "Backups",
    "metadata": "Language",
    "plex": "Plex",
    "crashes": "Crash reports",
}
LABELS = {
    "media.auto_search_on_add": "Search when a title is added",
    "media.monitor_by_default": "Monitor what a scan finds",
    "library.missing_share_limit_percent": "Most files that may be gone at once, in per cent",
    "library.match_confident_percent": "Add without asking from a sureness of, in per cent",
    "library.recycle_days": "Days in the recycle bin",
    "library.watch": "Notice new files at once",
    "downloads.monitor_interval_minutes": "Look at clients every, in minutes",
    "downloads.active_interval_seconds": "While something is downloading every, in seconds",
    "downloads.minimum_free_mb": "Space that must stay free, in MB",
    "downloads.minimum_seeders": "Seeders a torrent needs",
    "downloads.automatic_imports": "Import finished downloads",
    "downloads.search_batch": "Titles in one automatic search",
    "downloads.retry_failed": "Search again after a failed download",
    "downloads.give_up_stalled_hours": "Give up a stalled download after, in hours",
    "jobs.max_age_days": "Days that finished tasks are kept",
    "jobs.scan_cron": "When folders are scanned",
    "jobs.search_cron": "When missing titles are searched",
    "auth.session_days": "Days until an unused sign-in ends",
    "events.retention_days": "Days that the activity goes back",
    "backups.keep": "Daily backups that are kept",
    "metadata.language": "Language of titles and overviews",
    "metadata.region": "Country of release dates and age ratings",
    "plex.enabled": "Serve metadata to Plex",
    "crashes.report": "Report crashes",
}
ELSEWHERE = frozenset({"metadata.relay_url", "metadata.tmdb_api_key", "metadata.tvdb_api_key", "metadata.public_relay"})
"""What the page of the metadata source sets."""
