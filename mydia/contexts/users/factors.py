"""Second factors: codes of an authenticator app, passkeys, and recovery codes for the day they are lost."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from secrets import compare_digest
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mydia import events
from mydia.contexts.users import passwords, throttle
from mydia.contexts.users.accounts import MORE_THAN_YOU, get_own, load_user
from mydia.contexts.users.models import Credential, User
from mydia.contexts.users.permissions import NOBODY, Caller, Permission, Role, permissions_of
from mydia.contexts.users.sign_in import record_failure
from mydia.db import Database
from mydia.errors import Conflict, Invalid, NotFound
from mydia.secret import Sealer, Secret

TOTP, PASSKEY, RECOVERY = "totp", "webauthn", "recovery"
_STEP_S = 30  # RFC 6238 §5.2, and the only value that every app supports
_DIGITS = 6
_SECRET_BYTES = 20  # RFC 4226 §4: 160 bits are recommended
_DRIFT_STEPS = 1
"""How many steps the clock of a phone may be off."""
_CODES = 10
_CODE_CHARACTERS = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0, 1, i, l, o: they look alike
_WRONG = "This code is not right. Use the newest code of the app, or a recovery code that was not used before."


class FactorList(msgspec.Struct, frozen=True):
    """The second factors of an account."""

    apps: tuple[Credential, ...]
    passkeys: tuple[Credential, ...]
    recovery_codes: int
    """How many are left."""


class NewPasskey(msgspec.Struct, frozen=True):
    """A passkey after every check. Texts are base64url."""

    credential_id: str
    public_key: str
    sign_count: int


class KnownPasskey(msgspec.Struct, frozen=True):
    """What the answer of a passkey is checked with."""

    public_key: str
    sign_count: int


def new_secret() -> Secret:
    """Return the secret of a new authenticator app, in Base32 as apps expect it."""
    return Secret(base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode())


def app_address(secret: Secret, username: str) -> str:
    """Return the address that a QR code holds."""
    return str(_totp(secret).get_provisioning_uri(username, "Mydia"))


def needs_second_factor(session: Session, user_id: str) -> bool:
    """Return whether a password is not enough for an account."""
    kinds = Credential.kind.in_((TOTP, PASSKEY))
    return session.scalar(select(Credential.id).where(Credential.user_id == user_id, kinds).limit(1)) is not None


def has_passkeys(session: Session, user_id: str | None = None) -> bool:
    """Return whether anybody, or this account, has a passkey, so that the sign-in page can ask for one."""
    query = select(Credential.id).where(Credential.kind == PASSKEY)
    if user_id is not None:
        query = query.where(Credential.user_id == user_id)
    return session.scalar(query.limit(1)) is not None


def list_factors(session: Session, sealer: Sealer, caller: Caller) -> FactorList:
    """Return the caller's own second factors, oldest first."""
    user = get_own(session, caller)
    return FactorList(
        tuple(session.scalars(_of_kind(user.id, TOTP))),
        tuple(session.scalars(_of_kind(user.id, PASSKEY))),
        len(_codes(_recovery(session, user.id), sealer)),
    )


def add_app(
    session: Session,
    sealer: Sealer,
    caller: Caller,
    now: datetime,
    secret: Secret,
    code: str,
    confirmed: passwords.Confirmed,
    *,
    name: str = "",
) -> Sequence[str]:
    """Add an authenticator app that showed a code.

    Args:
        confirmed: Without it, an unlocked browser would be enough to lock its owner out.

    Returns:
        The recovery codes if these are the first, to be shown once.

    Raises:
        Invalid: The code is not the app's.
    Emits:
        UserChanged.
    """
    user = get_own(session, caller)
    passwords.require_confirmed(user.id, confirmed)
    step = _matching_step(secret, code, now, after=0)
    if step is None:
        sentence = "This is not the code of the app. Check the clock of the phone."
        raise Invalid(sentence, fields={"code": sentence})
    named = " ".join(name.split())[:80] or "Authenticator app"
    sealed = sealer.seal(json.dumps({"secret": secret.reveal(), "step": step}))
    session.add(Credential(user_id=user.id, kind=TOTP, name=named, sealed=sealed, created_at=now))
    _record(session, caller, now, user, [None, named])
    return () if _recovery(session, user.id) else _new_codes(session, sealer, now, user)


