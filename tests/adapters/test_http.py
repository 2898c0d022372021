"""The HTTP client: limits, blocked addresses, and errors without secrets."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from wsgiref.handlers import format_date_time

import pytest

from mydia import clock, writing
from mydia.adapters import http as module
from mydia.adapters.errors import Limited, Nonsense, Refused, Unreachable
from mydia.adapters.http import Http, Response, fault, is_allowed_address, read_retry_after, show_address, without_keys
from tests.fakes.stand_in import Answer, Asked, StandIn


class Echo(StandIn):
    """Answers by path."""

    def answer(self, asked: Asked) -> Answer:
        match asked.path:
            case "/redirect":
                return Answer(302, b"", {"Location": asked.query["to"]})
            case "/round":
                return Answer(302, b"", {"Location": "/round"})
            case "/large":
                return Answer(200, b"x" * 3_000_000)
            case "/cookie":
                return Answer(200, asked.headers.get("cookie", "").encode(), {"Set-Cookie": "a=b; path=/"})
            case "/headers":
                return Answer.of(dict(asked.headers))
            case _ if asked.path.startswith("/status/"):
                headers = {"Retry-After": asked.query["after"]} if "after" in asked.query else {}
                return Answer(int(asked.path.rpartition("/")[2]), b"words", headers)
            case _:
                return Answer.of({"query": dict(asked.query), "body": asked.body.decode()})

    def error_body(self, kind: str) -> Answer:
        return Answer(500, kind.encode())


@pytest.fixture
def http() -> Iterator[Http]:
    made = Http()
    yield made
    made.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as running:
        yield running


def test_query_and_body_arrive(http: Http, echo: Echo) -> None:
    answer = http.request("Echo", "POST", f"{echo.url}/x?a=1", params={"b": 2, "none": None}, json_body={"c": 3})

    assert answer.json("Echo") == {"query": {"a": "1", "b": "2"}, "body": '{"c": 3}'}


def test_redirects_are_followed_and_the_final_address_is_returned(http: Http, echo: Echo) -> None:
    answer = http.get("Echo", f"{echo.url}/redirect", params={"to": "/end?x=1"})

    assert answer.status == 200
    assert answer.url == f"{echo.url}/end?x=1"


def test_a_redirect_to_a_magnet_is_returned(http: Http, echo: Echo) -> None:
    answer = http.get("Echo", f"{echo.url}/redirect", params={"to": "magnet:?xt=urn:btih:" + "a" * 40})

    assert answer.magnet == "magnet:?xt=urn:btih:" + "a" * 40


def test_an_endless_redirect_is_refused(http: Http, echo: Echo) -> None:
    with pytest.raises(Refused, match="redirects more than"):
        http.get("Echo", f"{echo.url}/round")


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/", "http://192.168.1.1/x", "http://[fd00::1]/", "http://169.254.169.254/latest/meta-data"],
)
def test_a_redirect_to_another_private_host_is_refused(target: str, http: Http, echo: Echo) -> None:
    with pytest.raises(Refused):
        http.get("Echo", f"{echo.url}/redirect", params={"to": target})


def test_a_redirect_to_another_port_of_the_same_private_host_is_refused(http: Http, echo: Echo) -> None:
    with Echo() as other:
        target = f"{other.url}/secrets"
        for options in ({}, {"home": echo.url}):
            with pytest.raises(Refused, match="private network"):
                http.get("Echo", f"{echo.url}/redirect", params={"to": target}, **options)
        with pytest.raises(Refused, match="private network"):
            http.get("Echo", target, home=echo.url)
        place = target.partition("//")[2].partition("/")[0]
        for trusted in (place, place.partition(":")[0]):
            assert (
                http.get("Echo", f"{echo.url}/redirect", params={"to": target}, trusted_hosts=[trusted]).status == 200
            )


def test_http_and_https_of_a_host_count_as_one_origin() -> None:
    own = module._own_places("http://nas.local/1/api", [])
    assert module._place("https://nas.local/1/api") in own
    assert module._place("http://nas.local/dl") in module._own_places("https://nas.local/", [])
    assert module._place("http://nas.local:8080/") not in own
    assert module._place("https://nas.local/") not in module._own_places("http://nas.local:9696/1/api", [])


class Dripping:
    """A server that sends an endless response, one byte at a time."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        try:
            connection.recv(4096)
            connection.sendall(self._head)
            while not self._stop.wait(0.02):
                connection.sendall(b"x")
        except OSError:
            pass

    def close(self) -> None:
        self._stop.set()
        self._socket.close()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 1000000\r\n\r\n",
    ],
    ids=["body", "body without length", "headers", "status", "redirect"],
)
def test_a_service_that_sends_too_slowly_is_aborted_at_the_deadline(http: Http, head: bytes) -> None:
    server = Dripping(head)
    try:
        with pytest.raises(Unreachable, match="took more than 2 seconds to answer"):
            http.get("Drip", server.url, timeout_s=0.5)
    finally:
        server.close()


