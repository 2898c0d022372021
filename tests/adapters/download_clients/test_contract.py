"""The contract of download clients: one suite for the real product, its stand-in and the fake."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from copy import replace
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from mydia import clock, writing
from mydia.adapters.download_clients import KINDS, DownloadClient, NewDownload, RemoteDownload, RemoteState
from mydia.adapters.errors import AdapterError, Nonsense, Refused, Unreachable
from mydia.adapters.http import Http
from mydia.adapters.kinds import Secret
from tests.fakes import transmission
from tests.fakes.outside import FakeDownloadClient
from tests.fakes.qbittorrent import MISSING, PROGRAM, RealQBittorrent, wait_until
from tests.fakes.qbittorrent_stub import API_KEY, FAILURES_UNTIL_BAN, QBittorrentStub
from tests.fakes.torrent_files import MadeTorrent, make_hybrid_torrent, make_torrent
from tests.fakes.tracker import Tracker


@dataclass
class World:
    """One client and the functions that control it."""

    client: DownloadClient
    torrent: MadeTorrent
    finish: Callable[[str], None]
    """Completes a download."""
    go_away: Callable[[], None]
    says_when: bool = True
    """Transmission reports no completion time for content that it found complete."""

    @property
    def download(self) -> NewDownload:
        return NewDownload(name=self.torrent.name, content=self.torrent.content, category="mydia")

    def when(self, ref: str, is_so: Callable[[RemoteDownload], bool], what: str) -> RemoteDownload:
        """Wait until the client reports the expected facts, because clients respond before they act."""

        def holds() -> bool:
            found = self.client.get(ref)
            return found is not None and is_so(found)

        wait_until(holds, what)
        found = self.client.get(ref)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    made = Http()
    yield made
    made.close()


@pytest.fixture(scope="module")
def tracker() -> Iterator[Tracker]:
    with Tracker() as running:
        yield running


@pytest.fixture(scope="module")
def seeder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealQBittorrent]:
    with RealQBittorrent(tmp_path_factory.mktemp("seeder")) as running:
        yield running


@pytest.fixture(scope="module")
def leecher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealQBittorrent]:
    with RealQBittorrent(tmp_path_factory.mktemp("leecher")) as running:
        yield running


@pytest.fixture(scope="module")
def transmission_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[transmission.RealTransmission]:
    with transmission.RealTransmission(tmp_path_factory.mktemp("transmission")) as running:
        yield running


@pytest.fixture
def torrent(tmp_path: Path, tracker: Tracker) -> MadeTorrent:
    """A film of 2 MB in a folder, different from that of any other test."""
    folder = tmp_path / "content" / f"Detour.1945.720p.{os.urandom(4).hex()}"
    folder.mkdir(parents=True)
    (folder / "detour.mkv").write_bytes(os.urandom(2_000_000))
    (folder / "detour.nfo").write_text("tt0037638")
    return make_torrent(folder, tracker=tracker.announce_url)


@pytest.fixture(
    params=[
        "fake",
        "qBittorrent 5.0",
        "qBittorrent 5.2",
        pytest.param("qBittorrent 4, real", marks=pytest.mark.real),
        pytest.param("Transmission 3, real", marks=pytest.mark.real),
    ]
)
def world(request: pytest.FixtureRequest, http: Http, torrent: MadeTorrent) -> Iterator[World]:
    if request.param == "fake":
        fake = FakeDownloadClient()
        yield World(fake, torrent, lambda ref: void(fake.finish(ref)), fake.go_away)
    elif request.param == "qBittorrent 4, real":
        if not PROGRAM:
            pytest.skip(MISSING)
        seeder: RealQBittorrent = request.getfixturevalue("seeder")
        leecher: RealQBittorrent = request.getfixturevalue("leecher")
        client = KINDS["qbittorrent"].make(leecher.connection, http)
        made = World(client, torrent, lambda _ref: seeder.seed(torrent), leecher.stop)
        yield made
        if not leecher.running:
            leecher.start()
        for known in client.list():
            client.remove(known.ref, delete_files=True)
    elif request.param == "Transmission 3, real":
        if not transmission.PROGRAM:
            pytest.skip(transmission.MISSING)
        daemon: transmission.RealTransmission = request.getfixturevalue("transmission_daemon")
        client = KINDS["transmission"].make(daemon.connection, http)
        yield World(client, torrent, lambda ref: daemon.complete(torrent, ref), daemon.stop, says_when=False)
        if not daemon.running:
            daemon.start()
        for known in client.list():
            client.remove(known.ref, delete_files=True)
    else:
        api = {"qBittorrent 5.0": ("2.11.3", "v5.0.3"), "qBittorrent 5.2": ("2.14.1", "v5.2.0")}[request.param]
        with QBittorrentStub(api=api[0], version=api[1], sub_path="/box/qb") as stub:
            client = KINDS["qbittorrent"].make(stub.connection, http)
            yield World(client, torrent, stub.finish, lambda: stub.fail("error"))


def void(_value: object) -> None:
    """Drop a value."""


def test_connection_test_returns_version_and_folder(world: World) -> None:
    report = world.client.test()

    assert report.version[0].isdigit()
    assert report.save_path
    assert report.free_bytes
    assert report.free_bytes > 0


def test_a_torrent_is_identified_by_its_info_hash(world: World) -> None:
    assert world.client.add(world.download) == world.torrent.info_hash


def test_adding_the_same_torrent_twice_gives_the_same_id_and_one_download(world: World) -> None:
    first = world.client.add(world.download)
    second = world.client.add(world.download)
    third = world.client.add(replace(world.download, content=None, magnet=world.torrent.magnet()))

    assert first == second == third
    assert [known.ref for known in world.client.list()] == [first]


def test_an_existing_torrent_is_found_before_it_is_added(world: World) -> None:
    assert world.client.find(world.download) is None
    ref = world.client.add(world.download)
    known = world.client.find(replace(world.download, content=None, magnet=world.torrent.magnet()))
    assert known is not None
    assert (known.ref, known.categories) == (ref, ("mydia",))


def test_a_download_is_listed_with_its_category_and_size(world: World) -> None:
    ref = world.client.add(world.download)

    [known] = world.client.list(category="mydia")

    assert known.ref == ref
    assert known.name == world.torrent.name
    assert known.categories[0] == "mydia"
    assert known.size_bytes == world.torrent.size_bytes
    assert known.progress == 0.0
    assert known.added_at is not None
    assert known.added_at.tzinfo is not None
    assert known.completed_at is None
    assert known.eta_s is None
    assert world.client.list(category="other") == []


def test_a_second_label_does_not_hide_a_download(world: World) -> None:
    ref = world.client.add(replace(world.download, tags=("noir",)))

    [known] = world.client.list(category="mydia")

    assert known.ref == ref
    assert set(known.categories) == {"mydia", "noir"}


def test_files_are_named_relative_to_the_save_folder(world: World) -> None:
    ref = world.client.add(world.download)

    files = {file.path: file for file in world.client.files(ref)}

    assert set(files) == {f"{world.torrent.name}/detour.mkv", f"{world.torrent.name}/detour.nfo"}
    assert files[f"{world.torrent.name}/detour.mkv"].size_bytes == 2_000_000
    assert all(file.wanted for file in files.values())


def test_a_finished_download_has_a_content_path(world: World) -> None:
    ref = world.client.add(world.download)
    world.finish(ref)

    known = world.when(ref, lambda found: found.state is RemoteState.SEEDING, "it seeds")

    assert known.progress == 1.0
    assert known.output_path is not None
    assert known.output_path.endswith(f"/{world.torrent.name}")
    assert known.save_path is not None
    assert known.output_path == f"{known.save_path}/{world.torrent.name}"
    assert (known.completed_at is not None) == world.says_when
    assert all(file.progress == 1.0 for file in world.client.files(ref))


def test_a_finished_download_that_is_stopped_is_completed_and_seeds_again_when_started(world: World) -> None:
    ref = world.client.add(world.download)
    world.finish(ref)
    world.when(ref, lambda found: found.state is RemoteState.SEEDING, "it seeds")

    world.client.pause(ref)
    world.when(ref, lambda found: found.state is RemoteState.COMPLETED, "it has stopped")
    world.client.resume(ref)

    world.when(ref, lambda found: found.state is RemoteState.SEEDING, "it seeds again")


def test_a_download_added_paused_waits_until_it_is_resumed(world: World) -> None:
    ref = world.client.add(replace(world.download, paused=True))
    world.when(ref, lambda found: found.state is RemoteState.PAUSED, "it is paused")

    world.client.resume(ref)

    world.when(ref, lambda found: found.state in {RemoteState.DOWNLOADING, RemoteState.STALLED}, "it has started")


def test_a_magnet_without_metadata_has_neither_files_nor_a_content_path(world: World) -> None:
    ref = world.client.add(NewDownload(name="Detour", magnet=world.torrent.magnet()))

    known = world.when(ref, lambda found: found.state is RemoteState.FETCHING_METADATA, "it asks for metadata")

    assert ref == world.torrent.info_hash
    assert known.output_path is None
    assert world.client.files(ref) == []


def test_removing_a_download_twice_is_not_an_error(world: World) -> None:
    ref = world.client.add(world.download)

    world.client.remove(ref, delete_files=True)
    wait_until(lambda: world.client.get(ref) is None, "it is gone")
    world.client.remove(ref, delete_files=True)

    assert world.client.files(ref) == []
    assert world.client.list() == []


def test_an_unknown_download_is_none_and_not_an_error(world: World) -> None:
    assert world.client.get("0" * 40) is None


def test_an_invalid_torrent_is_rejected_and_adds_nothing(world: World) -> None:
    with pytest.raises(Nonsense, match="not a torrent"):
        world.client.add(NewDownload(name="Detour", content=b"<html>Sign in first</html>"))

    assert world.client.list() == []


def test_a_failing_client_raises_and_never_returns_an_empty_list(world: World) -> None:
    ref = world.client.add(world.download)
    world.go_away()

    with pytest.raises(Unreachable):
        world.client.list()
    with pytest.raises(Unreachable):
        world.client.get(ref)


def test_no_client_is_called_while_the_database_is_written(world: World) -> None:
    writing.begin()
    try:
        with pytest.raises(RuntimeError, match="inside writes"):
            world.client.list()
    finally:
        writing.end()


# Specific to the real products


@pytest.fixture(params=[("2.11.3", "v5.0.3"), ("2.14.1", "v5.2.0")], ids=["5.0", "5.2"])
def stub(request: pytest.FixtureRequest) -> Iterator[QBittorrentStub]:
    with QBittorrentStub(api=request.param[0], version=request.param[1]) as running:
        yield running


def test_a_wrong_password_is_refused_with_one_attempt(stub: QBittorrentStub, http: Http) -> None:
    client = KINDS["qbittorrent"].make(replace(stub.connection, secret=Secret("wrong")), http)

    with pytest.raises(Refused, match="user name and password") as raised:
        client.list()

    assert stub.sign_ins == 1
    assert "wrong" not in str(raised.value)


def test_a_ban_is_reported_with_the_time_to_wait(stub: QBittorrentStub, http: Http) -> None:
    stub.banned = True
    client = KINDS["qbittorrent"].make(stub.connection, http)

    with pytest.raises(Refused, match="banned") as raised:
        client.list()

    assert raised.value.retry_after_s == 3600


def test_one_session_serves_many_calls_and_is_renewed_when_it_ends(
    stub: QBittorrentStub, http: Http, torrent: MadeTorrent
) -> None:
    client = KINDS["qbittorrent"].make(stub.connection, http)
    client.list()
    client.list()
    assert stub.sign_ins == 1

    stub.end_session()
    ref = client.add(NewDownload(name="Detour", content=torrent.content))

    assert client.get(ref) is not None
    assert stub.sign_ins == 2


def test_an_api_key_needs_no_sign_in(http: Http) -> None:
    with QBittorrentStub(api="2.14.1", version="v5.2.0") as stub:
        client = KINDS["qbittorrent"].make(replace(stub.connection, username=None, secret=Secret(API_KEY)), http)

        assert client.list() == []
        assert stub.sign_ins == 0


def test_seeding_goals_tags_and_folder_are_sent(stub: QBittorrentStub, http: Http, torrent: MadeTorrent) -> None:
    client = KINDS["qbittorrent"].make(stub.connection, http)

    ref = client.add(
        NewDownload(
            name="Detour",
            content=torrent.content,
            save_path="/media/incoming",
            tags=("mydia", "noir"),
            seed_ratio=1.5,
            seed_time_min=90,
        )
    )

    known = stub.torrents[ref]
    assert (known.save_path, known.tags) == ("/media/incoming", "mydia, noir")
    assert (known.ratio_limit, known.seeding_time_limit) == (1.5, 90)
    assert known.category == "mydia"
    assert "mydia" in stub.categories


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("error", RemoteState.LOCAL_ERROR),
        ("missingFiles", RemoteState.MISSING_FILES),
        ("stoppedDL", RemoteState.PAUSED),
        ("pausedDL", RemoteState.PAUSED),
        ("stoppedUP", RemoteState.COMPLETED),
        ("pausedUP", RemoteState.COMPLETED),
        ("forcedUP", RemoteState.SEEDING),
        ("queuedUP", RemoteState.SEEDING),
        ("moving", RemoteState.DOWNLOADING),
        ("checkingResumeData", RemoteState.CHECKING),
        ("forcedMetaDL", RemoteState.FETCHING_METADATA),
        ("somethingNew", RemoteState.DOWNLOADING),
    ],
)
def test_the_states_of_both_api_versions_are_mapped(
    told: str, meant: RemoteState, http: Http, torrent: MadeTorrent
) -> None:
    with QBittorrentStub() as stub:
        client = KINDS["qbittorrent"].make(stub.connection, http)
        ref = client.add(NewDownload(name="Detour", content=torrent.content))
        stub.torrents[ref].state = told

        known = client.get(ref)

    assert known is not None
    assert known.state is meant
    assert (known.message is not None) == (told in {"error", "missingFiles", "somethingNew"})


def test_one_malformed_row_does_not_hide_the_others(http: Http, torrent: MadeTorrent) -> None:
    with QBittorrentStub() as stub:
        client = KINDS["qbittorrent"].make(stub.connection, http)
        ref = client.add(NewDownload(name="Detour", content=torrent.content))
        other = client.add(NewDownload(name="Other", magnet=f"magnet:?xt=urn:btih:{'b' * 40}"))
        stub.torrents[other].state = ""

        assert [known.ref for known in client.list()] == [ref]


def test_tags_count_as_further_categories(http: Http, torrent: MadeTorrent) -> None:
    with QBittorrentStub() as stub:
        client = KINDS["qbittorrent"].make(stub.connection, http)
        ref = client.add(NewDownload(name="Detour", content=torrent.content, tags=("noir", "kept")))
        known = client.get(ref)
    assert known is not None
    assert known.categories == ("mydia", "noir", "kept")


def test_a_rejected_password_is_not_sent_again_by_every_check(stub: QBittorrentStub, http: Http) -> None:
    wrong = replace(stub.connection, secret=Secret(f"wrong-{os.urandom(4).hex()}"))
    for _ in range(10):
        with pytest.raises(Refused, match="user name and password"):
            KINDS["qbittorrent"].make(wrong, http).list()
    assert stub.sign_ins == 1
    with pytest.raises(Refused):
        KINDS["qbittorrent"].make(wrong, http).test()
    assert stub.sign_ins == 2, "a person who tests the connection may try"


def test_a_password_that_was_rejected_before_a_restart_is_not_sent_again(stub: QBittorrentStub, http: Http) -> None:
    wrong = replace(
        stub.connection,
        secret=Secret(f"wrong-{os.urandom(4).hex()}"),
        rejected_until=clock.now() + timedelta(minutes=5),
    )
    with pytest.raises(Refused, match="user name and password") as raised:
        KINDS["qbittorrent"].make(wrong, http).list()
    assert stub.sign_ins == 0
    assert 0 < (raised.value.retry_after_s or 0) <= 300
    assert KINDS["qbittorrent"].make(replace(stub.connection, rejected_until=wrong.rejected_until), http).test().version
    later = replace(stub.connection, rejected_until=clock.now() - timedelta(seconds=1))
    assert KINDS["qbittorrent"].make(later, http).list() == []


def test_a_password_changed_in_the_client_seldom_gets_the_address_banned(
    stub: QBittorrentStub, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each test has its own password, because rejected ones are remembered.
    stub.password = f"first-{os.urandom(4).hex()}"
    known = replace(stub.connection, secret=Secret(stub.password))
    client = KINDS["qbittorrent"].make(known, http)
    client.list()

    stub.password = f"second-{os.urandom(4).hex()}"
    stub.end_session()
    began_s = clock.monotonic_s()
    for minute in range(0, 6 * 60, 5):
        monkeypatch.setattr(clock, "monotonic_s", lambda minute=minute: began_s + 60 * minute)
        with pytest.raises(Refused, match="user name and password"):
            client.list()
    assert stub.sign_ins - 1 < FAILURES_UNTIL_BAN

    corrected = replace(known, secret=Secret(stub.password))
    assert KINDS["qbittorrent"].make(corrected, http).list() == []


def test_a_password_that_is_corrected_in_the_client_is_noticed_within_hours(
    stub: QBittorrentStub, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = replace(stub.connection, secret=Secret(f"mine-{os.urandom(4).hex()}"))
    client = KINDS["qbittorrent"].make(mine, http)
    began_s = clock.monotonic_s()
    for minute in range(0, 24 * 60, 5):
        monkeypatch.setattr(clock, "monotonic_s", lambda minute=minute: began_s + 60 * minute)
        with pytest.raises(Refused, match="user name and password"):
            client.list()
    assert stub.sign_ins < 2 * FAILURES_UNTIL_BAN
    stub.password = mine.secret.reveal()
    monkeypatch.setattr(clock, "monotonic_s", lambda: began_s + (24 + 4) * 3600)
    assert client.list() == []


def test_a_password_that_is_corrected_before_a_restart_of_the_client_is_noticed_at_once(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    with QBittorrentStub() as stub:
        mine = replace(stub.connection, secret=Secret(f"mine-{os.urandom(4).hex()}"))
        client = KINDS["qbittorrent"].make(mine, http)
        with pytest.raises(Refused, match="user name and password"):
            client.list()
        port = stub.port
    http.close()
    began_s = clock.monotonic_s()
    # The second rejection makes the wait longer than this test's steps.
    with QBittorrentStub(port=port) as stub:
        monkeypatch.setattr(clock, "monotonic_s", lambda: began_s + 301)
        with pytest.raises(Refused, match="user name and password"):
            client.list()
        monkeypatch.setattr(clock, "monotonic_s", lambda: began_s + 700)
        with pytest.raises(Refused, match="user name and password"):
            client.list()
        assert stub.sign_ins == 1
    http.close()
    with pytest.raises(Unreachable):
        client.list()
    with QBittorrentStub(port=port) as stub:
        stub.password = mine.secret.reveal()
        assert client.list() == []


def test_a_password_that_a_person_tested_is_used_by_all_processes(stub: QBittorrentStub, http: Http) -> None:
    mine = replace(stub.connection, secret=Secret(f"mine-{os.urandom(4).hex()}"))
    worker = KINDS["qbittorrent"].make(mine, http)
    with pytest.raises(Refused, match="user name and password"):
        worker.list()
    stub.password = mine.secret.reveal()
    with pytest.raises(Refused, match="user name and password"):
        worker.list()
    worker.connection = replace(mine, accepted_at=clock.now())
    assert worker.list() == []


def test_content_without_its_own_folder_is_identified_by_its_files(http: Http, torrent: MadeTorrent) -> None:
    with QBittorrentStub() as stub:
        client = KINDS["qbittorrent"].make(stub.connection, http)
        ref = client.add(NewDownload(name="Detour", content=torrent.content))
        stub.finish(ref)
        stub.torrents[ref].loose = True
        known = client.get(ref)
    assert known is not None
    assert (known.output_path, known.save_path) == (None, "/downloads")


def test_conflicting_client_settings_are_reported(http: Http) -> None:
    with QBittorrentStub() as stub:
        stub.preferences |= {"max_ratio_enabled": True, "max_ratio_act": 3, "dht": False}
        notes = " ".join(KINDS["qbittorrent"].make(stub.connection, http).test().notes)

    assert "removes torrents" in notes
    assert "DHT" in notes
    assert "does not exist yet" in notes


def test_an_address_of_another_program_is_reported(tracker: Tracker, http: Http) -> None:
    with QBittorrentStub(sub_path="/qb") as stub:
        client = KINDS["qbittorrent"].make(replace(stub.connection, url=stub.url), http)
        with pytest.raises(AdapterError, match="check the address"):
            client.test()


@pytest.mark.real
@pytest.mark.skipif(not PROGRAM, reason=MISSING)
def test_a_hybrid_torrent_is_identified_by_the_id_the_client_assigns(leecher: RealQBittorrent, http: Http) -> None:
    client = KINDS["qbittorrent"].make(leecher.connection, http)
    content = make_hybrid_torrent("detour.mkv", os.urandom(5000))

    ref = client.add(NewDownload(name="Detour", content=content))

    assert client.add(NewDownload(name="Detour", content=content)) == ref
    known = client.get(ref)
    assert known is not None
    assert known.ref == ref
    client.remove(ref, delete_files=True)


@pytest.mark.real
@pytest.mark.skipif(not PROGRAM, reason=MISSING)
def test_a_real_client_applies_the_seeding_goals(leecher: RealQBittorrent, http: Http, torrent: MadeTorrent) -> None:
    client = KINDS["qbittorrent"].make(leecher.connection, http)
    ref = client.add(
        NewDownload(
            name="Detour", content=torrent.content, seed_ratio=1.5, seed_time_min=90, category="mydia", paused=True
        )
    )
    (known,) = leecher.api.torrents_info(torrent_hashes=ref)
    assert (known["ratio_limit"], known["seeding_time_limit"]) == (1.5, 90)
    client.remove(ref, delete_files=True)


@pytest.mark.real
@pytest.mark.skipif(not PROGRAM, reason=MISSING)
def test_a_killed_client_keeps_its_downloads(tmp_path: Path, http: Http, torrent: MadeTorrent) -> None:
    with RealQBittorrent(tmp_path / "qbittorrent") as running:
        client = KINDS["qbittorrent"].make(running.connection, http)
        ref = client.add(NewDownload(name="Detour", content=torrent.content))
        # Without both files it would be unknown after a restart.
        wait_until(lambda: len([*running.folder.rglob(f"BT_backup/{ref}.*")]) == 2, "it is written down")
        running.kill()
        with pytest.raises(Unreachable):
            client.list()

        running.start()

        wait_until(lambda: client.get(ref) is not None, "it is listed again")


@pytest.mark.real
@pytest.mark.skipif(not PROGRAM, reason=MISSING)
def test_too_many_wrong_passwords_lead_to_a_reported_ban(tmp_path: Path, http: Http) -> None:
    with RealQBittorrent(tmp_path / "qbittorrent", failures_until_ban=2) as running:
        client = KINDS["qbittorrent"].make(replace(running.connection, secret=Secret("wrong")), http)
        for _ in range(2):
            with pytest.raises(Refused, match="user name and password"):
                client.test()

        with pytest.raises(Refused, match="banned"):
            client.test()


@pytest.mark.real
@pytest.mark.skipif(not transmission.PROGRAM, reason=transmission.MISSING)
def test_transmission_refuses_a_wrong_password(transmission_daemon: transmission.RealTransmission, http: Http) -> None:
    wrong = replace(transmission_daemon.connection, secret=Secret("wrong"))

    with pytest.raises(Refused, match="credentials"):
        KINDS["transmission"].make(wrong, http).test()


@pytest.mark.real
@pytest.mark.skipif(not transmission.PROGRAM, reason=transmission.MISSING)
def test_transmission_gets_labels_and_goals(
    transmission_daemon: transmission.RealTransmission, http: Http, torrent: MadeTorrent
) -> None:
    client = KINDS["transmission"].make(transmission_daemon.connection, http)

    ref = client.add(
        NewDownload(name="Detour", content=torrent.content, tags=("noir",), seed_ratio=1.5, seed_time_min=90)
    )

    [row] = client._torrents({"ids": [ref], "fields": ["labels", "seedRatioLimit", "seedRatioMode", "seedIdleLimit"]})
    assert row == {"labels": ["mydia", "noir"], "seedRatioLimit": 1.5, "seedRatioMode": 1, "seedIdleLimit": 90}
    client.remove(ref, delete_files=True)
