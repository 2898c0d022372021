"""The outside: adapters are created by kind and kept by connection."""

from __future__ import annotations

from copy import replace

import pytest

from mydia.adapters import download_clients, indexers
from mydia.adapters.kinds import Secret
from mydia.adapters.outside import real_outside
from mydia.errors import Misconfigured
from tests.fakes.outside import FakeDownloadClient, FakeMetadataProvider, connection, fake_outside


def test_the_same_connection_gives_the_same_adapter_and_a_changed_one_a_new_one() -> None:
    outside = real_outside(FakeMetadataProvider)
    first = connection("qbittorrent")

    made = outside.download_client(first)

    assert outside.download_client(replace(first)) is made
    changed = outside.download_client(replace(first, secret=Secret("other")))
    assert changed is not made
    assert changed.connection.secret.reveal() == "other"


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match="qbittorrent"):
        real_outside(FakeMetadataProvider).download_client(connection("napster"))


def test_every_kind_can_be_made_and_has_a_form() -> None:
    outside = real_outside(FakeMetadataProvider)
    for key, kind in {**download_clients.KINDS, **indexers.KINDS}.items():
        assert kind.key == key
        assert kind.default_url.startswith("http")
        assert any(need.key == "url" and need.required for need in kind.needs)
        assert kind.make(connection(key), outside.http).connection.kind == key


def test_the_fake_outside_answers_with_the_fake_of_the_connection() -> None:
    one, two = FakeDownloadClient(connection(id="1")), FakeDownloadClient(connection(id="2"))
    outside = fake_outside(clients=[one, two])

    assert outside.download_client(connection(id="2")) is two
    assert fake_outside(clients=[one]).download_client(connection(id="other")) is one
