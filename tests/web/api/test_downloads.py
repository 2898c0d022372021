"""The queue and its history, grabbing, searches with all rejection reasons, the blocklist."""

from __future__ import annotations

from mydia.contexts.settings import DownloadClientRow
from mydia.events import say
from tests.contexts.downloads.conftest import House
from tests.web.api.conftest import Asker

GOOD = "Metropolis.1927.1080p.BluRay.x264-GRP"
MAGNET = "magnet:?xt=urn:btih:000102030405060708090a0b0c0d0e0f10111213&dn=Silo.S01E02.1080p.WEB-DL.x264-GRP"


def test_a_grabbed_release_is_in_the_queue(admin: Asker, house: House) -> None:
    house.offer(GOOD)
    release = house.releases(house.search())[0]
    made = admin.post("/downloads", {"release_id": release.id})
    assert made.status_code == 201, made.text
    assert (made.json()["release_title"], made.json()["client"]) == (GOOD, "qBittorrent")
    queue = admin.get("/downloads", state="open").json()["items"]
    assert [one["id"] for one in queue] == [made.json()["id"]]
    again = admin.post("/downloads", {"release_id": release.id})
    assert again.json()["id"] == made.json()["id"]
    assert len(house.client.added) == 1


def test_a_rejected_release_is_grabbed_only_with_override(admin: Asker, house: House) -> None:
    house.offer("Metropolis.1927.CAM.x264-GRP")
    release = house.releases(house.search())[0]
    assert release.objections
    refused = admin.post("/downloads", {"release_id": release.id})
    assert refused.status_code == 409
    assert say(release.objections[0]) in refused.json()["detail"]
    assert admin.post("/downloads", {"release_id": release.id, "override": True}).status_code == 201


def test_without_a_client_a_grab_fails_and_the_answer_says_what_to_do(admin: Asker, house: House) -> None:
    house.offer(GOOD)
    release = house.releases(house.search())[0]
    with house.database.writes() as session:
        row = session.get(DownloadClientRow, "client-1")
        assert row is not None
        row.enabled = False
    refused = admin.post("/downloads", {"release_id": release.id, "override": True})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "No torrent client is configured. Add or enable one in the settings.",
    )


def test_a_magnet_is_added_for_a_title(admin: Asker, house: House) -> None:
    made = admin.post("/downloads", {"media_id": house.series_id, "link": MAGNET})
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["release_title"], told["quality"]) == ("Silo.S01E02.1080p.WEB-DL.x264-GRP", "WEBDL-1080p")
    assert house.client.added[0].magnet == MAGNET
    assert "Added manually" in told["reasons"][0]["text"]


def test_a_download_address_must_belong_to_an_indexer(admin: Asker, house: House) -> None:
    release = house.offer(GOOD)
    made = admin.post("/downloads", {"media_id": house.film_id, "link": release.download_url, "title": GOOD})
    assert made.status_code == 201, made.text
    assert house.indexer.fetched == [release.download_url]
    for elsewhere in ("http://169.254.169.254/latest", "file:///etc/passwd", "http://[", "magnet:?dn=x"):
        refused = admin.post("/downloads", {"media_id": house.film_id, "link": elsewhere})
        assert refused.status_code in (400, 422), elsewhere
    assert admin.post("/downloads", {}).status_code == 400


def test_a_download_has_a_history_and_is_paused_resumed_and_removed(admin: Asker, house: House) -> None:
    download_id = house.get_one(GOOD)
    story = admin.get(f"/downloads/{download_id}").json()
    assert "ReleaseGrabbed" in [event["type"] for event in story["events"]]
    assert story["reasons"][0]["kind"] == "grab"
    assert admin.post(f"/downloads/{download_id}/pause").json()["state"] == "paused"
    assert admin.post(f"/downloads/{download_id}/resume").json()["state"] == "queued"
    assert admin.delete(f"/downloads/{download_id}", blocklist=True).status_code == 204
    assert house.client.removed
    assert admin.get("/downloads", state="open").json()["items"] == []
    assert [one["state"] for one in admin.get("/downloads").json()["items"]] == ["removed"]
    entry = admin.get("/blocklist").json()["items"][0]
    assert entry["title"] == GOOD
    assert admin.delete(f"/blocklist/{entry['id']}").status_code == 204
    assert admin.get("/blocklist").json()["items"] == []
    assert admin.delete(f"/downloads/{download_id}").status_code == 409


def test_only_a_finished_download_can_be_imported(admin: Asker, house: House) -> None:
    download_id = house.get_one(GOOD)
    assert admin.post(f"/downloads/{download_id}/import").status_code == 409
    house.finish(download_id)
    assert admin.post(f"/downloads/{download_id}/import").status_code == 202
    assert house.events("ImportRequested")[-1] == {"download_id": download_id}


def test_if_the_client_does_not_answer_nothing_changes_and_the_answer_says_so(admin: Asker, house: House) -> None:
    download_id = house.get_one(GOOD)
    house.client.go_away()
    answer = admin.post(f"/downloads/{download_id}/pause")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert admin.get(f"/downloads/{download_id}").json()["state"] == "queued"


def test_the_history_is_paged(admin: Asker, house: House) -> None:
    first = house.get_one("Metropolis.1927.720p.BluRay.x264-ONE")
    house.later(minutes=1)
    second = house.get_one(GOOD)
    page = admin.get("/downloads", limit=1).json()
    assert [one["id"] for one in page["items"]] == [second]
    rest = admin.get("/downloads", limit=1, cursor=page["next_cursor"]).json()
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([first], None)


def test_a_manual_search_shows_every_release_with_every_rejection_reason(admin: Asker, house: House) -> None:
    begun = admin.post(f"/media/{house.film_id}/searches")
    assert begun.status_code == 202
    assert house.events("ReleasesRequested")[0]["search_id"] == begun.json()["id"]
    assert admin.get(f"/searches/{begun.json()['id']}").json()["state"] == "running"
    house.offer(GOOD)
    house.offer("Metropolis.1927.CAM.x264-GRP")
    house.later(days=3000)
    search_id = house.search()
    told = admin.get(f"/searches/{search_id}").json()
    assert (told["releases"][0]["title"], told["releases"][0]["verdict"]) == (GOOD, "approved")
    assert told["releases"][1]["objections"][0]["text"]
    assert admin.get(f"/media/{house.film_id}/releases").json()["id"] == search_id
    assert admin.get(f"/media/{house.film_id}/searches").json()[0]["id"] == search_id
    blocked = admin.post(f"/releases/{told['releases'][0]['id']}/block")
    assert blocked.status_code == 201
    assert admin.get("/blocklist").json()["items"][0]["id"] == blocked.json()["id"]


def test_unknown_downloads_are_adopted_or_ignored(admin: Asker, house: House) -> None:
    from mydia.contexts import downloads

    with house.database.writes() as session:
        for ref, name in (("a" * 40, GOOD), ("b" * 40, "Linux.iso")):
            session.add(
                downloads.UnknownDownload(
                    client_id="client-1",
                    client_ref=ref,
                    name=name,
                    protocol="torrent",
                    state="downloading",
                    first_seen_at=house.now,
                    seen_at=house.now,
                )
            )
    known = {one["name"]: one["id"] for one in admin.get("/unknown-downloads").json()}
    assert admin.delete(f"/unknown-downloads/{known['Linux.iso']}").status_code == 204
    adopted = admin.post(f"/unknown-downloads/{known[GOOD]}/adopt", {"media_id": house.film_id})
    assert (adopted.status_code, adopted.json()["media_id"]) == (201, house.film_id)
    assert admin.get("/unknown-downloads").json() == []
