"""Settings: invitations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import Struct

from mydia import clock
from mydia.contexts import notifications, requests, settings, users
from mydia.contexts.users import Caller, Permission, Role
from mydia.errors import Conflict, Invalid
from mydia.vocabulary import MediaType
from mydia.web import security
from mydia.web.deps import CallerDep, DepsDep, FormOf, WebDeps, WebRequest
from mydia.web.forms import Count, message
from mydia.web.pages.settings.frame import SettingsFrame, errors_of, frame, show
from mydia.web.pages.settings.labels import ROLES
from mydia.web.render import Toast, page, redirect

_TITLE = "Invite somebody"
_TYPES = ((MediaType.MOVIE, "Movies"), (MediaType.TV_SHOW, "Shows"))


class InvitationFields(Struct, kw_only=True):
    """The form of an invitation."""

    note: str = ""
    days: Annotated[Count, message("Enter a number of days.")] = 7
    email: str | None = None
    by_mail: bool = False
    role: Annotated[Role, message("Choose a role.")] = Role.GUEST
    movie_most: Annotated[Count, message("Enter a number.")] | None = None
    movie_folder: str | None = None
    movie_profile: str | None = None
    tv_show_most: Annotated[Count, message("Enter a number.")] | None = None
    tv_show_folder: str | None = None
    tv_show_profile: str | None = None


class InvitationRow(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation in the list."""

    id: str
    name: str
    role: str
    state: str
    mail_state: str
    expires_at: datetime
    used_by: str


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    """The form of an invitation, or its link, which is shown once."""

    frame: SettingsFrame
    values: Mapping[str, str] = msgspec.field(default_factory=dict)
    errors: Mapping[str, str] = msgspec.field(default_factory=dict)
    link: str = ""
    can_mail: bool = False
    roles: tuple[tuple[str, str, str], ...] = ()
    types: tuple[tuple[str, str], ...] = ()
    folders: Mapping[str, tuple[tuple[str, str], ...]] = msgspec.field(default_factory=dict)
    profiles: tuple[tuple[str, str], ...] = ()

    @property
    def has_choices(self) -> bool:
        """Whether a limit, folder or profile was chosen."""
        return any(
            self.values.get(f"{type}_{name}") for type, _ in self.types for name in ("most", "folder", "profile")
        )


def invitation_rows(
    found: list[users.invitations.Invitation], names: Mapping[str, str], roles: Mapping[str, str], now: datetime
) -> tuple[InvitationRow, ...]:
    """Return the rows of the list.

    Args:
        names: Account -> its name.
        roles: Role -> its label.
    """
    return tuple(
        InvitationRow(
            id=row.id,
            name=row.note or row.email or "Anybody with the link",
            role=roles[row.role],
            state=users.invitations.state_of(row, now),
            mail_state=row.mail_state,
            expires_at=row.expires_at,
            used_by=names.get(row.used_by or "", ""),
        )
        for row in found
    )


@get("/settings/users/invitations/new", sync_to_thread=True, include_in_schema=False)
def new_invitation(request: WebRequest, deps: DepsDep, caller: CallerDep) -> Response[str]:
    """Show an empty form."""
    return show(request, "invitation.html", _view(deps, caller, {}, {}))


@post("/settings/users/invitations/new", sync_to_thread=True, status_code=200, include_in_schema=False)
def add_invitation(
    request: WebRequest, deps: DepsDep, caller: CallerDep, form: FormOf[InvitationFields]
) -> Response[str]:
    """Add an invitation. Its link is mailed, or shown once."""
    try:
        wanted = form.read()
        starts = [
            requests.invited.Start(
                type=type,
                most=getattr(wanted, f"{type}_most"),
                library_path_id=getattr(wanted, f"{type}_folder"),
                profile_id=getattr(wanted, f"{type}_profile"),
            )
            for type in MediaType
        ]
        new = users.invitations.NewInvitation(
            role=wanted.role, email=wanted.email, note=wanted.note, days=wanted.days, by_mail=wanted.by_mail
        )
        with deps.database.writes() as session:
            _, token = requests.invited.invite(session, caller, clock.now(), new, starts)
    except (Invalid, Conflict) as error:
        return show(request, "invitation.html", _view(deps, caller, form.sent, errors_of(error)), status=422)
    if wanted.by_mail:
        return redirect(request, "/settings/users", toast=Toast("Invited", f"The link goes to {wanted.email}."))
    return _show_link(request, deps, caller, token)


@post(
    "/settings/users/invitations/{invitation_id:str}/link",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def make_link(request: WebRequest, deps: DepsDep, caller: CallerDep, invitation_id: FromPath[str]) -> Response[str]:
    """Show a new link of an open invitation. The one before stops working."""
    with deps.database.writes() as session:
        token = users.invitations.new_link(session, caller, clock.now(), invitation_id)
    return _show_link(request, deps, caller, token)


@get("/settings/users/invitations/{invitation_id:str}/link", sync_to_thread=True, include_in_schema=False)
def after_link(request: WebRequest, deps: DepsDep, caller: CallerDep, invitation_id: FromPath[str]) -> Response[str]:
    """Redirect to the list when the answer to the form is reloaded."""
    with deps.database.reads() as session:
        users.invitations.get_invitation(session, caller, invitation_id)
    return redirect(request, "/settings/users")


@post(
    "/settings/users/invitations/{invitation_id:str}/revoke",
    sync_to_thread=True,
    status_code=200,
    include_in_schema=False,
)
def revoke_invitation(
    request: WebRequest, deps: DepsDep, caller: CallerDep, invitation_id: FromPath[str]
) -> Response[str]:
    """Withdraw an open invitation."""
    with deps.database.writes() as session:
        users.invitations.revoke_invitation(session, caller, clock.now(), invitation_id)
    return redirect(request, "/settings/users", toast=Toast("Invitation withdrawn"))


def _show_link(request: WebRequest, deps: WebDeps, caller: Caller, token: str) -> Response[str]:
    origin = deps.config.external_url if deps.config["server.url"] else security.own_origin(request)
    view = InvitationView(frame=frame(caller, "users", "Invitation"), link=f"{origin}/invite/{token}")
    # The link must not appear in an address, a cookie or a cache.
    headers = {"Cache-Control": "no-store"}
    return page(request, "settings/invitation.html", view, active="settings", headers=headers)


def _view(deps: WebDeps, caller: Caller, sent: Mapping[str, str], errors: Mapping[str, str]) -> InvitationView:
    around = frame(caller, "users", _TITLE)
    may_choose = caller.can(Permission.MANAGE_SETTINGS)
    with deps.database.reads() as session:
        users.invitations.list_invitations(session, caller)
        can_mail = notifications.mail.can_send_links(session)
        paths = settings.library_paths.list_library_paths(session, caller) if may_choose else []
        profiles = settings.profiles.list_profiles(session, caller) if may_choose else []
    return InvitationView(
        frame=around,
        values=sent,
        errors=errors,
        can_mail=can_mail,
        roles=ROLES,
        types=_TYPES,
        folders={
            str(type): tuple((path.id, path.name) for path in paths if settings.library_paths.suits(path, type))
            for type in MediaType
        },
        profiles=tuple((one.id, one.name) for one in profiles),
    )


ROUTES = (new_invitation, add_invitation, make_link, after_link, revoke_invitation)
