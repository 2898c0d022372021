"""Feeds: the newest releases of indexers (RSS sync), and releases that other programs announce."""

from mydia.contexts.downloads.feeds.listing import Feed, gap_sentence, last_read_at, list_feeds
from mydia.contexts.downloads.feeds.pushing import Announced, Reply, push
from mydia.contexts.downloads.feeds.syncing import Report, sync

__all__ = ["Announced", "Feed", "Reply", "Report", "gap_sentence", "last_read_at", "list_feeds", "push", "sync"]
