"""Sign-in by the headers of a trusted reverse proxy, such as Authelia's `Remote-User`.

The proxy is known by its address (TRUSTED_PROXIES), before X-Forwarded-For is taken into account. Headers from anywhere else are
ignored.
"""

from __future__ import annotations

from mydia.config import Settings
from mydia.contexts.users import AccountRules, Asserted, Role
from mydia.web.deps import WebDeps, WebRequest

NAME = "the proxy"
ISSUER = "proxy"
"""The issuer of identities that a proxy asserts. No OIDC issuer is called so, because those are addresses."""
_MARK = "proxy:"
_LONGEST = 255


def asserted_by_proxy(request: WebRequest, deps: WebDeps) -> Asserted | None:
    """Return who the proxy says is using the browser, or None."""
    settings = deps.config.settings
    if not settings.auth.proxy_enabled or not request.scope["state"].get("from_trusted_proxy"):
        return None
    username = _header(request, settings.auth.proxy_user_header)
    if username is None:
        return None
    groups = _header(request, settings.auth.proxy_groups_header)
    return Asserted(
        issuer=ISSUER,
        subject=username.casefold(),
        username=username,
        display_name=_header(request, settings.auth.proxy_name_header),
        email=_header(request, settings.auth.proxy_email_header),
        groups=None if groups is None else tuple(part.strip() for part in groups.split(",") if part.strip()),
    )


def rules_of(settings: Settings) -> AccountRules:
    """Return what people of the proxy become here; the same as those of the provider under `auth.oidc`."""
    auth = settings.auth
    return AccountRules(
        provider=NAME,
        allow_sign_up=auth.oidc_allow_sign_up,
        role_groups={
            Role.ADMIN: frozenset(auth.oidc_admin_groups),
            Role.USER: frozenset(auth.oidc_user_groups),
            Role.READONLY: frozenset(auth.oidc_readonly_groups),
            Role.GUEST: frozenset(auth.oidc_guest_groups),
        },
        default_role=None if auth.oidc_default_role == "none" else Role(auth.oidc_default_role),
    )


def mark_of(asserted: Asserted) -> str:
    """Return what a session of this person has as its provider."""
    return f"{_MARK}{asserted.subject}"


def is_stale(request: WebRequest, deps: WebDeps, provider_id: str | None) -> bool:
    """Return whether a session was opened by the proxy for somebody else than the one it names now."""
    if provider_id is None or not provider_id.startswith(_MARK):
        return False
    asserted = asserted_by_proxy(request, deps)
    return asserted is None or mark_of(asserted) != provider_id


def _header(request: WebRequest, name: str) -> str | None:
    """Return a header, None if it is empty. A header that was sent twice is ambiguous, so it is ignored."""
    values = request.headers.getall(name.lower(), [])
    if len(values) != 1:
        return None
    try:
        text = values[0].encode("latin-1").decode()
    except UnicodeError:
        text = values[0]
    return text.strip()[:_LONGEST] or None
