"""The live topics of pages: small elements are pushed as HTML; lists get an event and fetch themselves again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace

from mydia import events, units
from mydia.contexts import downloads, media, requests
from mydia.contexts.users import SYSTEM, Caller, Permission
from mydia.events import Happened
from mydia.vocabulary import MediaType
from mydia.web.live import LiveContext, LiveTopic, Push, changed, partial
from mydia.web.pages.activity import queue, release_rows, scans
from mydia.web.pages.library import edits
from mydia.web.pages.system import tasks
from mydia.web.views import cards

_QUEUE = events.names(
    events.ReleaseGrabbed,
    events.ReleaseDelayed,
    events.PendingReleaseRemoved,
    events.DownloadChanged,
    events.DownloadImported,
    events.DownloadRemoved,
    events.DownloadFailed,
    events.ImportBlocked,
)
_MEMBERSHIP = events.names(events.MediaAdded, events.MediaRemoved, events.MediaRestored, events.ScanFinished)
_CARD = events.names(
    events.MediaChanged,
    events.MediaRefreshed,
    events.MediaReady,
    events.FileImported,
    events.FileRemoved,
    events.DownloadChanged,
    events.ReleaseGrabbed,
)
_IMPORTS = events.names(
    events.InboxChanged, events.InboxDecided, events.ScanFinished, events.ScanRequested, events.FilesFound
)
_WANTED = events.names(
    events.SearchFinished,
    events.FileImported,
    events.MediaAdded,
    events.MediaRemoved,
    events.MediaRestored,
    events.MediaChanged,
    events.ReleaseGrabbed,
    events.DownloadChanged,
)
_HOME = _QUEUE | events.names(
    events.MediaAdded,
    events.MediaRemoved,
    events.MediaRestored,
    events.FileImported,
    events.InboxChanged,
    events.InboxDecided,
    events.ScanFinished,
    events.RequestAdded,
    events.RequestApproved,
    events.RequestDeclined,
    events.RequestWithdrawn,
    events.ServiceStateChanged,
)


_REQUESTS = events.names(
    events.RequestAdded,
    events.RequestJoined,
    events.RequestApproved,
    events.RequestDeclined,
    events.RequestRetried,
    events.RequestFailed,
    events.RequestChanged,
    events.RequestWithdrawn,
    events.TitleBlocked,
    events.TitleUnblocked,
)
_PROBLEMS = events.names(
    events.ProblemReported, events.ProblemCommented, events.ProblemClosed, events.ReplacementRequested
)


def _item_of(happened: Happened) -> str | None:
    about = happened.resource_id if happened.resource_kind == "media_item" else happened.payload.get("media_item_id")
    return None if about is None else str(about)


def _is_client(happened: Happened) -> bool:
    return happened.type == events.ServiceStateChanged.__name__ and happened.payload.get("family") == "download_client"


def on_queue(_context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report that downloads entered or left the queue, or that their order changed."""
    if happened.type in _QUEUE or _is_client(happened):
        yield changed("queue", "queue-changed")


def poll_queue(context: LiveContext, _topic: str, caller: Caller) -> Mapping[str, str]:
    """Push the progress of every download, and the panel above them."""
    lines, totals = queue.live_queue(context.deps.database, caller)
    told = {f"#q-{line.id}-progress": context.render("activity/_progress.html", row=line) for line in lines}
    return told | {"#queue-totals": context.render("activity/_totals.html", totals=totals)}


