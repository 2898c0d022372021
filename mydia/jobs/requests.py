"""Jobs of requests: carry out what is approved, and follow it until it is available."""

from __future__ import annotations

from mydia import clock
from mydia.contexts import downloads, requests
from mydia.contexts.users import SYSTEM
from mydia.jobs.broker import Deps, job
from mydia.units import plural


@job("requests.fulfil", queue="media", title="Add a requested title", max_retries=2, min_backoff_s=10)
def fulfil(deps: Deps, *, request_id: str) -> str:
    """Add the title of an approved request, or monitor its requested seasons."""
    said = requests.fulfilling.fulfil(deps.database, deps.outside, clock.now(), request_id)
    deps.enqueue("requests.follow", {}, dedup="requests.follow")
    return said


@job("requests.follow", queue="default", title="Update requests", max_retries=0)
def follow(deps: Deps) -> str:
    """Bring open requests up to date with the library."""
    with deps.database.reads() as session:
        titles = requests.following.followed_titles(session)
        coming = downloads.queue.coming_seasons(session, SYSTEM, titles) if titles else {}
    changed = requests.following.follow(deps.database, clock.now(), coming)
    replaced = downloads.replacing.settle(deps.database, clock.now())
    return f"{plural(changed, 'request')} changed, {plural(replaced, 'problem')} resolved"


@job("requests.sweep", queue="default", title="Find lost requests", max_retries=0)
def sweep(deps: Deps) -> str:
    """Find approved requests that were not carried out, and those that failed for a passing reason."""
    with deps.database.reads() as session:
        due = requests.fulfilling.due_requests(session)
    for request_id in due:
        deps.enqueue(
            "requests.fulfil", {"request_id": request_id}, dedup=f"requests.fulfil:{request_id}", cause="sweep"
        )
    deps.enqueue("requests.follow", {}, dedup="requests.follow", cause="sweep")
    return f"{plural(len(due), 'request')} due"
