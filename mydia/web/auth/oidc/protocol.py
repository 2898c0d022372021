"""The OIDC protocol: discovery, the authorization request, the exchange of the code, and every check of what comes back.

Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (`iss`), RFC 9700 (best practice). Authlib and
joserfc are imported on first use, because only signing in needs them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from secrets import compare_digest
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from mydia import clock
from mydia.adapters.errors import AdapterError, Unreachable
from mydia.adapters.http import Http, Response
from mydia.config import is_web_address
from mydia.contexts import settings
from mydia.contexts.users import Asserted
from mydia.errors import Invalid

if TYPE_CHECKING:
    from joserfc.jwk import Key

logger = logging.getLogger(__name__)
Provider = settings.providers.Provider

ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""Accepted signature -> the type of its key. No `none`, and no HS256: its key would be the client secret, or a public key."""
_LEEWAY_S = 60
"""How far the clocks of provider and Mydia may be apart."""
_TIMEOUT_S = 5.0
_MOST_BYTES = 512 * 1024
_METADATA_S = 3600.0
_RETRY_S = 5.0
"""After a failed discovery, the next one waits this long."""
_WAIT_S = 3.0
"""How long to wait for a discovery that another request has begun."""
_KEYS_S = 300.0
_REFETCH_S = 10.0
"""How long the keys are kept at least, even if a token names an unknown one."""
_MOST_KEYS = 50
_LONGEST_TOKEN = 64 * 1024
_LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0 §2
_MOST_GROUPS = 1_000


class Fault(StrEnum):
    """Why a sign-in failed."""

    ATTEMPT = "attempt"
    PROVIDER = "provider"
    DISCOVERY = "discovery"
    CONFIGURED_ISSUER = "configured_issuer"
    ISSUER = "issuer"
    CODE = "code"
    TOKEN = "token"  # noqa: S105  a code, no password
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    PARTY = "party"
    EXPIRED = "expired"
    ISSUED = "issued"
    NONCE = "nonce"
    ACCESS_TOKEN = "access_token"  # noqa: S105  the same
    SUBJECT = "subject"


_SENTENCES = {
    Fault.ATTEMPT: "This sign-in was started in another browser, took too long or was used before. Start again.",
    Fault.PROVIDER: "{provider} did not sign you in: {said}.",
    Fault.DISCOVERY: "{provider} does not describe itself as an OIDC provider: {said}.",
    Fault.CONFIGURED_ISSUER: "{provider} calls itself {said}. Enter exactly this issuer in the settings.",
    Fault.ISSUER: "The answer came from another provider than {provider}. Nobody was signed in.",
    Fault.CODE: "{provider} did not accept the sign-in: {said}.",
    Fault.TOKEN: "{provider} sent no valid ID token.",
    Fault.ALGORITHM: "{provider} signs with an algorithm that is not accepted ({said}). Choose RS256 or ES256 there.",
    Fault.SIGNATURE: "The ID token is not signed with a key of {provider}.",
    Fault.AUDIENCE: "The ID token of {provider} was issued to another application.",
    Fault.PARTY: "The ID token of {provider} was issued to another application.",
    Fault.EXPIRED: "The ID token of {provider} has expired. Check the clocks of both servers.",
    Fault.ISSUED: "The ID token of {provider} is from the future. Check the clocks of both servers.",
    Fault.NONCE: "The ID token of {provider} belongs to another sign-in. Start again.",
    Fault.ACCESS_TOKEN: "The tokens of {provider} do not belong together.",
    Fault.SUBJECT: "{provider} described another person than the one it signed in.",
}


class SignInFault(Invalid):
    """A sign-in at a provider failed."""

    def __init__(self, code: Fault, provider: str, said: str = "") -> None:
        super().__init__(_SENTENCES[code].format(provider=provider, said=said))
        self.code = code


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says about itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    token_auth_method: str
    sends_issuer: bool
    """Whether it promises `iss` with every answer (RFC 9207)."""
    algorithms: frozenset[str]

    @property
    def endpoints(self) -> tuple[tuple[str, str], ...]:
        """Label and address of each endpoint, for people."""
        named = (
            ("Issuer", self.issuer),
            ("Sign-in", self.authorization_endpoint),
            ("Token", self.token_endpoint),
            ("Keys", self.jwks_uri),
            ("Userinfo", self.userinfo_endpoint),
            ("Sign-out", self.end_session_endpoint),
        )
        return tuple((label, address) for label, address in named if address)


