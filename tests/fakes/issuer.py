"""A small OIDC provider that follows the protocol, and breaks it in one way on request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from tests.fakes.stand_in import Answer, Asked, StandIn

CLIENT_ID, CLIENT_SECRET = "mydia", "the secret of mydia"
_KINDS: dict[str, Callable[[str], Key]] = {
    "RS256": lambda kid: RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}),
    "ES256": lambda kid: ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"}),
    "EdDSA": lambda kid: OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig", "alg": "EdDSA"}),
}


class Issuer(StandIn):
    """A provider. Tests change its people, its claims and what it does wrong."""

    def __init__(self, *, algorithm: str = "RS256") -> None:
        super().__init__()
        self.algorithm = algorithm
        self.keys = [_KINDS[algorithm]("first")]
        self.published: list[dict[str, Any]] | None = None
        """The keys that are published; None: those in use."""
        self.person: dict[str, Any] = {"sub": "p1", "preferred_username": "Kim", "name": "Kim Doe"}
        self.claims: dict[str, Any] = {}
        """Claims of the ID token that differ from the right ones. None leaves a claim out."""
        self.header: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = self.signed
        self.document: dict[str, Any] = {}
        """Entries of the discovery document that differ. None leaves one out."""
        self.userinfo_sub: str | None = None
        self.answer_with: dict[str, str] = {}
        """Parameters of the answer to the browser that differ."""
        self.codes: dict[str, dict[str, str]] = {}
        self.used: set[str] = set()
        self.signed_out: list[dict[str, str]] = []

    def rotate(self) -> None:
        """Replace the key."""
        self.keys = [_KINDS[self.algorithm](token_urlsafe(4))]

    def authorize(self, address: str) -> str:
        """Do what a browser would cause at the authorization endpoint; return where it is sent."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = token_urlsafe(12)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.url} | self.answer_with
        return f"{asked['redirect_uri']}?{urlencode({name: text for name, text in answer.items() if text})}"

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Sign as configured."""
        return jwt.encode(header, claims, self.keys[0], algorithms=[self.algorithm])

    def unsigned(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Sign with `none`."""
        return f"{_part(header | {'alg': 'none'})}.{_part(claims)}."

    def signed_with_public_key(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Sign with HS256, taking the public key for the secret."""
        key = self.keys[0]
        assert isinstance(key, RSAKey)
        signed = f"{_part(header | {'alg': 'HS256'})}.{_part(claims)}"
        digest = hmac.new(key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    def answer(self, asked: Asked) -> Answer:
        match asked.path:
            case "/.well-known/openid-configuration":
                return Answer.of(self._document())
            case "/jwks":
                keys = self.published
                return Answer.of({"keys": [key.as_dict(private=False) for key in self.keys] if keys is None else keys})
            case "/token":
                return self._token(asked)
            case "/userinfo":
                if asked.headers.get("authorization") != "Bearer the access token":
                    return Answer.of({"error": "invalid_token"}, 401)
                return Answer.of(self.person | {"sub": self.userinfo_sub or self.person["sub"]})
        return Answer.of({"error": "not found"}, 404)

    def error_body(self, kind: str) -> Answer:
        return Answer.of({"error": kind}, {"limited": 429, "not_found": 404}.get(kind, 500))

    def _document(self) -> dict[str, Any]:
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/session/end",
            "id_token_signing_alg_values_supported": [self.algorithm],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": True,
            "response_types_supported": ["code"],
        }
        return {name: value for name, value in (document | self.document).items() if value is not None}

    def _token(self, asked: Asked) -> Answer:
        sent = dict(parse_qsl(asked.body.decode()))
        begun = self.codes.get(sent.get("code", ""))
        if begun is None or sent["code"] in self.used or sent.get("redirect_uri") != begun["redirect_uri"]:
            return Answer.of({"error": "invalid_grant", "error_description": "the code is not valid"}, 400)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != begun["code_challenge"]:
            return Answer.of({"error": "invalid_grant", "error_description": "PKCE"}, 400)
        if (sent.get("client_id"), sent.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return Answer.of({"error": "invalid_client"}, 401)
        self.used.add(sent["code"])
        at_s = int(time.time())
        half = hashlib.sha256(b"the access token").digest()[:16]
        claims = {
            "iss": self.url,
            "sub": self.person["sub"],
            "aud": CLIENT_ID,
            "exp": at_s + 300,
            "iat": at_s,
            "nonce": begun.get("nonce"),
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode() if self.algorithm != "EdDSA" else None,
        } | self.claims
        header = {"alg": self.algorithm, "kid": self.keys[0].kid} | self.header
        token = self.sign(header, {name: value for name, value in claims.items() if value is not None})
        return Answer.of(
            {"access_token": "the access token", "token_type": "Bearer", "expires_in": 300, "id_token": token}
        )


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
