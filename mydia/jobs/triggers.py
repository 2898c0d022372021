"""Defines when jobs run, in four tables: JOBS, ON_EVENT, SCHEDULE, SWEEPS."""

from __future__ import annotations

from typing import Any

from mydia import events
from mydia.events import Event, SettingsArea, Trigger
from mydia.jobs import downloads, library, metadata, notifications, profiles, requests, settings, upkeep
from mydia.jobs.broker import REGISTRY, Job, Schedule

JOBS: dict[str, Job] = REGISTRY
"""Every job by name, filled by importing the modules above."""
_MODULES = (downloads, library, metadata, notifications, profiles, requests, settings, upkeep)


def _same(job: str, *names: str) -> Any:
    """Return a function from an event to the deduplication key of a job for one subject."""

    def key(event: Any) -> str:
        return ":".join([job, *(str(getattr(event, name)) for name in names)])

    return key


def _scan(event: events.ScanRequested) -> dict[str, object]:
    return {
        "library_path_id": event.library_path_id,
        "subfolder": event.subfolder,
        "accept_missing": event.accept_missing,
    }


def _search(event: events.SearchRequested) -> dict[str, object]:
    return {
        "media_item_id": event.media_item_id,
        "season_number": event.season_number,
        "episode_ids": event.episode_ids,
        "version_id": event.version_id,
        "cause": "automatic",
    }


_IMPORT = Trigger(
    "downloads.import", lambda e: {"download_id": e.download_id}, _same("downloads.import", "download_id")
)
_FULFIL = Trigger("requests.fulfil", lambda e: {"request_id": e.request_id}, _same("requests.fulfil", "request_id"))
# One job for all requests: a scan that finds thousands of files starts it about once a second.
_FOLLOW = Trigger("requests.follow", lambda _: {}, lambda _: "requests.follow", delay_s=1.0)
_PICTURES = Trigger("metadata.fetch_images", lambda _: {}, lambda _: "metadata.fetch_images")