class Person(msgspec.Struct, frozen=True):
    """Who signed in."""

    asserted: Asserted
    id_token: str


class Known:
    """Discovery documents and keys of providers, per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[tuple[str | None, ...], threading.Lock] = {}
        self._metadata: dict[tuple[str | None, ...], tuple[Metadata | Exception, float]] = {}
        self._keys: dict[str, tuple[tuple[Key, ...], float]] = {}

    def metadata(self, http: Http, provider: Provider, *, fresh: bool = False) -> Metadata:
        """Return a provider's discovery document, cached for an hour.

        Args:
            fresh: Ignore the cache.

        Raises:
            AdapterError: The provider does not answer.
            SignInFault: The answer is not a usable document.
        """
        place = (provider.issuer, provider.discovery_url)
        if not fresh and (known := self._recent(place)) is not None:
            return known
        with self._lock:
            busy = self._busy.setdefault(place, threading.Lock())
        if not busy.acquire(timeout=_WAIT_S):
            raise Unreachable(provider.name, "does not answer; try again later")
        try:
            if not fresh and (known := self._recent(place)) is not None:
                return known
            try:
                found = discover(http, provider)
            except (AdapterError, SignInFault) as error:
                self._metadata[place] = (error, clock.monotonic_s() + _RETRY_S)
                raise
            self._metadata[place] = (found, clock.monotonic_s() + _METADATA_S)
            return found
        finally:
            busy.release()

    def _recent(self, place: tuple[str | None, ...]) -> Metadata | None:
        found, until_s = self._metadata.get(place, (None, 0.0))
        if found is None or clock.monotonic_s() >= until_s:
            return None
        if isinstance(found, Exception):
            raise found
        return found

    def keys(self, http: Http, provider: Provider, metadata: Metadata, *, newer: bool = False) -> tuple[Key, ...]:
        """Return a provider's keys, cached for some minutes.

        Args:
            newer: A token names a key that is not among them. They are fetched again, but not for every such token.

        Raises:
            AdapterError: The provider does not answer.
        """
        keys, fetched_s = self._keys.get(metadata.jwks_uri, ((), -_KEYS_S))
        if clock.monotonic_s() - fetched_s < (_REFETCH_S if newer else _KEYS_S):
            return keys
        answer = _get(http, provider, metadata.jwks_uri)
        keys = tuple(_read_keys(answer.json(provider.name)))
        self._keys[metadata.jwks_uri] = (keys, clock.monotonic_s())
        return keys


def discover(http: Http, provider: Provider) -> Metadata:
    """Fetch a provider's discovery document.

    Raises:
        AdapterError: It does not answer.
        SignInFault: The document has another issuer, or lacks an endpoint.
    """
    address = provider.discovery_url or f"{(provider.issuer or '').rstrip('/')}/.well-known/openid-configuration"
    answer = http.get(
        provider.name, address, headers={"Accept": "application/json"}, timeout_s=_TIMEOUT_S, max_bytes=_MOST_BYTES
    )
    document = answer.json(provider.name)
    if not isinstance(document, dict):
        raise SignInFault(Fault.DISCOVERY, provider.name, "the document is not an object")
    issuer = document.get("issuer")
    if not isinstance(issuer, str) or not is_web_address(issuer):
        raise SignInFault(Fault.DISCOVERY, provider.name, "issuer is missing")
    if provider.issuer and provider.issuer.rstrip("/") != issuer.rstrip("/"):
        raise SignInFault(Fault.CONFIGURED_ISSUER, provider.name, plain(issuer))
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    algorithms = _texts(document.get("id_token_signing_alg_values_supported")) or ("RS256",)
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(provider, document, "authorization_endpoint"),
        token_endpoint=_endpoint(provider, document, "token_endpoint"),
        jwks_uri=_endpoint(provider, document, "jwks_uri"),
        userinfo_endpoint=_optional_endpoint(document, "userinfo_endpoint"),
        end_session_endpoint=_optional_endpoint(document, "end_session_endpoint"),
        token_auth_method=_auth_method(provider, _texts(methods)),
        sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        algorithms=frozenset(algorithms) & ALGORITHMS.keys(),
    )


def _endpoint(provider: Provider, document: Mapping[str, Any], name: str) -> str:
    found = _optional_endpoint(document, name)
    if found is None:
        raise SignInFault(Fault.DISCOVERY, provider.name, f"{name} is missing")
    return found


def _optional_endpoint(document: Mapping[str, Any], name: str) -> str | None:
    found = document.get(name)
    return found if isinstance(found, str) and is_web_address(found) else None


def _auth_method(provider: Provider, offered: Collection[str]) -> str:
    if not provider.secret:
        return "none"
    # Basic encodes some characters (RFC 6749 §2.3.1), which not every provider decodes, so it is used for plain ones.
    named = provider.client_id + provider.secret.reveal()
    plain = "client_secret_basic" in offered and quote_plus(named) == named
    return "client_secret_basic" if plain or "client_secret_post" not in offered else "client_secret_post"


def authorization_address(
    provider: Provider, metadata: Metadata, redirect_url: str, *, state: str, nonce: str, verifier: str
) -> str:
    """Return where the browser goes to sign in."""
    from authlib.oauth2.client import OAuth2Client

    client = OAuth2Client(
        None, provider.client_id, scope=provider.scopes, redirect_uri=redirect_url, code_challenge_method="S256"
    )
    address, _ = client.create_authorization_url(
        metadata.authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce
    )
    return str(address)


def exchange(
    http: Http,
    known: Known,
    provider: Provider,
    metadata: Metadata,
    now: datetime,
    *,
    code: str,
    redirect_url: str,
    nonce: str,
    verifier: str,
) -> Person:
    """Exchange a code for tokens, check them, and ask for the person's claims.

    Raises:
        AdapterError: The provider does not answer.
        SignInFault: A check failed.
    """
    tokens = _fetch_tokens(http, provider, metadata, code=code, redirect_url=redirect_url, verifier=verifier)
    id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
    if not isinstance(id_token, str) or len(id_token) > _LONGEST_TOKEN:
        raise SignInFault(Fault.TOKEN, provider.name)
    algorithm, claims = _verified(http, known, provider, metadata, id_token)
    check_claims(claims, provider, metadata.issuer, now, nonce=nonce)
    if "at_hash" in claims and isinstance(access_token, str):
        _check_access_token(provider, algorithm, claims["at_hash"], access_token)
    more: Mapping[str, Any] = {}
    if metadata.userinfo_endpoint and isinstance(access_token, str):
        more = _userinfo(http, known, provider, metadata, access_token)
        if more.get("sub") != claims["sub"]:
            raise SignInFault(Fault.SUBJECT, provider.name)
    return Person(asserted_by(claims, more, metadata.issuer, provider.role_claim), id_token)


class _Session:
    """What Authlib sends its requests with: our guarded HTTP client."""

    def __init__(self, http: Http, provider: Provider) -> None:
        self._http = http
        self._provider = provider

    def post(self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Answer:
        """Send a form with the client's credentials."""
        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        answer = self._http.request(
            self._provider.name,
            "POST",
            url,
            headers=sent,
            content=body.encode(),
            expected=range(400, 429),
            timeout_s=_TIMEOUT_S * 2,
            max_bytes=_MOST_BYTES,
            **_places(self._provider),
        )
        return _Answer(answer, self._provider.name)


