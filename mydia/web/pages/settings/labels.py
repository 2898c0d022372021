"""The labels of configuration keys on pages."""

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
    "graphql": "GraphQL",
}
LABELS = {
    "media.auto_search_on_add": "Search when a title is added",
    "media.monitor_by_default": "Monitor what a scan finds",
    "library.missing_share_limit_percent": "Pause the scan if more than this share is missing (%)",
    "library.match_confident_percent": "Auto-match threshold (%)",
    "library.recycle_days": "Keep deleted files for (days)",
    "library.after_file_removal": "After a file is removed",
    "library.watch": "Watch folders for new files",
    "downloads.monitor_interval_minutes": "Check download clients every (minutes)",
    "downloads.active_interval_seconds": "While downloading, check every (seconds)",
    "downloads.minimum_free_mb": "Minimum free space (MB)",
    "downloads.minimum_seeders": "Minimum seeders",
    "downloads.automatic_imports": "Import finished downloads",
    "downloads.search_batch": "Titles per automatic search",
    "downloads.retry_failed": "Search again after a failed download",
    "downloads.give_up_stalled_hours": "Fail stalled downloads after (hours)",
    "requests.movie_limit": "Movies per person",
    "requests.movie_days": "Movie period (days)",
    "requests.season_limit": "Seasons per person",
    "requests.season_days": "Season period (days)",
    "requests.auto_approve_guests": "Approve requests by guests",
    "requests.specials": "Allow requests of specials",
    "requests.tag_requester": "Tag titles with the requester",
    "jobs.max_age_days": "Keep finished tasks for (days)",
    "jobs.scan_cron": "Library scan schedule",
    "jobs.search_cron": "Search schedule for missing titles",
    "auth.local_enabled": "Sign in with a password",
    "auth.oidc_auto_redirect": "Go straight to the only provider",
    "auth.session_days": "Sign out after inactivity (days)",
    "events.retention_days": "Keep history for (days)",
    "events.audit_retention_days": "Keep audit for (days)",
    "backups.keep": "Days to keep backups",
    "metadata.language": "Language of titles and overviews",
    "metadata.region": "Country of release dates and age ratings",
    "plex.enabled": "Serve metadata to Plex",
    "crashes.report": "Report crashes",
    "graphql.introspection": "Publish the schema",
    "graphql.explorer": "Serve the explorer at /graphql",
    "graphql.persisted_queries": "Accept queries by hash",
}
ELSEWHERE = frozenset(
    {
        "auth.local_enabled",
        "auth.oidc_auto_redirect",
        "mail.host",
        "mail.password",
        "mail.port",
        "mail.sender",
        "mail.tls",
        "mail.username",
        "metadata.relay_url",
        "metadata.tmdb_api_key",
        "metadata.tvdb_api_key",
        "metadata.public_relay",
        "requests.movie_limit",
        "requests.movie_days",
        "requests.season_limit",
        "requests.season_days",
        "requests.auto_approve_guests",
        "requests.specials",
        "requests.tag_requester",
    }
)
"""Keys that are set on the pages of the metadata source, of mail, of requests and of sign-in."""

ROLES = (
    ("admin", "Administrator", "Everything, including settings and accounts"),
    ("user", "User", "Library, searches, downloads and imports"),
    ("readonly", "Read-only", "Sees the library and the calendar"),
    ("guest", "Guest", "Sees the library and requests titles"),
)
"""(role, label, what it may do)."""