def add_passkey(
    session: Session, sealer: Sealer, caller: Caller, now: datetime, new: NewPasskey, *, name: str = ""
) -> Sequence[str]:
    """Add a passkey to the caller's account.

    Returns:
        The recovery codes if these are the first, to be shown once.

    Raises:
        Conflict: An account has this passkey already.
    Emits:
        UserChanged.
    """
    user = get_own(session, caller)
    if session.scalar(select(Credential.id).where(Credential.lookup == new.credential_id)) is not None:
        raise Conflict("This passkey was added already.")
    named = " ".join(name.split())[:80] or "Passkey"
    sealed = sealer.seal(json.dumps({"public_key": new.public_key, "sign_count": new.sign_count}))
    row = Credential(user_id=user.id, kind=PASSKEY, name=named, lookup=new.credential_id, sealed=sealed, created_at=now)
    session.add(row)
    _record(session, caller, now, user, [None, named])
    return () if _recovery(session, user.id) else _new_codes(session, sealer, now, user)


def find_passkey(session: Session, sealer: Sealer, credential_id: str) -> KnownPasskey | None:
    """Return a passkey of an enabled account."""
    row = session.scalar(
        select(Credential)
        .join(User, User.id == Credential.user_id)
        .where(Credential.lookup == credential_id, Credential.kind == PASSKEY, User.disabled_at.is_(None))
    )
    if row is None:
        return None
    kept = json.loads(sealer.open(row.sealed).reveal())
    return KnownPasskey(kept["public_key"], kept["sign_count"])


def use_passkey(session: Session, sealer: Sealer, now: datetime, credential_id: str, *, sign_count: int) -> User:
    """Record that a passkey signed somebody in, and return the account.

    Args:
        sign_count: The authenticator's counter, which finds copies of a passkey.
    """
    row = session.scalars(select(Credential).where(Credential.lookup == credential_id)).one()
    kept = json.loads(sealer.open(row.sealed).reveal())
    row.sealed, row.last_used_at = sealer.seal(json.dumps(kept | {"sign_count": sign_count})), now
    return load_user(session, row.user_id)


def remove_factor(
    session: Session, caller: Caller, now: datetime, credential_id: str, confirmed: passwords.Confirmed
) -> None:
    """Remove an authenticator app or passkey of the caller; with the last one, the recovery codes go too.

    Raises:
        NotFound: There is no such app or passkey.
    Emits:
        UserChanged.
    """
    user = get_own(session, caller)
    passwords.require_confirmed(user.id, confirmed)
    row = session.get(Credential, credential_id)
    if row is None or row.user_id != user.id or row.kind == RECOVERY:
        raise NotFound("It was removed already.")
    session.delete(row)
    session.flush()
    if not needs_second_factor(session, user.id):
        session.execute(delete(Credential).where(Credential.user_id == user.id))
    _record(session, caller, now, user, [row.name, None])


def renew_recovery_codes(
    session: Session, sealer: Sealer, caller: Caller, now: datetime, confirmed: passwords.Confirmed
) -> Sequence[str]:
    """Replace the caller's recovery codes and return them, to be shown once.

    Raises:
        Conflict: The account has no second factor.
    Emits:
        UserChanged.
    """
    user = get_own(session, caller)
    passwords.require_confirmed(user.id, confirmed)
    if not needs_second_factor(session, user.id):
        raise Conflict("Add an authenticator app or a passkey first.")
    _record(session, caller, now, user, ["…", "new recovery codes"])
    return _new_codes(session, sealer, now, user)


def reset_factors(session: Session, caller: Caller, now: datetime, user_id: str) -> None:
    """Remove all second factors of somebody who lost them.

    Raises:
        Forbidden: The account has permissions that the caller does not have.
    Emits:
        UserChanged.
    """
    caller.require(Permission.MANAGE_USERS)
    user = load_user(session, user_id)
    caller.require_at_least(permissions_of(Role(user.role)), MORE_THAN_YOU)
    session.execute(delete(Credential).where(Credential.user_id == user.id))
    _record(session, caller, now, user, ["…", None])


def has_factors(session: Session, caller: Caller, user_id: str) -> bool:
    """Return whether an account has a second factor."""
    caller.require(Permission.MANAGE_USERS)
    return needs_second_factor(session, user_id)


