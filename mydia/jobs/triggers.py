"""When does what run? Four literal tables answer that: JOBS, ON_EVENT, SCHEDULE, SWEEPS."""

from __future__ import annotations

from typing import Any

from mydia import events
from mydia.events import Event, Trigger
from mydia.jobs import downloads, metadata, upkeep
from mydia.jobs.broker import REGISTRY, Job, Schedule, dedup_key

JOBS: dict[str, Job] = REGISTRY
"""Every job, by name: filled by importing the modules above."""
_MODULES = (downloads, metadata, upkeep)


def _same(job: str, *names: str) -> Any:
    """Return the deduplication key of a job for one subject: one that waits is enough."""

    def key(event: Any) -> str:
        return ":".join([job, *(str(getattr(event, name)) for name in names)])

    return key


ON_EVENT: dict[type[Event], tuple[Trigger, ...]] = {
    events.MediaAdded: (
        Trigger(
            "metadata.refresh_item",
            lambda e: {"media_item_id": e.media_item_id, "search_now": e.search_now},
            _same("metadata.refresh_item", "media_item_id"),
        ),
        Trigger("metadata.fetch_images", lambda _: {}, lambda _: "metadata.fetch_images"),
    ),
    events.MediaReady: (
        Trigger(
            "downloads.search_item",
            lambda e: {"media_item_id": e.media_item_id, "cause": "added"},
            _same("downloads.search_item", "media_item_id"),
            when=lambda e: e.search_now,
        ),
    ),
    events.RefreshRequested: (
        Trigger(
            "metadata.refresh_item",
            lambda e: {"media_item_id": e.media_item_id, "force": True},
            _same("metadata.refresh_item", "media_item_id"),
        ),
    ),
    events.SearchRequested: (
        Trigger(
            "downloads.search_item",
            lambda e: {
                "media_item_id": e.media_item_id,
                "season_number": e.season_number,
                "episode_ids": e.episode_ids,
            },
            _same("downloads.search_item", "media_item_id", "season_number", "episode_ids"),
        ),
    ),
    events.ReleasesRequested: (
        Trigger(
            "downloads.run_search",
            lambda e: {"search_id": e.search_id},
            _same("downloads.run_search", "search_id"),
        ),
    ),
    events.ReleaseGrabbed: (
        Trigger("downloads.monitor", lambda _: {}, lambda _: dedup_key("downloads.monitor", {}), delay_s=1),
    ),
    events.DownloadCompleted: (
        Trigger(
            "downloads.import",
            lambda e: {"download_id": e.download_id},
            _same("downloads.import", "download_id"),
        ),
    ),
    events.ImportRequested: (
        Trigger(
            "downloads.import",
            lambda e: {"download_id": e.download_id},
            _same("downloads.import", "download_id"),
        ),
    ),
    events.DownloadFailed: (
        Trigger(
            "downloads.search_item",
            lambda e: {"media_item_id": e.media_item_id},
            _same("downloads.search_item", "media_item_id"),
            when=lambda e: e.blocklisted and e.media_item_id is not None,
        ),
    ),
}
"""Event -> the jobs it starts, in order."""

SCHEDULE: tuple[Schedule, ...] = (
    Schedule("15 */6 * * *", "downloads.search_wanted", title="Search for what is wanted", setting="jobs.search_cron"),
    Schedule(
        "*/5 * * * *",
        "downloads.monitor",
        title="Look at download clients",
        setting="downloads.monitor_interval_minutes",
    ),
    Schedule("*/10 * * * *", "downloads.sweep", title="Find lost imports and searches"),
    Schedule("12 4 * * *", "downloads.prune", title="Forget old searches"),
    Schedule("20 * * * *", "metadata.refresh_due", title="Refresh metadata"),
    Schedule("5 0 * * *", "metadata.roll_over", title="Turn the calendar"),
    Schedule("*/15 * * * *", "metadata.fetch_images", title="Fetch artwork"),
    Schedule("40 4 * * *", "metadata.prune_previews", title="Prune previews"),
    Schedule("30 3 * * *", "upkeep.back_up", title="Back up database"),
    Schedule("50 3 * * *", "upkeep.analyze", title="Refresh database statistics"),
    Schedule("10 4 * * sun", "upkeep.vacuum", title="Compact databases"),
    Schedule("25 4 * * *", "upkeep.check_integrity", title="Check the database"),
    Schedule("0 */6 * * *", "upkeep.checkpoint", title="Tidy write-ahead logs"),
    Schedule("15 4 * * *", "upkeep.prune_events", title="Prune activity"),
    Schedule("17 4 * * *", "upkeep.prune_runs", title="Prune finished jobs"),
)
"""Cron line -> job, in local time. Lines with a `name` of a setting can be changed there."""

SWEEPS: dict[type[Event], str] = {
    events.MediaAdded: "metadata.refresh_due",
    events.MediaReady: "downloads.search_wanted",
    events.RefreshRequested: "metadata.refresh_due",
    events.SearchRequested: "downloads.search_wanted",
    events.ReleasesRequested: "downloads.sweep",
    events.ReleaseGrabbed: "downloads.monitor",
    events.DownloadCompleted: "downloads.sweep",
    events.ImportRequested: "downloads.sweep",
    events.DownloadFailed: "downloads.search_wanted",
}
"""Triggered event -> the scheduled job that would find the same work if the event were lost."""
