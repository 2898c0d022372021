"""Passkeys (WebAuthn): the challenges, and the checks of what an authenticator answers.

Options are plain JSON; the library that checks answers is imported when there is one to check.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from mydia import clock
from mydia.contexts import settings, users
from mydia.contexts.users import User
from mydia.errors import Conflict, Invalid
from mydia.web import security
from mydia.web.deps import WebDeps, WebRequest

_LIFETIME = timedelta(minutes=5)
_TIMEOUT_MS = 60_000
_ALGORITHMS = (-8, -7, -257)  # Ed25519, ES256, RS256; Source: IANA COSE Algorithms
_FAILED = "This passkey is not known here, or its answer is not valid. Try again."


class PasskeyFields(Struct, kw_only=True):
    """The answer of an authenticator."""

    challenge: str = ""
    credential: str = ""
    next: str = ""


class Asked(msgspec.Struct, frozen=True):
    """What a page asks an authenticator."""

    options: str
    """JSON for the script."""
    challenge: str
    """Comes back with the answer; its mark proves that this server made it."""


def ask_to_sign_in(request: WebRequest, deps: WebDeps) -> Asked:
    """Return the options for signing in with any passkey of this server."""
    challenge, marked = _challenge(deps)
    options = {
        "challenge": challenge,
        "rpId": _host(request, deps),
        "userVerification": "required",
        "timeout": _TIMEOUT_MS,
    }
    return Asked(json.dumps(options), marked)


def ask_to_create(
    request: WebRequest,
    deps: WebDeps,
    *,
    handle: str,
    username: str,
    display_name: str | None,
    known: Sequence[str] = (),
) -> Asked:
    """Return the options for a new passkey.

    Args:
        handle: The id of the account in the authenticator.
        known: Ids of the account's passkeys; an authenticator that has one of them makes no other.
    """
    challenge, marked = _challenge(deps)
    options = {
        "challenge": challenge,
        "rp": {"id": _host(request, deps), "name": "Mydia"},
        "user": {
            "id": _encoded(handle.encode()),
            "name": username,
            "displayName": display_name or username,
        },
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in _ALGORITHMS],
        "excludeCredentials": [{"type": "public-key", "id": one} for one in known],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "timeout": _TIMEOUT_MS,
    }
    return Asked(json.dumps(options), marked)


def created(request: WebRequest, deps: WebDeps, sent: PasskeyFields) -> users.factors.NewPasskey:
    """Return the passkey that an authenticator made.

    Raises:
        Invalid: The answer is not valid, or the challenge is too old or was used before.
    """
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    challenge = _use(deps, sent.challenge)
    try:
        found = verify_registration_response(
            credential=sent.credential,
            expected_challenge=challenge,
            expected_rp_id=_host(request, deps),
            expected_origin=_origin(request, deps),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Invalid(_FAILED, fields={"": _FAILED}) from error
    return users.factors.NewPasskey(
        credential_id=_encoded(found.credential_id),
        public_key=_encoded(found.credential_public_key),
        sign_count=found.sign_count,
    )


def signed_in(request: WebRequest, deps: WebDeps, sent: PasskeyFields) -> User:
    """Return the account whose passkey answered.

    Raises:
        Invalid: The answer is not valid, or the account is disabled.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    challenge, now = _use(deps, sent.challenge), clock.now()
    try:
        credential_id = str(json.loads(sent.credential)["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(_FAILED) from error
    with deps.database.reads() as session:
        sealer = settings.sealer(session)
        known = users.factors.find_passkey(session, sealer, credential_id)
    if known is None:
        raise Invalid(_FAILED)
    try:
        found = verify_authentication_response(
            credential=sent.credential,
            expected_challenge=challenge,
            expected_rp_id=_host(request, deps),
            expected_origin=_origin(request, deps),
            credential_public_key=_decoded(known.public_key),
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Invalid(_FAILED) from error
    with deps.database.writes() as session:
        return users.factors.use_passkey(session, sealer, now, credential_id, sign_count=found.new_sign_count)


def _challenge(deps: WebDeps) -> tuple[str, str]:
    """Return a challenge, and the same with its time and a mark that only this server can make."""
    challenge = secrets.token_urlsafe(32)
    text = f"{challenge}.{int(clock.now().timestamp())}"
    return challenge, f"{text}.{_mark(deps, text)}"


def _use(deps: WebDeps, marked: str) -> bytes:
    """Return the challenge of a form and use it up.

    Raises:
        Invalid: It is not from this server, too old, or was used before.
    """
    text, _, mark = marked.rpartition(".")
    challenge, _, at = text.partition(".")
    now = clock.now()
    fresh = (
        at.isascii()
        and at.isdigit()
        and len(at) < 20
        and 0 <= now.timestamp() - int(at) <= _LIFETIME.total_seconds() + 1
    )
    if not fresh or not hmac.compare_digest(mark.encode(), _mark(deps, text).encode()):
        raise Invalid("This page is too old. Reload it and try again.")
    try:
        with deps.database.writes() as session:
            users.identities.spend(session, now, challenge, keep=_LIFETIME)
    except Conflict as error:
        raise Invalid("This page is too old. Reload it and try again.") from error
    return _decoded(challenge)


def _mark(deps: WebDeps, text: str) -> str:
    return hmac.new(deps.config.secret_key(), f"passkey {text}".encode(), hashlib.sha256).hexdigest()


def _origin(request: WebRequest, deps: WebDeps) -> str:
    return deps.config.external_url if deps.config["server.url"] else security.own_origin(request)


def _host(request: WebRequest, deps: WebDeps) -> str:
    return urlsplit(_origin(request, deps)).hostname or ""


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