ON_EVENT: dict[type[Event], tuple[Trigger, ...]] = {
    events.MediaAdded: (
        Trigger(
            "metadata.refresh_item",
            lambda e: {"media_item_id": e.media_item_id, "search_now": e.search_now},
            _same("metadata.refresh_item", "media_item_id"),
        ),
        _PICTURES,
        _FOLLOW,
    ),
    events.MediaReady: (
        _PICTURES,
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
    events.RefreshesRequested: (
        Trigger("metadata.request_refreshes", lambda e: {"media_item_ids": e.media_item_ids}, for_actor=True),
    ),
    events.MetadataRetryRequested: (
        Trigger("metadata.check_source", lambda _: {"asked": True}, lambda _: "metadata.check_source"),
    ),
    events.ScanRequested: (
        Trigger("library.scan", _scan, _same("library.scan", "library_path_id", "subfolder", "accept_missing")),
    ),
    events.InboxImportRequested: (
        Trigger(
            "library.import_ready",
            lambda e: {"inbox_ids": e.inbox_ids, "requested_by": e.requested_by},
            _same("library.import_ready", "inbox_ids", "requested_by"),
        ),
    ),
    events.TitleEditRequested: (
        Trigger("library.edit_titles", lambda e: {"edit_id": e.edit_id}, _same("library.edit_titles", "edit_id")),
    ),
    events.SearchRequested: (
        Trigger(
            "downloads.search_item",
            _search,
            _same("downloads.search_item", "media_item_id", "season_number", "episode_ids", "version_id"),
            for_actor=True,
        ),
    ),
    events.SearchesRequested: (
        Trigger("downloads.request_searches", lambda e: {"media_item_ids": e.media_item_ids}, for_actor=True),
    ),
    events.ReleasesRequested: (
        Trigger(
            "downloads.run_search",
            lambda e: {"search_id": e.search_id},
            _same("downloads.run_search", "search_id"),
            for_actor=True,
        ),
    ),
    events.ReleaseGrabbed: (
        Trigger("downloads.monitor", lambda _: {}, lambda _: downloads.monitor_downloads.key()),
        _FOLLOW,
    ),
    events.ProfileTrialRequested: (
        Trigger(
            "profiles.try_out",
            lambda e: {"trial_id": e.trial_id},
            _same("profiles.try_out", "trial_id"),
        ),
    ),
    events.DownloadCompleted: (_IMPORT,),
    events.DownloadFailed: (
        Trigger(
            "downloads.search_item",
            lambda e: {"media_item_id": e.media_item_id, "cause": "automatic"},
            _same("downloads.search_item", "media_item_id"),
            # Otherwise the same release would be grabbed again.
            when=lambda e: e.blocklisted and e.media_item_id is not None,
        ),
        _FOLLOW,
    ),
    events.MediaChanged: (
        Trigger(
            "profiles.recount_item",
            lambda e: {"media_item_id": e.media_item_id},
            _same("profiles.recount_item", "media_item_id"),
            when=lambda e: "profile" in e.changed,
        ),
        Trigger(
            "downloads.make_due",
            lambda e: {"media_item_id": e.media_item_id},
            _same("downloads.make_due", "media_item_id"),
            when=lambda e: e.changed.get("monitored", [None, False])[1] is True or "profile" in e.changed,
        ),
        Trigger(
            "metadata.fetch_images",
            lambda _: {},
            lambda _: "metadata.fetch_images",
            when=lambda e: not e.changed.keys().isdisjoint({"poster", "backdrop"}),
        ),
    ),
    events.SettingsChanged: (
        Trigger(
            "profiles.recount",
            lambda _: {},
            lambda _: "profiles.recount",
            when=lambda e: e.area in (SettingsArea.QUALITY_PROFILE, SettingsArea.CUSTOM_FORMAT),
        ),
    ),
    events.ImportRequested: (_IMPORT,),
    events.InvitationMailRequested: (
        Trigger(
            "notifications.mail_invitation",
            lambda e: {"invitation_id": e.invitation_id},
            _same("notifications.mail_invitation", "invitation_id"),
        ),
    ),
    events.PasswordResetRequested: (
        Trigger(
            "notifications.mail_reset",
            lambda e: {"reset_id": e.reset_id},
            _same("notifications.mail_reset", "reset_id"),
        ),
    ),
    events.RequestApproved: (_FULFIL,),
    events.RequestRetried: (_FULFIL,),
    events.DownloadChanged: (_FOLLOW,),
    events.DownloadRemoved: (_FOLLOW,),
    events.FileImported: (
        _FOLLOW,
        Trigger(
            "downloads.end_imported",
            lambda _: {},
            lambda _: "downloads.end_imported",
            when=lambda e: e.download_id is None,
            delay_s=1.0,
        ),
    ),
    events.FileMatched: (_FOLLOW,),
    events.FileRemoved: (_FOLLOW,),
    events.MediaRefreshed: (_FOLLOW,),
    events.MediaRemoved: (_FOLLOW,),
}
"""Event -> the jobs it starts, in order."""

SCHEDULE: tuple[Schedule, ...] = (
    Schedule("0 2 * * *", "library.scan_all", title="Scan all libraries", setting="jobs.scan_cron"),
    Schedule("*/15 * * * *", "library.scan_due", title="Start due scans"),
    Schedule("10 * * * *", "library.match_files", title="Match new files"),
    Schedule("35 * * * *", "library.analyse_files", title="Analyse files"),
    Schedule("*/5 * * * *", "library.recover_journal", title="Finish interrupted file operations"),
    Schedule("*/10 * * * *", "library.sweep_edits", title="Find lost bulk edits"),
    Schedule(
        "45 4 * * *",
        "library.empty_recycle_bin",
        {"cautious": True},
        title="Empty the recycle bin",
        by_hand={"cautious": False},
    ),
    Schedule("15 */6 * * *", "downloads.search_wanted", title="Search for wanted releases", setting="jobs.search_cron"),
    Schedule("25 * * * *", "downloads.search_new", title="Search for what just came out"),
    Schedule(
        "*/15 * * * *",
        "downloads.sync_feeds",
        title="RSS sync",
        setting="downloads.rss_interval_minutes",
        # Indexers ban clients that read more often. Source: arr-stack §4.1.
        at_least=10,
    ),
    Schedule(
        "*/5 * * * *",
        "downloads.monitor",
        title="Check download clients",
        setting="downloads.monitor_interval_minutes",
    ),
    Schedule("*/2 * * * *", "downloads.take_due", title="Grab delayed releases"),
    Schedule("*/10 * * * *", "downloads.sweep", title="Find lost imports and searches"),
    Schedule("*/10 * * * *", "requests.sweep", title="Find lost requests"),
    Schedule("*/10 * * * *", "notifications.sweep", title="Find unsent mail"),
    Schedule("20 4 * * *", "downloads.prune", title="Delete old searches"),
    Schedule("15 0 * * *", "profiles.recount", title="Compare titles with their profiles"),
    Schedule("20 * * * *", "metadata.refresh_due", title="Refresh metadata"),
    Schedule("*/10 * * * *", "metadata.check_source", title="Check the metadata source"),
    Schedule("5 0 * * *", "metadata.roll_over", title="Update release states"),
    Schedule("*/15 * * * *", "metadata.fetch_images", title="Fetch artwork"),
    Schedule("40 4 * * *", "metadata.prune_previews", title="Prune previews"),
    Schedule("25 5 * * *", "settings.discover_indexers", title="Fetch indexers from Prowlarr"),
    Schedule("0 3 * * *", "upkeep.back_up", title="Back up database"),
    Schedule("10 4 * * *", "upkeep.analyze", title="Refresh database statistics"),
    Schedule(
        "30 4 * * sun",
        "upkeep.vacuum",
        {"when_idle": True},
        title="Compact databases",
        by_hand={"when_idle": False},
    ),
    Schedule("0 4 * * sat", "upkeep.check_integrity", title="Check the database"),
    Schedule("30 */6 * * *", "upkeep.checkpoint", title="Truncate write-ahead logs"),
    Schedule("50 4 * * *", "upkeep.prune_events", title="Prune activity"),
    Schedule("55 4 * * *", "upkeep.prune_runs", title="Prune finished jobs"),
)
"""Cron expression -> job, in local time. An entry with a `setting` takes its expression from that setting."""

SWEEPS: dict[type[Event], str] = {
    events.MediaAdded: "metadata.refresh_due",
    events.MediaReady: "downloads.search_wanted",
    events.RefreshRequested: "metadata.refresh_due",
    events.RefreshesRequested: "metadata.refresh_due",
    events.MetadataRetryRequested: "metadata.check_source",
    events.ScanRequested: "library.scan_all",
    # If this event were lost, the entries would stay ready and the user could repeat the request.
    events.InboxImportRequested: "library.match_files",
    events.TitleEditRequested: "library.sweep_edits",
    events.SearchRequested: "downloads.search_wanted",
    events.SearchesRequested: "downloads.search_wanted",
    events.ReleasesRequested: "downloads.sweep",
    events.ProfileTrialRequested: "downloads.sweep",
    events.ReleaseGrabbed: "downloads.monitor",
    events.DownloadCompleted: "downloads.sweep",
    events.DownloadFailed: "downloads.search_wanted",
    events.MediaChanged: "profiles.recount",
    events.SettingsChanged: "profiles.recount",
    events.ImportRequested: "downloads.sweep",
    events.InvitationMailRequested: "notifications.sweep",
    events.PasswordResetRequested: "notifications.sweep",
    events.RequestApproved: "requests.sweep",
    events.RequestRetried: "requests.sweep",
    events.DownloadChanged: "requests.sweep",
    events.DownloadRemoved: "requests.sweep",
    events.FileImported: "requests.sweep",
    events.FileMatched: "requests.sweep",
    events.FileRemoved: "requests.sweep",
    events.MediaRefreshed: "requests.sweep",
    events.MediaRemoved: "requests.sweep",
}
"""Event -> the scheduled job that would find the same work if the event were lost."""

AT_START: tuple[str, ...] = (
    "settings.discover_indexers",
    "downloads.recover",
    "library.match_files",
    "library.analyse_files",
    "metadata.roll_over",
    "profiles.recount",
)
"""Jobs that every worker starts with, after recovery of interrupted file operations: they resume work after a crash."""
