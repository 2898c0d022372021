"""The contract of Usenet clients: one suite for the real NZBGet, the SABnzbd stand-in and the fake."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from copy import replace
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from mydia import writing
from mydia.adapters.download_clients import KINDS, DownloadClient, NewDownload, RemoteState
from mydia.adapters.download_clients.nzbget import NzbGet
from mydia.adapters.errors import Nonsense, Refused, Unreachable
from mydia.adapters.http import Http
from mydia.adapters.kinds import Connection, Secret
from tests.fakes import nzbget
from tests.fakes.outside import FakeDownloadClient
from tests.fakes.qbittorrent import wait_until
from tests.fakes.sabnzbd_stub import SabnzbdStub

NZB = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE nzb PUBLIC "-//newzBin//DTD NZB 1.1//EN" "http://www.newzbin.com/DTD/nzb/nzb-1.1.dtd">
<nzb xmlns="http://www.newzbin.com/DTD/2003/nzb"><file poster="robin" date="1071674882"
subject="&quot;{name}.mkv&quot; yEnc (1/1)"><groups><group>alt.binaries.test</group></groups>
<segments><segment bytes="1000000" number="1">{name}@test</segment></segments></file></nzb>"""


@dataclass
class World:
    """One client and something to download."""

    client: DownloadClient
    name: str
    go_away: Callable[[], None]

    @property
    def download(self) -> NewDownload:
        return NewDownload(name=self.name, content=NZB.format(name=self.name).encode(), category="mydia")

    def state(self, ref: str) -> RemoteState | None:
        known = self.client.get(ref)
        return known.state if known else None


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    made = Http()
    yield made
    made.close()