class _Answer:
    """An answer as Authlib reads it."""

    def __init__(self, answer: Response, service: str) -> None:
        self._answer = answer
        self._service = service
        self.status_code = answer.status

    def json(self) -> Any:
        """Return the body."""
        return json.loads(self._answer.content)

    def raise_for_status(self) -> None:
        """Raise if the status is an error; those from 500 were raised before."""
        if self.status_code >= 400:
            raise SignInFault(Fault.CODE, self._service, f"HTTP {self.status_code}")


def _fetch_tokens(
    http: Http, provider: Provider, metadata: Metadata, *, code: str, redirect_url: str, verifier: str
) -> Mapping[str, Any]:
    from authlib.oauth2 import OAuth2Error
    from authlib.oauth2.client import OAuth2Client

    client = OAuth2Client(
        _Session(http, provider),
        provider.client_id,
        provider.secret.reveal(),
        token_endpoint_auth_method=metadata.token_auth_method,
        redirect_uri=redirect_url,
    )
    try:
        found = client.fetch_token(
            metadata.token_endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
        )
    except OAuth2Error as error:
        raise SignInFault(Fault.CODE, provider.name, plain(str(error.error))) from error
    except (ValueError, RecursionError) as error:
        raise SignInFault(Fault.TOKEN, provider.name) from error
    return dict(found)


