"""Clients and indexers: options, encrypted secrets, health, path mappings."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from mydia import config as configuration
from mydia import events
from mydia.adapters import download_clients
from mydia.adapters.errors import AdapterError, Limited, Nonsense, Refused, ServerError, Unreachable
from mydia.adapters.kinds import Connection
from mydia.adapters.metadata_providers import NoProvider
from mydia.adapters.outside import real_outside
from mydia.config.entries import LISTS
from mydia.contexts import settings
from mydia.contexts.settings import NewClient, NewIndexer
from mydia.contexts.settings.services import checked_url
from mydia.contexts.users import SYSTEM, Caller
from mydia.db import Database
from mydia.errors import Conflict, Forbidden, Invalid, Misconfigured
from mydia.secret import Secret

PASSWORD = Secret("adminadmin!")
CLIENT = NewClient(
    name="qBittorrent",
    kind="qbittorrent",
    url="nas:8080/",
    username="admin",
    secret=PASSWORD,
    options={"category": "mydia", "verify_certificate": "on"},
    mappings=(("/downloads/", "/mnt/downloads"), ("", "")),
)
INDEXER = NewIndexer(
    name="Open films",
    kind="torznab",
    url="http://prowlarr:9696/1/api",
    secret=Secret("0123456789abcdef"),
    options={"movie_categories": "2000, 2040", "minimum_seeders": "3", "trusted_hosts": "a.example\nb.example"},
)


def _add_client(database: Database, caller: Caller, now: datetime, new: NewClient = CLIENT) -> str:
    with database.writes() as session:
        return settings.clients.add_client(session, caller, now, new).id


def test_a_stored_client_has_a_usable_connection(database: Database, admin: Caller, now: datetime) -> None:
    identifier = _add_client(database, admin, now)
    with database.reads() as session:
        (choice,) = settings.clients.client_connections(session)
    assert choice.connection.id == identifier
    assert choice.connection.url == "http://nas:8080"
    assert choice.connection.secret == PASSWORD
    assert choice.connection.options == {
        "category": "mydia",
        "verify_certificate": True,
        "remove_completed": False,
    }
    assert choice.mappings == (("/downloads", "/mnt/downloads"),)
    assert choice.status is None


@pytest.mark.parametrize("kind", sorted(download_clients.KINDS))
def test_an_option_that_is_left_out_gets_the_safe_default(
    kind: str, database: Database, admin: Caller, now: datetime
) -> None:
    with database.writes() as session:
        row = settings.clients.add_client(
            session, admin, now, NewClient(name="x", kind=kind, url="http://x.test", secret=Secret("key"), options={})
        )
    assert row.options == {"category": "mydia", "remove_completed": False, "verify_certificate": True}


@pytest.mark.parametrize("kind", sorted(download_clients.KINDS))
def test_every_option_can_be_set(kind: str, database: Database, admin: Caller, now: datetime) -> None:
    given = {
        "movies_category": "films",
        "series_category": "series",
        "category": "other",
        "remove_completed": True,
        "verify_certificate": False,
    }
    with database.writes() as session:
        row = settings.clients.add_client(
            session,
            admin,
            now,
            NewClient(name="x", kind=kind, url="http://x.test", secret=Secret("key"), options=given),
        )
    assert row.options == given


def test_environment_and_file_name_every_option_of_a_client() -> None:
    (section,) = (entry for entry in LISTS if entry.name == "download_clients")
    options = {key for kind in download_clients.KINDS.values() for key in kind.option_keys}
    assert options <= set(section.fields)


def test_no_secret_is_stored_in_plain_text(database: Database, admin: Caller, now: datetime) -> None:
    _add_client(database, admin, now)
    with database.writes() as session:
        settings.indexers.add_indexer(session, admin, now, INDEXER)
    with database.reads() as session:
        everything = "".join(
            str(session.execute(text(f"SELECT * FROM {table}")).all())
            for table in ("download_clients", "indexers", "events")
        )
    assert "adminadmin" not in everything
    assert "0123456789abcdef" not in everything


def test_an_empty_password_keeps_the_stored_one(database: Database, admin: Caller, now: datetime) -> None:
    identifier = _add_client(database, admin, now)
    with database.writes() as session:
        changed = NewClient(name="qB", kind="qbittorrent", url="http://nas:9090", username="admin", enabled=False)
        settings.clients.change_client(session, admin, now, identifier, new=changed)
    with database.reads() as session:
        assert settings.clients.client_connections(session) == []
        (choice,) = settings.clients.client_connections(session, enabled_only=False)
        assert choice.connection.secret == PASSWORD
        told = events.feed(session)[0].payload["changed"]
        assert told["url"] == ["http://nas:8080", "http://nas:9090"]
        assert "secret" not in told
        trial = settings.clients.trial_connection(session, SYSTEM, changed, client_id=identifier)
        assert trial.secret == PASSWORD
        assert trial.id != identifier


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"kind": "carrier pigeon"}, "kind"),
        ({"url": ""}, "url"),
        ({"url": "ftp://nas"}, "url"),
        ({"url": "http://admin:pw@nas"}, "url"),
        ({"priority": 0}, "priority"),
        ({"mappings": (("/downloads", ""),)}, "mappings"),
        ({"mappings": (("/downloads", "mnt"),)}, "mappings"),
    ],
)
def test_errors_are_reported_at_their_field(
    database: Database, admin: Caller, now: datetime, change: dict[str, object], field: str
) -> None:
    given_fields = {"name": "x", "kind": "qbittorrent", "url": "http://nas"} | change
    with pytest.raises(Invalid) as refused:
        _add_client(database, admin, now, NewClient(**given_fields))  # type: ignore[arg-type]
    assert field in refused.value.fields


def test_names_are_unique(database: Database, admin: Caller, now: datetime) -> None:
    _add_client(database, admin, now)
    with pytest.raises(Conflict) as refused:
        _add_client(database, admin, now)
    assert "name" in refused.value.fields


def test_options_are_validated_by_kind(database: Database, admin: Caller, now: datetime) -> None:
    with database.writes() as session:
        settings.indexers.add_indexer(session, admin, now, INDEXER)
        bad = NewIndexer(name="x", kind="torznab", url="http://x", options={"movie_categories": "films"})
        with pytest.raises(Invalid) as refused:
            settings.indexers.add_indexer(session, admin, now, bad)
        assert "movie_categories" in refused.value.fields
    with database.reads() as session:
        (choice,) = settings.indexers.indexer_connections(session)
    assert choice.connection.options["movie_categories"] == [2000, 2040]
    assert choice.connection.options["minimum_seeders"] == 3
    assert choice.connection.options["trusted_hosts"] == ["a.example", "b.example"]


def test_indexers_are_chosen_by_use_and_priority(database: Database, admin: Caller, now: datetime) -> None:
    with database.writes() as session:
        for name, priority, automatic, interactive in (
            ("b", 30, True, True),
            ("a", 10, False, True),
            ("c", 1, True, False),
        ):
            new = NewIndexer(
                name=name,
                kind="torznab",
                url="http://x",
                priority=priority,
                automatic_search=automatic,
                interactive_search=interactive,
            )
            settings.indexers.add_indexer(session, admin, now, new)
    with database.reads() as session:
        assert [c.row.name for c in settings.indexers.indexer_connections(session)] == ["c", "b"]
        assert [c.row.name for c in settings.indexers.indexer_connections(session, usage="interactive")] == ["a", "b"]


def test_a_secret_encrypted_with_another_key_is_explained(database: Database, admin: Caller, now: datetime) -> None:
    _add_client(database, admin, now)
    settings.bind(database, configuration.load({"SECRET_KEY_BASE": "something else entirely, but long"}))
    with database.reads() as session, pytest.raises(Misconfigured, match="SECRET_KEY_BASE"):
        settings.clients.client_connections(session)


def test_a_failing_indexer_backs_off_but_a_client_never_does(database: Database, admin: Caller, now: datetime) -> None:
    client = _add_client(database, admin, now)
    with database.writes() as session:
        indexer = settings.indexers.add_indexer(session, admin, now, INDEXER).id
    error: AdapterError = ServerError("Open films", "no answer")
    rests: list[timedelta] = []
    for _ in range(14):
        with database.writes() as session:
            settings.services.record_failure(session, SYSTEM, now, "indexer", indexer, error)
            settings.services.record_failure(session, SYSTEM, now, "download_client", client, error)
            status = settings.services.status_of(session, "indexer", indexer)
            assert status is not None
            assert status.disabled_until is not None
            rests.append(status.disabled_until - now)
    assert rests == [timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 180, 360, 720, *[1440] * 6)]
    with database.reads() as session:
        assert settings.indexers.indexer_connections(session, now=now) == []
        assert len(settings.indexers.indexer_connections(session, now=now + timedelta(days=2))) == 1
        assert len(settings.indexers.indexer_connections(session)) == 1
        (choice,) = settings.clients.client_connections(session)
        assert choice.status is not None
        assert (choice.status.state, choice.status.disabled_until, choice.status.since_at) == ("failing", None, now)
        told = [event for event in events.feed(session) if event.type == "ServiceStateChanged"]
        assert [event.payload["name"] for event in told] == ["qBittorrent", "Open films"]


@pytest.mark.parametrize(
    ("level", "error", "in_grace", "expected"),
    [
        (0, Unreachable("x", "no connection"), False, (1, 1)),
        (1, Unreachable("x", "no connection"), False, (1, 1)),
        (4, Unreachable("x", "no connection"), False, (4, 30)),
        (1, ServerError("x", "HTTP 502"), False, (2, 5)),
        (4, Nonsense("x", "a web page"), False, (5, 60)),
        (8, Refused("x", "bad key"), False, (9, 1440)),
        (9, Refused("x", "bad key"), False, (9, 1440)),
        (0, Limited("x", "limit reached"), False, (5, 60)),
        (0, Limited("x", "limit reached", retry_after_s=90), False, (2, 1)),
        (0, Limited("x", "limit reached", retry_after_s=7200), False, (6, 120)),
        (6, Limited("x", "limit reached"), False, (7, 360)),
        (0, Limited("x", "limit reached", retry_after_s=200_000), False, (9, 3333)),
        (3, ServerError("x", "HTTP 502"), True, (3, 5)),
        (0, Refused("x", "bad key"), True, (1, 1)),
        (0, Limited("x", "limit reached", retry_after_s=7200), True, (6, 120)),
    ],
)
def test_levels_of_back_off(level: int, error: AdapterError, in_grace: bool, expected: tuple[int, int]) -> None:
    reached, rest = settings.services.back_off(level, error, in_grace=in_grace)

    assert (reached, int(rest.total_seconds() / 60)) == expected


def test_an_answer_lowers_the_level_by_one(database: Database, admin: Caller, now: datetime) -> None:
    with database.writes() as session:
        indexer = settings.indexers.add_indexer(session, admin, now, INDEXER).id
        for _ in range(4):
            settings.services.record_failure(session, SYSTEM, now, "indexer", indexer, Nonsense("x", "a web page"))
        settings.services.record_ok(session, now, "indexer", indexer)
        settings.services.record_failure(session, SYSTEM, now, "indexer", indexer, Nonsense("x", "a web page"))
        status = settings.services.status_of(session, "indexer", indexer)
    assert status is not None
    assert status.disabled_until == now + timedelta(minutes=30)


LIMITED = NewIndexer(
    name="Limited",
    kind="torznab",
    url="http://limited.test",
    options={"queries_per_hour": "10", "queries_per_day": "30", "grabs_per_day": "2"},
)


def test_the_limits_of_an_indexer_hold_until_its_hours_have_passed(
    database: Database, admin: Caller, now: datetime
) -> None:
    with database.writes() as session:
        indexer = settings.indexers.add_indexer(session, admin, now, LIMITED).id

    def usable(at: datetime, usage: str = "automatic") -> bool:
        with database.reads() as session:
            return bool(settings.indexers.indexer_connections(session, usage=usage, now=at))

    def use(at: datetime, **counts: int) -> None:
        with database.writes() as session:
            settings.indexers.record_use(session, at, indexer, **counts)

    use(now, queries=8)
    assert usable(now)
    assert not usable(now, "backlog"), "a fifth is left to RSS sync and people"
    use(now, queries=2)
    assert not usable(now)
    assert usable(now + timedelta(hours=1))
    use(now + timedelta(hours=1), queries=10)
    use(now + timedelta(hours=2), queries=10)
    assert not usable(now + timedelta(hours=3)), "the day's queries are used up"
    assert usable(now + timedelta(hours=24))
    use(now, grabs=2)
    with database.reads() as session:
        (choice,) = settings.indexers.indexer_connections(session, used_at=now)
    assert choice.use.no_grabs_until(choice.row.options) == now + timedelta(hours=24)


def test_a_rate_limit_is_respected_and_a_success_ends_the_pause(
    database: Database, admin: Caller, now: datetime
) -> None:
    with database.writes() as session:
        indexer = settings.indexers.add_indexer(session, admin, now, INDEXER).id
        settings.services.record_failure(
            session, SYSTEM, now, "indexer", indexer, Limited("x", "quota", retry_after_s=7200)
        )
        status = settings.services.status_of(session, "indexer", indexer)
        assert status is not None
        assert status.disabled_until == now + timedelta(hours=2)
        settings.services.record_ok(session, now + timedelta(minutes=1), "indexer", indexer, version="1.2")
        assert (status.state, status.disabled_until, status.failures, status.version) == ("ok", None, 0, "1.2")
    with database.reads() as session:
        assert events.feed(session)[0].payload["state"] == "ok"


def test_a_new_password_clears_old_failures(database: Database, admin: Caller, now: datetime) -> None:
    identifier = _add_client(database, admin, now)
    with database.writes() as session:
        settings.services.record_failure(
            session, SYSTEM, now, "download_client", identifier, Refused("x", "wrong password")
        )
    with database.writes() as session:
        settings.clients.change_client(session, admin, now, identifier, new=CLIENT)
    with database.reads() as session:
        assert settings.services.status_of(session, "download_client", identifier) is None


def test_guests_cannot_change_anything(database: Database, admin: Caller, guest: Caller, now: datetime) -> None:
    identifier = _add_client(database, admin, now)
    for act in (
        lambda s: settings.clients.add_client(s, guest, now, CLIENT),
        lambda s: settings.clients.change_client(s, guest, now, identifier, new=CLIENT),
        lambda s: settings.clients.remove_client(s, guest, now, identifier),
        lambda s: settings.indexers.add_indexer(s, guest, now, INDEXER),
    ):
        with pytest.raises(Forbidden), database.writes() as session:
            act(session)


def test_removing_a_client_removes_its_mappings(database: Database, admin: Caller, now: datetime) -> None:
    identifier = _add_client(database, admin, now)
    with database.writes() as session:
        settings.clients.remove_client(session, admin, now, identifier)
    with database.reads() as session:
        assert settings.clients.list_clients(session, SYSTEM) == []
        assert settings.clients.mappings_of(session, SYSTEM, identifier) == ()


@pytest.mark.parametrize(
    ("remote", "local"),
    [
        ("/downloads/a b/c.mkv", "/mnt/dl/a b/c.mkv"),
        ("/downloads", "/mnt/dl"),
        ("/downloads/tv/x", "/mnt/tv/x"),
        ("/downloads2/x", "/downloads2/x"),
        ("D:\\Torrents\\Done\\x.mkv", "/mnt/win/Done/x.mkv"),
        ("d:/torrents/x.mkv", "/mnt/win/x.mkv"),
        ("\\\\nas\\share\\x", "/mnt/share/x"),
    ],
)
def test_remote_paths_are_mapped_by_whole_folders(remote: str, local: str) -> None:
    mappings = [
        ("/downloads", "/mnt/dl"), ("/downloads/tv", "/mnt/tv/"), ("D:\\Torrents", "/mnt/win"), ("\\\\nas\\share", "/mnt/share")
    ]  # fmt: skip
    assert settings.clients.map_remote_path(mappings, remote) == local


@given(st.text(), st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1))))
def test_mapping_never_raises(remote: str, mappings: list[tuple[str, str]]) -> None:
    settings.clients.map_remote_path(mappings, remote)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("http://box:9696/", "http://box:9696"),
        (" HTTPS://box.test/x/ ", "HTTPS://box.test/x"),
        ("localhost:8080", "http://localhost:8080"),
        ("192.168.1.10", "http://192.168.1.10"),
        ("http://[fd00::1]:8080/a", "http://[fd00::1]:8080/a"),
        ("https://bücher.test/rss?a=b", "https://bücher.test/rss?a=b"),
    ],
)
def test_a_service_address_is_normalised(raw: str, kept: str) -> None:
    assert checked_url(raw) == kept


@pytest.mark.parametrize(
    "raw",
    [
        "", "  ", "/", "http:", "http://", "http:///", "https://?a", "http://:80", "javascript:1", "javascript:alert(1)",
        "JavaScript:1", "data:text/html,x", "file:///x", "file:/x", "ftp://box/", "magnet:?xt=urn:btih:1", "//", "://",
        "http://box:0", "http://box:99999", "http://box:port", "http://[::1", "http://a b", "http://box\n.test",
        "http://box\x00", "http://<script>", "http://box\\@evil", "gopher://box", "http://\u202ebox",
    ],
)  # fmt: skip
def test_an_invalid_web_address_is_refused_with_one_message(raw: str) -> None:
    with pytest.raises(Invalid, match="Enter an address such as") as caught:
        checked_url(raw)
    assert list(caught.value.fields) == ["url"]


@pytest.mark.parametrize("raw", ["http://me:secret@box:9696", "http://me@box", "http://@box"])
def test_credentials_in_an_address_are_refused(raw: str) -> None:
    with pytest.raises(Invalid, match="must not contain a user name or password"):
        checked_url(raw)


def test_credentials_that_a_client_rejected_are_remembered_across_a_restart(
    database: Database, admin: Caller, now: datetime
) -> None:
    client = _add_client(database, admin, now)

    def until() -> datetime | None:
        with database.reads() as session:
            (choice,) = settings.clients.client_connections(session)
        return choice.connection.rejected_until

    def fail(error: AdapterError) -> None:
        with database.writes() as session:
            settings.services.record_failure(session, SYSTEM, now, "download_client", client, error)

    fail(Unreachable("qBittorrent", "no answer", retry_after_s=30))
    assert until() is None, "a client that is down is asked again at once"
    fail(Refused("qBittorrent", "rejected the user name and password", retry_after_s=300))
    assert until() == now + timedelta(seconds=300)
    with database.writes() as session:
        settings.services.record_ok(session, now, "download_client", client)
    assert until() is None


def test_a_worker_learns_that_a_tested_client_accepts_the_credentials_again(
    database: Database, admin: Caller, now: datetime
) -> None:
    client = _add_client(database, admin, now)
    connections: list[Connection] = []
    for outcome in (Refused("qBittorrent", "rejected the user name and password", retry_after_s=300), None):
        with database.writes() as session:
            if outcome is None:
                settings.services.record_ok(session, now, "download_client", client)
            else:
                settings.services.record_failure(session, SYSTEM, now, "download_client", client, outcome)
        with database.reads() as session:
            (choice,) = settings.clients.client_connections(session)
        connections.append(choice.connection)
    rejected, accepted = connections
    assert (rejected.accepted_at, accepted.accepted_at) == (None, now)
    outside = real_outside(NoProvider)
    worker = outside.download_client(rejected)
    assert outside.download_client(accepted) is worker
    assert worker.connection.accepted_at == now


def test_a_feed_has_no_search_and_its_key_is_not_recorded(database: Database, admin: Caller, now: datetime) -> None:
    feed = NewIndexer(name="Feed", kind="rss", url="https://tracker.test/rss?passkey=secret123")
    with database.writes() as session:
        row = settings.indexers.add_indexer(session, admin, now, feed)
        moved = NewIndexer(name="Feed", kind="rss", url="https://tracker.test/rss?passkey=another456")
        settings.indexers.change_indexer(session, admin, now, row.id, new=moved)
    assert (row.rss, row.automatic_search, row.interactive_search) == (True, False, False)
    with database.reads() as session:
        recorded = str([event.payload for event in events.feed(session)])
        assert "https://tracker.test/rss" in recorded
        assert "secret123" not in recorded
        assert "another456" not in recorded
        assert settings.indexers.indexer_connections(session, usage="automatic") == []
        assert len(settings.indexers.indexer_connections(session, usage="rss")) == 1
