"""Jobs that send mail."""

from __future__ import annotations

from mydia import clock
from mydia.contexts import notifications, users
from mydia.jobs.broker import Deps, job
from mydia.units import plural


@job("notifications.mail_reset", queue="notifications", title="Mail a password link", max_retries=4, min_backoff_s=20)
def mail_reset(deps: Deps, *, reset_id: str) -> str:
    """Mail the link with which somebody sets a new password."""
    return notifications.mail.send_reset(deps.database, deps.outside, clock.now(), reset_id)


@job(
    "notifications.mail_invitation", queue="notifications", title="Mail an invitation", max_retries=4, min_backoff_s=20
)
def mail_invitation(deps: Deps, *, invitation_id: str) -> str:
    """Mail the link of an invitation."""
    return notifications.mail.send_invitation(
        deps.database, deps.outside, clock.now(), invitation_id, zone=str(deps.config["jobs.time_zone"])
    )


@job("notifications.sweep", queue="notifications", title="Find unsent mail", max_retries=0)
def sweep(deps: Deps) -> str:
    """Find mail that was asked for and not sent."""
    now = clock.now()
    with deps.database.reads() as session:
        resets = users.resets.due_mails(session, now)
        invitations = users.invitations.due_mails(session, now)
    due = [
        *(("notifications.mail_reset", "reset_id", one) for one in resets),
        *(("notifications.mail_invitation", "invitation_id", one) for one in invitations),
    ]
    for job_name, subject, one in due:
        deps.enqueue(job_name, {subject: one}, dedup=f"{job_name}:{one}", cause="sweep")
    return f"{plural(len(due), 'message')} due"