def _verified(
    http: Http, known: Known, provider: Provider, metadata: Metadata, token: str
) -> tuple[str, Mapping[str, Any]]:
    """Return the algorithm and the claims of a token whose signature is right.

    Raises:
        SignInFault: It is not signed by the provider, or not in an accepted way.
    """
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        header = jws.extract_compact(token.encode()).protected
    except (JoseError, ValueError, TypeError) as error:
        raise SignInFault(Fault.TOKEN, provider.name) from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in metadata.algorithms:
        raise SignInFault(Fault.ALGORITHM, provider.name, plain(str(algorithm)))
    for newer in (False, True):
        for key in _fitting(known.keys(http, provider, metadata, newer=newer), algorithm, key_id):
            claims = _decoded(token, key, algorithm)
            if claims is not None:
                return algorithm, claims
    raise SignInFault(Fault.SIGNATURE, provider.name)


def _decoded(token: str, key: Key, algorithm: str) -> Mapping[str, Any] | None:
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        return jwt.decode(token, key, algorithms=[algorithm]).claims
    except (JoseError, ValueError, TypeError):
        return None


def _fitting(keys: Iterable[Key], algorithm: str, key_id: object) -> Iterable[Key]:
    for key in keys:
        named = key.as_dict(private=False)
        if (
            key.key_type == ALGORITHMS[algorithm]
            and named.get("use", "sig") == "sig"
            and named.get("alg", algorithm) == algorithm
            and (key_id is None or named.get("kid", key_id) == key_id)
        ):
            yield key