def test_a_redirect_to_another_scheme_is_refused(http: Http, echo: Echo) -> None:
    with pytest.raises(Refused, match="http"):
        http.get("Echo", f"{echo.url}/redirect", params={"to": "file:///etc/passwd"})


def test_credentials_do_not_follow_to_another_origin(http: Http, echo: Echo) -> None:
    with Echo() as other:
        answer = http.get(
            "Echo",
            f"{echo.url}/redirect",
            params={"to": f"{other.url}/headers"},
            headers={"X-Api-Key": "secret"},
            auth=("robin", "password"),
            trusted_hosts=["127.0.0.1"],
        )

    assert "x-api-key" not in answer.json("Echo")
    assert "authorization" not in answer.json("Echo")


def test_a_post_is_never_redirected(http: Http, echo: Echo) -> None:
    with pytest.raises(Refused, match="configure that address"):
        http.request("Echo", "POST", f"{echo.url}/redirect?to=/end", form={"a": "b"})


def test_a_private_address_from_a_response_is_refused_unless_its_host_is_local_or_trusted(
    http: Http, echo: Echo
) -> None:
    with pytest.raises(Refused, match="private network"):
        http.get("Echo", f"{echo.url}/x", home="http://indexer.example")

    with pytest.raises(Refused, match="private network"):
        http.get("Echo", f"{echo.url}/x", home="http://127.0.0.1:1")
    assert http.get("Echo", f"{echo.url}/x", home=f"{echo.url}/api").status == 200
    assert http.get("Echo", f"{echo.url}/x", home="http://indexer.example", trusted_hosts=("127.0.0.1",)).status == 200


def test_the_resolved_address_is_what_is_checked(http: Http, echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr(module.socket, "getaddrinfo", resolve)

    with pytest.raises(Refused, match="cannot be the address of a service"):
        http.get("Echo", "http://looks-harmless.example/")


@pytest.mark.parametrize(
    ("address", "configured", "foreign"),
    [
        ("93.184.216.34", True, True),
        ("127.0.0.1", True, False),
        ("192.168.1.1", True, False),
        ("100.64.0.7", True, False),
        ("fd12:3456::1", True, False),
        ("169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("::ffff:10.0.0.1", True, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("2002:a9fe:a9fe::1", False, False),
        ("2606:4700::1111", True, True),
    ],
)
def test_addresses_are_recognised_in_every_notation(address: str, configured: bool, foreign: bool) -> None:
    assert is_allowed_address(address, public_only=False) is configured
    assert is_allowed_address(address, public_only=True) is foreign


@pytest.mark.parametrize("url", ["ftp://x/", "file:///x", "http://", "x", "", "http://[", "http://x:99999/"])
def test_an_invalid_address_is_refused(url: str, http: Http) -> None:
    with pytest.raises(Refused, match="must start with"):
        http.get("Echo", url)


def test_a_host_without_service_is_unreachable(http: Http) -> None:
    with pytest.raises(Unreachable, match="is it running"):
        http.get("Echo", "http://127.0.0.1:1/")


def test_a_response_that_is_too_large_is_not_read(http: Http, echo: Echo) -> None:
    with pytest.raises(Nonsense, match="more than 1 MB"):
        http.get("Echo", f"{echo.url}/large", max_bytes=1024**2)


def test_a_missing_response_is_unreachable(http: Http, echo: Echo) -> None:
    with echo.hold(), pytest.raises(Unreachable, match="in time"):
        http.get("Echo", f"{echo.url}/x", timeout_s=0.1)


def test_https_to_a_plain_http_server_is_reported(http: Http, echo: Echo) -> None:
    with pytest.raises(Unreachable):
        http.get("Echo", echo.url.replace("http://", "https://"))


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, Refused),
        (401, Refused),
        (403, Refused),
        (404, Refused),
        (429, Limited),
        (500, Unreachable),
        (503, Unreachable),
    ],
)
def test_a_status_becomes_one_of_the_four_causes(status: int, cause: type[Exception], http: Http, echo: Echo) -> None:
    with pytest.raises(cause):
        http.get("Echo", f"{echo.url}/status/{status}")