def verify_code(
    database: Database, sealer: Sealer, now: datetime, user_id: str, code: str, address: str, *, agent: str = ""
) -> User:
    """Return the account if a code is right: of one of its apps, or a recovery code. Every code works once.

    Raises:
        Invalid: It is wrong.
        TooManyAttempts: Too many codes were wrong.
    Emits:
        SignInFailed.
    """
    with database.writes() as session:
        user = load_user(session, user_id)
        place = f"code/{user.username}"  # no user name has a slash
        attempt = throttle.reserve(session, now, place, address, per_username=throttle.CODES_PER_ACCOUNT)
    with database.writes() as session:
        fits = _use_app_code(session, sealer, now, user_id, code) or _use_recovery_code(session, sealer, user_id, code)
        if fits:
            throttle.forgive(session, place, address, attempt)
    if not fits:
        record_failure(database, now, NOBODY, user.username, address, "wrong code", user_id=user.id, agent=agent)
        raise Invalid(_WRONG, fields={"code": _WRONG})
    return user


def _use_app_code(session: Session, sealer: Sealer, now: datetime, user_id: str, code: str) -> bool:
    for row in session.scalars(_of_kind(user_id, TOTP)):
        kept = json.loads(sealer.open(row.sealed).reveal())
        secret = kept["secret"]
        step = _matching_step(Secret(secret), code, now, after=kept["step"])
        if step is not None:
            row.sealed, row.last_used_at = sealer.seal(json.dumps({"secret": secret, "step": step})), now
            return True
    return False


def _use_recovery_code(session: Session, sealer: Sealer, user_id: str, code: str) -> bool:
    row = _recovery(session, user_id)
    left = _codes(row, sealer)
    used = _digest(code)
    if row is None or used not in left:
        return False
    row.sealed = sealer.seal(json.dumps([one for one in left if one != used]))
    return True


def _matching_step(secret: Secret, code: str, now: datetime, *, after: int) -> int | None:
    """Return the time step of a code, None if it fits none near now.

    Args:
        after: The step of the code that was used last; that one and older ones are refused (RFC 6238 §5.2).
    """
    typed = "".join(code.split())
    if len(typed) != _DIGITS or not typed.isdecimal():
        return None
    present = int(now.timestamp()) // _STEP_S
    totp = _totp(secret)
    for step in range(present - _DRIFT_STEPS, present + _DRIFT_STEPS + 1):
        if step > after and compare_digest(totp.generate(step * _STEP_S), typed.encode()):
            return step
    return None


def _totp(secret: Secret) -> Any:
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP as Totp  # noqa: N811  our TOTP is the kind of a credential

    # SHA-1, because many apps ignore any other; in HMAC it is not broken.
    return Totp(base64.b32decode(secret.reveal()), _DIGITS, SHA1(), _STEP_S)  # noqa: S303


def _of_kind(user_id: str, kind: str) -> Any:
    return select(Credential).where(Credential.user_id == user_id, Credential.kind == kind).order_by(Credential.id)


def _recovery(session: Session, user_id: str) -> Credential | None:
    return session.scalar(select(Credential).where(Credential.user_id == user_id, Credential.kind == RECOVERY))


def _codes(row: Credential | None, sealer: Sealer) -> list[str]:
    return [] if row is None else [str(one) for one in json.loads(sealer.open(row.sealed).reveal())]


def _new_codes(session: Session, sealer: Sealer, now: datetime, user: User) -> Sequence[str]:
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_CODE_CHARACTERS)) for _ in range(_CODES)]
    sealed = sealer.seal(json.dumps([_digest(code) for code in codes]))
    row = _recovery(session, user.id)
    if row is None:
        session.add(Credential(user_id=user.id, kind=RECOVERY, name="Recovery codes", sealed=sealed, created_at=now))
    else:
        row.sealed, row.created_at = sealed, now
    half = _CODE_CHARACTERS // 2
    return [f"{code[:half]}-{code[half:]}" for code in codes]


def _digest(code: str) -> str:
    # The codes are random, 49 bits each, and tried at most ten times in a quarter of an hour, so a plain hash is enough.
    return hashlib.sha256("".join(code.lower().split()).replace("-", "").encode()).hexdigest()


def _record(session: Session, caller: Caller, now: datetime, user: User, change: list[object]) -> None:
    events.emit(session, caller, events.UserChanged(user.id, user.username, {"second factor": change}), at=now)