def _read_keys(document: Any) -> Iterable[Key]:
    """Yield the keys of a JWKS. Unknown and symmetric ones are ignored, because others may be fine."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    listed = document.get("keys") if isinstance(document, dict) else None
    for one in listed[:_MOST_KEYS] if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("kty") in ALGORITHMS.values():
            try:
                yield JWKRegistry.import_key(one)
            except (JoseError, ValueError, TypeError, KeyError):
                logger.info("a key of a sign-in provider cannot be read", extra={"kid": str(one.get("kid"))[:80]})


def check_claims(claims: Mapping[str, Any], provider: Provider, issuer: str, now: datetime, *, nonce: str) -> None:
    """Check the claims of an ID token (OpenID Connect Core 1.0 §3.1.3.7).

    Raises:
        SignInFault: One of them is wrong.
    """

    def require(fine: bool, code: Fault) -> None:
        if not fine:
            raise SignInFault(code, provider.name)

    require(claims.get("iss") == issuer, Fault.ISSUER)
    audience, party = claims.get("aud"), claims.get("azp")
    audiences = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    require(provider.client_id in audiences, Fault.AUDIENCE)
    require(party == provider.client_id if len(audiences) > 1 or party is not None else True, Fault.PARTY)
    expires, issued, begins = _seconds(claims.get("exp")), _seconds(claims.get("iat")), _seconds(claims.get("nbf", 0))
    at = now.timestamp()
    require(expires is not None and at < expires + _LEEWAY_S, Fault.EXPIRED)
    require(issued is not None and issued <= at + _LEEWAY_S, Fault.ISSUED)
    require(begins is not None and begins <= at + _LEEWAY_S, Fault.ISSUED)
    given = claims.get("nonce")
    require(isinstance(given, str) and compare_digest(given.encode(), nonce.encode()), Fault.NONCE)
    subject = claims.get("sub")
    require(isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT, Fault.TOKEN)


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


def _check_access_token(provider: Provider, algorithm: str, given: object, access_token: str) -> None:
    # Ed25519 uses SHA-512 internally, and providers use it for the hash too.
    digest = _HASHES.get(algorithm[-3:], hashlib.sha512)(access_token.encode()).digest()
    wanted = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(given, str) or not compare_digest(given.encode(), wanted):
        raise SignInFault(Fault.ACCESS_TOKEN, provider.name)


def _userinfo(http: Http, known: Known, provider: Provider, metadata: Metadata, access_token: str) -> Mapping[str, Any]:
    answer = _get(http, provider, str(metadata.userinfo_endpoint), headers={"Authorization": f"Bearer {access_token}"})
    if answer.content_type == "application/jwt":
        return _verified(http, known, provider, metadata, answer.text)[1]
    found = answer.json(provider.name)
    return found if isinstance(found, dict) else {}


def asserted_by(claims: Mapping[str, Any], more: Mapping[str, Any], issuer: str, role_claim: str) -> Asserted:
    """Return what the claims say. Those of the ID token come before those of the userinfo endpoint.

    Args:
        role_claim: Name of the claim with the groups; dots lead into objects.
    """
    both = {**more, **claims}

    def text(*names: str) -> str | None:
        return next(
            (value.strip() for name in names if isinstance(value := both.get(name), str) and value.strip()), None
        )

    groups = next(
        (found for source in (claims, more) if (found := _groups(_claim(source, role_claim))) is not None), None
    )
    return Asserted(
        issuer=issuer,
        subject=str(claims["sub"]),
        username=text("preferred_username", "nickname"),
        display_name=text("name"),
        email=_verified_email(claims, more),
        groups=groups,
    )


def _verified_email(*sources: Mapping[str, Any]) -> str | None:
    """Return the first address whose own source says that it is verified.

    The ID token and the userinfo can name different addresses, so the mark of one says nothing about the other.

    >>> _verified_email({"email_verified": True}, {"email": "kim@example.org"}) is None
    True
    """
    for source in sources:
        email = source.get("email")
        if isinstance(email, str) and email.strip() and source.get("email_verified") in (True, "true"):
            return email.strip()
    return None


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim. Names with dots exist too, so the exact name comes first."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _groups(found: Any) -> tuple[str, ...] | None:
    """Return the groups of a claim: a list, a text with commas, or the keys of an object (as Zitadel sends them).

    >>> _groups(["a", 1]), _groups("a, b"), _groups({"a": {}}), _groups(None)
    (('a',), ('a', 'b'), ('a',), None)
    """
    if isinstance(found, str):
        found = [part.strip() for part in found.split(",") if part.strip()]
    return _texts(found)[:_MOST_GROUPS] if isinstance(found, list | dict) else None


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list | dict) else ()


def sign_out_address(provider: Provider, metadata: Metadata, *, id_token: str, back: str) -> str | None:
    """Return where the browser goes to sign out at the provider too, or None if it offers no such address."""
    if metadata.end_session_endpoint is None:
        return None
    sent = {"id_token_hint": id_token, "client_id": provider.client_id, "post_logout_redirect_uri": back}
    joint = "&" if urlsplit(metadata.end_session_endpoint).query else "?"
    return f"{metadata.end_session_endpoint}{joint}{urlencode({name: value for name, value in sent.items() if value})}"


def _get(http: Http, provider: Provider, address: str, *, headers: Mapping[str, str] | None = None) -> Response:
    return http.get(
        provider.name,
        address,
        headers={"Accept": "application/json", **(headers or {})},
        timeout_s=_TIMEOUT_S,
        max_bytes=_MOST_BYTES,
        **_places(provider),
    )


def _places(provider: Provider) -> dict[str, Any]:
    """Return where the addresses of a discovery document may lead: to the configured hosts, or to public ones."""
    named = [address for address in (provider.issuer, provider.discovery_url) if address]
    hosts = [host for address in named if (host := urlsplit(address).hostname)]
    return {"home": named[0], "trusted_hosts": hosts}


def plain(text: str) -> str:
    """Return a provider's text in a form that is safe to show in a sentence."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:200].rstrip(".")