def test_an_expected_status_is_returned(http: Http, echo: Echo) -> None:
    assert http.get("Echo", f"{echo.url}/status/404", expected=(404,)).status == 404


def test_retry_after_is_read_in_both_forms(http: Http, echo: Echo) -> None:
    with pytest.raises(Limited) as raised:
        http.get("Echo", f"{echo.url}/status/429", params={"after": "17"})
    assert raised.value.retry_after_s == 17
    with pytest.raises(Limited) as raised:
        http.get("Echo", f"{echo.url}/status/503", params={"after": "17"})

    later = read_retry_after(format_datetime(clock.now() + timedelta(seconds=90), usegmt=True))
    assert later is not None
    assert 80 < later <= 90
    assert read_retry_after(format_date_time(0)) == 0
    assert read_retry_after("soon") is None
    for years in ("999999999", "Fri, 31 Dec 9999 23:59:59 GMT"):
        assert read_retry_after(years) == 24 * 3600


def test_invalid_json_is_rejected(http: Http, echo: Echo) -> None:
    with pytest.raises(Nonsense, match="invalid JSON"):
        http.get("Echo", f"{echo.url}/status/200").json("Echo")


@pytest.mark.parametrize("piece", [b"{}", b"[]", b'{"a":0}'])
def test_json_of_many_tiny_values_is_refused_before_it_is_parsed(piece: bytes) -> None:
    content = b"[" + b",".join([piece] * (12_000_000 // (len(piece) + 1))) + b"]"
    with pytest.raises(Nonsense, match="objects and arrays, which is too many"):
        Response(200, {}, content, "http://x").json("Echo")


def test_cookies_are_not_kept(http: Http, echo: Echo) -> None:
    http.get("Echo", f"{echo.url}/cookie")

    assert http.get("Echo", f"{echo.url}/cookie").content == b""


def test_no_key_gets_into_errors_or_logs(http: Http, echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    http.get("Echo", f"{echo.url}/x?apikey=hush")
    for url in (
        f"{echo.url}/status/500?apikey=hush",
        "http://me:hush@127.0.0.1:1/?apikey=hush",
        f"{echo.url}/round?k=hush",
    ):
        with pytest.raises((Unreachable, Refused)) as raised:
            http.get("Echo", url)
        assert "hush" not in str(raised.value)

    assert "hush" not in caplog.text


def test_addresses_are_shown_without_secrets() -> None:
    assert show_address("https://me:pw@host:8080/a/b?apikey=x#y") == "https://host:8080/a/b"
    assert show_address("http://[::1]:80/") == "http://[::1]:80/"
    assert (
        without_keys("a passkey=1&b torrent_pass=2 year=2024 KEY", "KEY") == "a passkey=…&b torrent_pass=… year=2024 …"
    )


def test_an_error_names_the_service() -> None:
    assert str(fault("Noir", Response(500, {}, b"", "http://x"))).startswith("Noir: ")


def test_nothing_is_sent_while_the_database_is_written(http: Http, echo: Echo) -> None:
    writing.begin()
    try:
        with pytest.raises(RuntimeError, match="inside writes"):
            http.get("Echo", echo.url)
    finally:
        writing.end()

    assert echo.total == 0


def test_a_stale_kept_connection_does_not_fail_a_request(http: Http) -> None:
    """A server that answers one request per connection and then ignores it without closing it."""
    answered = 0
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            nonlocal answered
            for _ in range(2):
                peer, _address = server.accept()
                with peer:
                    peer.recv(65536)
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    answered += 1
                    # The next request on this connection is read and not answered.
                    peer.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert http.get("Shy", url).content == b"ok"
        assert http.get("Shy", url).content == b"ok"
        http.close()
        thread.join(5)

    assert answered == 2
