"""OIDC providers that people sign in with, and whether anybody could still sign in after a change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from mydia import events
from mydia.config import is_web_address
from mydia.contexts import users
from mydia.contexts.settings.current import of, sealer, source_of
from mydia.contexts.settings.library_paths import refuse_managed
from mydia.contexts.settings.models import OidcProvider
from mydia.contexts.users import AccountRules, Caller, Permission, Role
from mydia.db import get
from mydia.errors import Conflict, Invalid
from mydia.secret import Secret

ProviderRow = OidcProvider
"""A stored provider."""
FIRST_KEY = "oidc"
"""The key of the provider at /auth/oidc."""
DEFAULT_SCOPES = "openid profile email"
DEFAULT_CLAIM = "groups"
_NOT_IN_KEYS = re.compile(r"[^a-z0-9]+")
_TAKEN_KEYS = frozenset({"callback", "signed-out"})
_LOCKED_OUT = "Nobody could sign in any more. Turn on password sign-in first, or link an administrator's account to an enabled provider."


class NewProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as submitted by a form."""

    name: str
    issuer: str | None = None
    discovery_url: str | None = None
    client_id: str
    secret: Secret = msgspec.field(default_factory=lambda: Secret(""))
    """Empty keeps the stored one."""
    scopes: str = DEFAULT_SCOPES
    redirect_url: str | None = None
    role_claim: str = DEFAULT_CLAIM
    role_groups: Mapping[Role, tuple[str, ...]] = msgspec.field(default_factory=dict)
    default_role: Role | None = Role.GUEST
    allow_sign_up: bool = True
    enabled: bool = True


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider with its open secret, for signing in."""

    id: str
    key: str
    name: str
    issuer: str | None
    discovery_url: str | None
    client_id: str
    secret: Secret
    scopes: str
    redirect_url: str | None
    role_claim: str
    rules: AccountRules

    @property
    def path(self) -> str:
        """Where signing in begins."""
        return path_of(self.key)


def path_of(key: str) -> str:
    """Return where signing in at a provider begins."""
    return "/auth/oidc" if key == FIRST_KEY else f"/auth/oidc/{key}"


def callback_of(key: str) -> str:
    """Return where a provider sends people back; each has its own, so that one cannot answer for another (RFC 9700 §4.4.2.2)."""
    return f"{path_of(key)}/callback"


def list_providers(session: Session, caller: Caller) -> list[OidcProvider]:
    """Return all providers by name."""
    caller.require(Permission.MANAGE_SETTINGS)
    caller.require(Permission.MANAGE_USERS)
    return list(session.scalars(select(OidcProvider).order_by(OidcProvider.name)))


def require_change(caller: Caller) -> None:
    """Check that the caller may change providers.

    A provider decides who signs in as whom, and its groups can make administrators, so changing one takes all permissions.

    Raises:
        Forbidden: A permission is missing.
    """
    caller.require_all()


def get_provider(session: Session, caller: Caller, provider_id: str) -> OidcProvider:
    """Return one provider, for changing it."""
    require_change(caller)
    return get(session, OidcProvider, provider_id, what="This provider")


def enabled_providers(session: Session) -> list[Provider]:
    """Return the enabled providers by name, the one at /auth/oidc first."""
    rows = session.scalars(select(OidcProvider).where(OidcProvider.enabled).order_by(OidcProvider.name))
    return [_opened(session, row) for row in sorted(rows, key=lambda row: row.key != FIRST_KEY)]


def find_provider(session: Session, key: str) -> Provider | None:
    """Return an enabled provider by its key."""
    row = session.scalar(select(OidcProvider).where(OidcProvider.key == key, OidcProvider.enabled))
    return _opened(session, row) if row else None


def find_provider_by_id(session: Session, provider_id: str) -> Provider | None:
    """Return a provider by its id, even if it was disabled since."""
    row = session.get(OidcProvider, provider_id)
    return _opened(session, row) if row else None


def provider_names(session: Session) -> dict[str, str]:
    """Return issuer without a slash at its end -> name, for identities."""
    rows = session.execute(select(OidcProvider.issuer, OidcProvider.name))
    return {issuer.rstrip("/"): name for issuer, name in rows if issuer}


def add_provider(session: Session, caller: Caller, now: datetime, new: NewProvider) -> OidcProvider:
    """Add a provider.

    Raises:
        Forbidden: The caller does not have all permissions.
        Invalid: A field is wrong.
        Conflict: The name is taken.
    Emits:
        SettingsChanged.
    """
    require_change(caller)
    row = OidcProvider(key=_free_key(session, new.name), created_at=now)
    _fill(session, row, new)
    session.add(row)
    session.flush()
    _record(session, caller, now, row, {"name": [None, row.name], "issuer": [None, row.issuer or row.discovery_url]})
    return row


def change_provider(
    session: Session, caller: Caller, now: datetime, provider_id: str, new: NewProvider
) -> OidcProvider:
    """Replace the fields of a provider.

    Raises:
        Forbidden: It is managed by the configuration, or the caller does not have all permissions.
        Invalid: A field is wrong.
        Conflict: The name is taken, or nobody could sign in any more.
    Emits:
        SettingsChanged.
    """
    require_change(caller)
    row = get_provider(session, caller, provider_id)
    refuse_managed(row.managed, row.name, row.managed_source)
    replace_fields(session, caller, now, row, new)
    _refuse_lockout(session)
    return row


def replace_fields(session: Session, caller: Caller, now: datetime, row: OidcProvider, new: NewProvider) -> None:
    """Replace the fields of a provider, managed or not. For contexts."""
    before = _columns(row)
    _fill(session, row, new)
    session.flush()
    after = _columns(row)
    changed = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    if new.secret:
        changed["client_secret"] = ["…", "changed"]
    _record(session, caller, now, row, changed)


def remove_provider(session: Session, caller: Caller, now: datetime, provider_id: str) -> None:
    """Remove a provider. Accounts and their identities stay.

    Raises:
        Forbidden: It is managed by the configuration, or the caller does not have all permissions.
        Conflict: Nobody could sign in any more.
    Emits:
        SettingsChanged.
    """
    require_change(caller)
    row = get_provider(session, caller, provider_id)
    refuse_managed(row.managed, row.name, row.managed_source)
    session.delete(row)
    session.flush()
    _refuse_lockout(session)
    _record(session, caller, now, row, {"name": [row.name, None]})


def has_way_in(session: Session) -> bool:
    """Return whether an administrator can sign in without a password. For contexts."""
    if source_of(session).config["auth.proxy_enabled"]:
        return True
    rows = list(session.scalars(select(OidcProvider).where(OidcProvider.enabled)))
    known = {row.issuer.rstrip("/") for row in rows if row.issuer}
    # Without an issuer of its own, a provider is known only by what its discovery document says.
    return bool(rows) and (len(known) < len(rows) or users.identities.has_linked_admin(session, known))


def _refuse_lockout(session: Session) -> None:
    if not of(session).auth.local_enabled and not has_way_in(session):
        raise Conflict(_LOCKED_OUT)


def _record(
    session: Session, caller: Caller, now: datetime, row: OidcProvider, changed: dict[str, list[object]]
) -> None:
    if changed:
        event = events.SettingsChanged(f"oidc_provider:{row.id}", changed, events.SettingsArea.OIDC_PROVIDER, row.name)
        events.emit(session, caller, event, at=now)


def _opened(session: Session, row: OidcProvider) -> Provider:
    groups = {Role(role): frozenset(map(str, names)) for role, names in row.role_groups.items()}
    return Provider(
        id=row.id,
        key=row.key,
        name=row.name,
        issuer=row.issuer,
        discovery_url=row.discovery_url,
        client_id=row.client_id,
        secret=sealer(session).open(row.sealed_secret),
        scopes=row.scopes,
        redirect_url=row.redirect_url,
        role_claim=row.role_claim,
        rules=AccountRules(
            provider=row.name,
            allow_sign_up=row.allow_sign_up,
            role_groups=groups,
            default_role=Role(row.default_role) if row.default_role else None,
        ),
    )


def _fill(session: Session, row: OidcProvider, new: NewProvider) -> None:
    """Fill a row from a form, all fields or none.

    Raises:
        Invalid: A field is wrong.
        Conflict: The name is taken.
    """
    issuer, discovery = (new.issuer or "").strip() or None, (new.discovery_url or "").strip() or None
    redirect = (new.redirect_url or "").strip() or None
    name = " ".join(new.name.split())[:80] or urlsplit(issuer or discovery or "").hostname or ""
    scopes = list(dict.fromkeys(new.scopes.replace(",", " ").split())) or DEFAULT_SCOPES.split()
    sentences: dict[str, str] = {}
    if issuer is None and discovery is None:
        sentences["issuer"] = "Enter the issuer, or the address of the discovery document."
    for field_name, address in (("issuer", issuer), ("discovery_url", discovery), ("redirect_url", redirect)):
        if address is not None and not is_web_address(address):
            sentences[field_name] = "Enter an address that starts with http:// or https://."
    if not name:
        sentences["name"] = "Enter a name."
    if not new.client_id.strip():
        sentences["client_id"] = "Enter the client id that the provider has given to Mydia."
    if not new.role_claim.strip():
        sentences["role_claim"] = "Enter the name of a claim, such as groups."
    if sentences:
        raise Invalid(" ".join(sentences.values()), fields=sentences)
    other = session.scalar(select(OidcProvider.id).where(OidcProvider.name == name))
    if other not in (None, row.id):
        sentence = f"A provider named {name} already exists."
        raise Conflict(sentence, fields={"name": sentence})
    row.name, row.issuer, row.discovery_url, row.redirect_url = name, issuer, discovery, redirect
    row.client_id, row.enabled, row.allow_sign_up = new.client_id.strip(), new.enabled, new.allow_sign_up
    row.scopes = " ".join(scopes if "openid" in scopes else ["openid", *scopes])
    row.role_claim = new.role_claim.strip()
    row.role_groups = {str(role): list(names) for role, names in new.role_groups.items() if names}
    row.default_role = str(new.default_role) if new.default_role else None
    if new.secret:
        row.sealed_secret = sealer(session).seal(new.secret.reveal())


def _columns(row: OidcProvider) -> dict[str, object]:
    columns = (
        "name",
        "enabled",
        "issuer",
        "discovery_url",
        "client_id",
        "scopes",
        "redirect_url",
        "role_claim",
        "role_groups",
        "default_role",
        "allow_sign_up",
    )
    return {column: getattr(row, column) for column in columns}


def _free_key(session: Session, name: str) -> str:
    taken = {*session.scalars(select(OidcProvider.key)), *_TAKEN_KEYS}
    if FIRST_KEY not in taken:
        return FIRST_KEY
    base = _NOT_IN_KEYS.sub("-", name.casefold()).strip("-")[:40] or "provider"
    key, number = base, 1
    while key in taken:
        number += 1
        key = f"{base}-{number}"
    return key