def on_library(context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report that a title was added or removed, or that its card changed."""
    if happened.type in _MEMBERSHIP:
        yield changed("library:movies", "library-changed")
        yield changed("library:shows", "library-changed")
    elif happened.type in _CARD and (item_id := _item_of(happened)) is not None:
        with context.deps.database.reads() as session:
            found = media.lists.cards_of(session, SYSTEM, [item_id])
        for item in found:
            card, topic = cards.card(item), _list_of(item)
            rail = context.ui.rail(card.rail, id=f"card-{card.id}-rail")
            yield partial(topic, f"#card-{card.id}-rail", str(rail))
            yield partial(topic, f"#card-{card.id}-meta", str(context.ui.pcard_meta(card)))
    elif happened.type == events.ArtworkFetched.__name__:
        with context.deps.database.reads() as session:
            shown = media.artwork.titles_of_images(session, SYSTEM, happened.payload["image_ids"], posters_only=True)
            found = media.lists.cards_of(session, SYSTEM, shown)
        for item in found:
            card, target = cards.card(item), f"card-{item.id}-poster"
            poster = context.ui.poster(card.artwork, card.title, year=card.year, id=target)
            yield partial(_list_of(item), f"#{target}", str(poster))


def _list_of(item: media.lists.Card) -> str:
    return "library:shows" if item.type == MediaType.TV_SHOW else "library:movies"


def on_media(context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report that something happened to a title."""
    if happened.type == events.ArtworkFetched.__name__:
        with context.deps.database.reads() as session:
            for shown_by in media.artwork.titles_of_images(session, SYSTEM, happened.payload["image_ids"]):
                yield changed(f"media:{shown_by}", "media-changed")
    elif (item_id := _item_of(happened)) is not None:
        yield changed(f"media:{item_id}", "media-changed")


def on_imports(_context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report that the entries of the import review changed, or that a scan began or ended."""
    if happened.type in _IMPORTS:
        yield changed("imports", "imports-changed")


def poll_imports(context: LiveContext, _topic: str, caller: Caller) -> Mapping[str, str]:
    """Push the progress of scans."""
    with context.deps.database.reads() as session:
        found = scans.scan_states(session, caller)
    # Only the progress: notices contain forms, whose token belongs to one browser.
    moving = [scan for scan in found if scan.state == "running"]
    return {f"#scan-{scan.path_id}": context.render("imports/_scan.html", scan=scan) for scan in moving}


def on_wanted(_context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report that something was searched, found or no longer wanted."""
    if happened.type in _WANTED:
        yield changed("wanted", "wanted-changed")


def on_home(context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report that something on the home page changed."""
    if happened.type in _HOME or _brings_posters(context, happened):
        yield changed("home", "home-changed")


def _brings_posters(context: LiveContext, happened: Happened) -> bool:
    if happened.type != "ArtworkFetched":
        return False
    with context.deps.database.reads() as session:
        return bool(media.artwork.titles_of_images(session, SYSTEM, happened.payload["image_ids"], posters_only=True))


def poll_home(context: LiveContext, _topic: str, caller: Caller) -> Mapping[str, str]:
    """Push the running downloads."""
    if not caller.can(Permission.VIEW_ACTIVITY):
        return {}
    with context.deps.database.reads() as session:
        rows = downloads.queue.list_queue(session, caller)
    moving = tuple(queue.line(row) for row in rows if row.group == "downloading")
    speed = sum(row.speed_bytes_per_s or 0 for row in rows if row.unreachable_since is None)
    view = SimpleNamespace(moving=moving, speed=units.speed(speed))
    return {"#home-downloading": context.render("home/_downloading.html", view=view)}


def on_requests(_context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report to those who decide that a request changed."""
    if happened.type in _REQUESTS:
        yield changed("requests", "requests-changed")


def on_own_requests(context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report to the people who asked for something, or follow it, that it changed."""
    if happened.type not in _REQUESTS:
        return
    people = happened.payload.get("people")
    if people is None:
        with context.deps.database.reads() as session:
            people = requests.following.people_of(session, SYSTEM, str(happened.resource_id))
    for user_id in people:
        yield changed(f"requests:{user_id}", "requests-changed")


def on_problems(_context: LiveContext, happened: Happened) -> Iterable[Push]:
    """Report that a problem was reported, discussed, resolved or is being replaced."""
    if happened.type in _PROBLEMS:
        yield changed("problems", "problem-changed")


def poll_search(context: LiveContext, topic: str, caller: Caller) -> Mapping[str, str]:
    """Push the progress of a search; when it changes, the list of releases fetches itself again."""
    with context.deps.database.reads() as session:
        told = release_rows.search_tick(session, caller, topic.partition(":")[2])
    if told is None:
        return {}
    return {"#rel-tick": context.render("releases/_tick.html", search_id=told[0], seen=told[1])}


def poll_edit(context: LiveContext, topic: str, caller: Caller) -> Mapping[str, str]:
    """How far a bulk edit is."""
    with context.deps.database.reads() as session:
        view = edits.edit_page(session, caller, topic.partition(":")[2])
    return {"#edit-progress": context.render("library/_edit_progress.html", view=view)}


def poll_tasks(context: LiveContext, _topic: str, caller: Caller) -> Mapping[str, str]:
    """Push the running tasks with their progress."""
    view = tasks.tasks_view(context.deps.taskboard, caller)
    return {"#tasks-running": context.render("system/_running.html", view=view)}


LIVE: tuple[LiveTopic, ...] = (
    LiveTopic("queue", Permission.VIEW_ACTIVITY, on_event=on_queue, poll=poll_queue),
    LiveTopic("library:", Permission.BROWSE, on_event=on_library),
    LiveTopic("media:", Permission.BROWSE, on_event=on_media),
    LiveTopic("imports", Permission.MANAGE_MEDIA, on_event=on_imports, poll=poll_imports),
    LiveTopic("wanted", Permission.VIEW_ACTIVITY, on_event=on_wanted),
    LiveTopic("requests", Permission.MANAGE_REQUESTS, on_event=on_requests),
    LiveTopic("requests:", Permission.REQUEST, on_event=on_own_requests, personal=True),
    LiveTopic("problems", Permission.REQUEST, on_event=on_problems),
    LiveTopic("home", Permission.BROWSE, on_event=on_home, poll=poll_home),
    LiveTopic("search:", Permission.VIEW_ACTIVITY, poll=poll_search),
    LiveTopic("edit:", Permission.MANAGE_MEDIA, poll=poll_edit),
    LiveTopic("tasks", Permission.MANAGE_SETTINGS, poll=poll_tasks),
)