@pytest.fixture(params=["fake", "SABnzbd", pytest.param("NZBGet, real", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest, http: Http, tmp_path: Path) -> Iterator[World]:
    name = f"Detour.1945.720p.{os.urandom(4).hex()}"
    if request.param == "fake":
        fake = FakeDownloadClient()
        yield World(fake, name, fake.go_away)
    elif request.param == "SABnzbd":
        with SabnzbdStub() as stub:
            yield World(_made(stub.connection, http), name, lambda: void(stub.fail("error")))
    else:
        if not nzbget.PROGRAM:
            pytest.skip(nzbget.MISSING)
        with nzbget.RealNzbGet(tmp_path / "nzbget") as real:
            yield World(_made(real.connection, http), name, real.stop)


def _made(connection: Connection, http: Http) -> DownloadClient:
    return KINDS[connection.kind].make(connection, http)


def void(_value: object) -> None:
    """Drop a value."""


def test_connection_test_returns_version_and_folder(world: World) -> None:
    report = world.client.test()

    assert report.version[0].isdigit()
    assert report.save_path


def test_a_download_is_listed_once_with_its_category_even_if_added_twice(world: World) -> None:
    ref = world.client.add(world.download)
    again = world.client.add(world.download)

    [known] = world.client.list(category="mydia")

    assert known.ref == ref == again
    assert known.name == world.name
    assert known.categories[0] == "mydia"
    assert known.progress == 0.0
    assert known.eta_s is None
    assert world.client.list(category="other") == []
    assert world.client.files(ref) == []


def test_it_can_be_paused_resumed_and_added_paused(world: World) -> None:
    ref = world.client.add(replace(world.download, paused=True))
    wait_until(lambda: world.state(ref) is RemoteState.PAUSED, "it is paused")

    world.client.resume(ref)
    wait_until(lambda: world.state(ref) in {RemoteState.QUEUED, RemoteState.DOWNLOADING}, "it runs")
    world.client.pause(ref)

    wait_until(lambda: world.state(ref) is RemoteState.PAUSED, "it is paused again")


def test_removing_a_download_twice_is_not_an_error(world: World) -> None:
    ref = world.client.add(world.download)

    world.client.remove(ref, delete_files=True)
    wait_until(lambda: world.client.get(ref) is None, "it is gone")

    world.client.remove(ref, delete_files=True)
    assert world.client.list() == []


def test_an_invalid_nzb_is_rejected(world: World) -> None:
    with pytest.raises(Nonsense):
        world.client.add(NewDownload(name="Detour", content=b"<html>Sign in first</html>"))


def test_a_failing_client_raises_and_never_returns_an_empty_list(world: World) -> None:
    world.go_away()

    with pytest.raises(Unreachable):
        world.client.list()
    with pytest.raises(Unreachable):
        world.client.get("1")


def test_no_client_is_called_while_the_database_is_written(world: World) -> None:
    writing.begin()
    try:
        with pytest.raises(RuntimeError, match="inside writes"):
            world.client.list()
    finally:
        writing.end()


def test_sabnzbd_reports_content_paths_and_failures(http: Http) -> None:
    with SabnzbdStub() as stub:
        client = _made(stub.connection, http)
        good = client.add(NewDownload(name="Detour", content=NZB.format(name="a").encode()))
        bad = client.add(NewDownload(name="Häxan", content=NZB.format(name="b").encode()))
        stub.finish(good)
        stub.finish(bad, status="Failed", message="Aborted, cannot be completed")
        known = {download.ref: download for download in client.list()}

        assert known[good].state is RemoteState.COMPLETED
        assert known[good].output_path == "/downloads/complete/Detour"
        assert known[good].completed_at is not None
        assert known[bad].state is RemoteState.FAILED
        assert known[bad].message == "Aborted, cannot be completed"
        # A failed release can be retried.
        assert client.add(NewDownload(name="Häxan", content=NZB.format(name="b").encode())) != bad


@pytest.mark.parametrize(
    "message", ["Unpacking failed, write error or disk is full?", "Failed moving Detour to /media"]
)
def test_a_full_disk_in_sabnzbd_does_not_fail_the_release(message: str, http: Http) -> None:
    with SabnzbdStub() as stub:
        client = _made(stub.connection, http)
        ref = client.add(NewDownload(name="Detour", content=NZB.format(name="a").encode()))
        stub.finish(ref, status="Failed", message=message)
        known = client.get(ref)
    assert known is not None
    assert known.state is RemoteState.LOCAL_ERROR


def test_an_old_history_entry_in_sabnzbd_is_a_different_download(http: Http) -> None:
    with SabnzbdStub() as stub:
        client = _made(stub.connection, http)
        first = client.add(NewDownload(name="Detour", content=NZB.format(name="a").encode()))
        stub.finish(first)
        known = client.get(first)
        assert known is not None
        assert known.completed_at is not None
        interrupted = NewDownload(
            name="Detour", content=NZB.format(name="a").encode(), since=known.completed_at - timedelta(minutes=1)
        )
        assert client.add(interrupted) == first, "it finished after this grab began"
        again = replace(interrupted, since=known.completed_at + timedelta(minutes=1))
        assert client.add(again) != first


def test_an_encrypted_job_that_sabnzbd_pauses_is_reported_as_encrypted(http: Http) -> None:
    with SabnzbdStub() as stub:
        client = _made(stub.connection, http)
        ref = client.add(NewDownload(name="Detour", content=NZB.format(name="a").encode()))
        stub.queue[ref] |= {"status": "Paused", "labels": ["ENCRYPTED"]}
        known = client.get(ref)
    assert known is not None
    assert known.state is RemoteState.ENCRYPTED


def test_a_sabnzbd_row_without_an_id_does_not_hide_the_others(http: Http) -> None:
    with SabnzbdStub() as stub:
        client = _made(stub.connection, http)
        ref = client.add(NewDownload(name="Detour", content=NZB.format(name="a").encode()))
        stub.queue["odd"] = {"status": "Queued", "filename": "odd", "nzo_id": ""}
        assert [known.ref for known in client.list()] == [ref]


@pytest.mark.real
@pytest.mark.skipif(not nzbget.PROGRAM, reason=nzbget.MISSING)
def test_a_release_that_failed_in_nzbget_is_downloaded_again(tmp_path: Path, http: Http) -> None:
    broken = b"<?xml version='1.0'?><nzb xmlns='http://www.newzbin.com/DTD/2003/nzb'><file"
    with nzbget.RealNzbGet(tmp_path / "nzbget") as real:
        client = _made(real.connection, http)
        first = client.add(NewDownload(name="Broken", content=broken))
        wait_until(lambda: getattr(client.get(first), "state", None) is RemoteState.FAILED, "it has failed")
        assert client.add(NewDownload(name="Broken", content=broken)) != first


def test_sabnzbd_refuses_a_wrong_key_without_showing_it(http: Http) -> None:
    with SabnzbdStub() as stub, pytest.raises(Refused, match="API key") as raised:
        _made(replace(stub.connection, secret=Secret("a-wrong-key")), http).list()

    assert "a-wrong-key" not in str(raised.value)


def test_sabnzbd_reports_a_missing_category(http: Http) -> None:
    with SabnzbdStub() as stub:
        assert "create it" in _made(stub.connection, http).test().notes[0]


@pytest.mark.real
@pytest.mark.skipif(not nzbget.PROGRAM, reason=nzbget.MISSING)
def test_nzbget_refuses_a_wrong_password_and_reports_failures(tmp_path: Path, http: Http) -> None:
    broken = b"<?xml version='1.0'?><nzb xmlns='http://www.newzbin.com/DTD/2003/nzb'><file"
    with nzbget.RealNzbGet(tmp_path / "nzbget") as real:
        with pytest.raises(Refused, match="credentials"):
            _made(replace(real.connection, secret=Secret("wrong")), http).test()
        client = _made(real.connection, http)
        ref = client.add(NewDownload(name="Broken", content=broken))

        wait_until(lambda: client.get(ref) is not None, "it is in the history")
        known = client.get(ref)

    assert known is not None
    assert known.state is RemoteState.FAILED
    assert known.message == "failure, scan"
    assert known.output_path is None


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("SUCCESS/ALL", RemoteState.COMPLETED),
        ("SUCCESS/PAR", RemoteState.COMPLETED),
        ("WARNING/SCRIPT", RemoteState.COMPLETED),
        ("WARNING/DAMAGED", RemoteState.FAILED),
        ("FAILURE/UNPACK", RemoteState.FAILED),
        ("FAILURE/MOVE", RemoteState.LOCAL_ERROR),
        ("WARNING/SPACE", RemoteState.LOCAL_ERROR),
        ("WARNING/PASSWORD", RemoteState.FAILED),
        ("DELETED/DUPE", RemoteState.FAILED),
    ],
)
def test_nzbget_history_states_are_mapped(status: str, state: RemoteState, http: Http) -> None:
    client = NzbGet(Connection(id="n", name="NZBGet", kind="nzbget", url="http://nowhere.test"), http)
    row = {
        "NZBID": 7,
        "NZBName": "Detour",
        "Status": status,
        "DestDir": "/a",
        "FinalDir": "/b",
        "FileSizeHi": 1,
        "FileSizeLo": 5,
    }

    known = client._finished(row)

    assert known.state is state
    assert known.size_bytes == 4_294_967_301
    assert known.output_path == ("/b" if state is RemoteState.COMPLETED else None)
