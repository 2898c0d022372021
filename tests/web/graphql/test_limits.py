"""Hostile documents are refused quickly, and what is disabled stays disabled."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from graphql import GraphQLError, get_introspection_query

from mydia.contexts import settings
from mydia.contexts.users import SYSTEM
from mydia.web.graphql.engine import engine
from mydia.web.graphql.incoming import Operation, PersistedQueries, UnknownQuery
from tests.contexts.downloads.conftest import House
from tests.web.graphql.conftest import Graph


def _chain(fragments: int) -> str:
    """Each fragment includes the next one twice, so expanding them would take 2^n steps."""
    links = (f"fragment F{n} on Viewer {{ id ...F{n + 1} ...F{n + 1} }}" for n in range(fragments))
    return f"{{ me {{ ...F0 }} }} {' '.join(links)} fragment F{fragments} on Viewer {{ id }}"


_HOSTILE = {
    "deep": "{ mediaItems { nodes { " + "downloads { media { " * 10 + "id" + " } }" * 10 + " } } }",
    "wide": "{ me { " + "role " * 1_900 + "} }",
    "aliases": "{ mediaItems { nodes { " + " ".join(f"a{n}: title" for n in range(60)) + " } } }",
    "root fields": "{ " + " ".join(f"a{n}: me {{ id }}" for n in range(25)) + " }",
    "costly": "{ mediaItems(first: 100) { nodes { downloads { reasons { text facts kind at } media { files { id } } } } } }",
    "costly by variable": "query ($n: Int!) { mediaItems(first: $n) { nodes { downloads { media { files { id size path } } } } } }",
    "fragments": _chain(40),
    "many fragments": _chain(200),
    "cycle": "{ me { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }",
    "tokens": "{ " + "me " * 5_000 + "}",
    "directives": "{ me { id " + "@include(if: true) " * 900 + "} }",
    "nested values": "{ search(q: " + "[" * 1_900 + "]" * 1_900 + ") { notice } }",
    "nested fragments": "{ me { " + "... { " * 900 + "id" + " }" * 900 + " } }",
    "braces": "{" * 3_900,
    "schema by aliases": "{ a: __schema { types { b: fields { name } c: fields { name } } } }",
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_hostile_document_is_refused_before_it_is_expanded(admin: Graph, name: str) -> None:
    told = admin.send(_HOSTILE[name], {"n": 100}).json()
    assert told["errors"][0]["extensions"]["code"] in {"TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED"}, told
    assert "data" not in told
    # Expanding the chains of fragments would take longer than a test may run.
    operation = Operation(query=_HOSTILE[name], variables={"n": 100}, name=None)
    with pytest.raises(GraphQLError):
        engine().prepare(operation, introspection=True)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[]", "batches are not supported"),
        (b'[{"query": "{ me { id } }"}]', "batches are not supported"),
        (b'"text"', "Send an object"),
        (b"{}", "Send a GraphQL document"),
        (b'{"query": 1}', "Send a GraphQL document"),
        (b'{"query": "{ me { id } }", "variables": []}', "variables must be an object"),
        (b'{"query": "{ me { id } }", "operationName": 1}', "operationName must be text"),
        (b"{", "not valid JSON"),
    ],
)
def test_a_malformed_request_is_answered_with_the_reason(admin: Graph, body: bytes, sentence: str) -> None:
    headers = {"x-api-key": admin.key or "", "content-type": "application/json"}
    answer = admin.client.post("/graphql", content=body, headers=headers)
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]


def test_only_json_is_read(admin: Graph) -> None:
    headers = {"x-api-key": admin.key or ""}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = admin.client.post("/graphql", content=b"query=1", headers={**headers, "content-type": kind})
        assert answer.status_code == 415, kind


def test_a_stranger_gets_401_and_a_wrong_document_400_or_200(admin: Graph, graph: Any) -> None:
    assert graph(None).send("{ me { id } }").status_code == 401
    assert admin.send("{ nothing }").status_code == 200
    modern = {"accept": "application/graphql-response+json"}
    answer = admin.send("{ nothing }", headers=modern)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/graphql-response+json")
    assert admin.send("{ me { id } }", headers=modern).status_code == 200


def _change(house: House, **values: Any) -> None:
    with house.database.writes() as session:
        settings.change_values(session, SYSTEM, house.now, {f"graphql.{name}": one for name, one in values.items()})


def test_introspection_can_be_disabled(admin: Graph, house: House) -> None:
    assert admin(get_introspection_query())["__schema"]["types"]
    _change(house, introspection=False)
    for document in (get_introspection_query(), '{ __type(name: "MediaItem") { name } }'):
        assert "introspection" in admin.errors(document)[0]["message"]
    assert admin("{ me { __typename } }") == {"me": {"__typename": "Viewer"}}


def _by_hash(admin: Graph, query: str | None, digest: str) -> Any:
    return admin.send(
        query or "", body={"query": query, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    ).json()


def test_a_query_is_sent_once_and_then_by_its_hash(admin: Graph, house: House) -> None:
    query = "{ me { role } }"
    digest = hashlib.sha256(query.encode()).hexdigest()
    assert _by_hash(admin, None, digest)["errors"][0]["message"] == "PersistedQueryNotFound"
    assert _by_hash(admin, query, digest)["data"] == {"me": {"role": "admin"}}
    assert _by_hash(admin, None, digest)["data"] == {"me": {"role": "admin"}}
    assert "SHA-256" in _by_hash(admin, "{ me { id } }", digest)["detail"]
    _change(house, persisted_queries=False)
    assert _by_hash(admin, None, digest)["errors"][0]["message"] == "PersistedQueryNotSupported"
    assert _by_hash(admin, query, digest)["data"] == {"me": {"role": "admin"}}


def test_a_stream_whose_hash_is_not_known_asks_for_the_query_too(admin: Graph) -> None:
    body = {"query": None, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    answer = admin.send("", body=body, headers={"accept": "text/event-stream"})
    assert answer.status_code == 200
    assert '"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"}' in answer.text


def test_kept_queries_are_limited_in_bytes() -> None:
    kept = PersistedQueries(limit_bytes=100)
    digests = []
    for number in range(5):
        query = f"{{ a{number} }}".ljust(40)
        digests.append(hashlib.sha256(query.encode()).hexdigest())
        kept.keep(digests[-1], query)
    assert [kept.find(digest) for digest in digests[3:]]
    for digest in digests[:3]:
        with pytest.raises(UnknownQuery):
            kept.find(digest)


def test_errors_have_a_code_and_the_wrong_fields(admin: Graph, house: House) -> None:
    change = "mutation ($id: ID!, $input: MediaChangeInput!) { changeMedia(mediaId: $id, input: $input) { id } }"
    (error,) = admin.errors(change, id=house.film_id, input={"year": 1})
    assert error["extensions"]["code"] == "INVALID"
    assert error["extensions"]["fields"] == {"year": "Must be 1870 or more."}
    (error,) = admin.errors('mutation { removeMedia(mediaId: "none") }')
    assert error["extensions"]["code"] == "NOT_FOUND"
    (error,) = admin.errors("{ mediaItems(first: 500) { nodes { id } } }")
    assert error["extensions"] == {"code": "INVALID", "fields": {"first": "Must be between 1 and 100."}}
    (error,) = admin.errors('mutation { updateConfig(input: {jobsScanCron: "never"}) { settings { key } } }')
    assert error["extensions"]["code"] == "INVALID"
    assert list(error["extensions"]["fields"]) == ["jobsScanCron"]


def test_the_explorer_is_served_and_can_be_disabled(admin: Graph, house: House) -> None:
    headers = {"x-api-key": admin.key or "", "accept": "text/html"}
    answer = admin.client.get("/graphql", headers=headers)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert 'id="explorer-query"' in answer.text
    assert re.search(r'<script type="module" src="/static/explorer\.[0-9a-f]+\.js"></script>', answer.text)
    _change(house, explorer=False)
    assert admin.client.get("/graphql", headers=headers).status_code == 404
    assert admin("{ me { role } }") == {"me": {"role": "admin"}}
