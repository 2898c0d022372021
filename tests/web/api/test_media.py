"""Titles: listing, adding, changing, removing, searching."""

from __future__ import annotations

from copy import replace
from typing import Any

from mydia import clock
from mydia.contexts import media, settings, users
from mydia.contexts.users import SYSTEM
from mydia.vocabulary import MediaType
from tests import builders
from tests.contexts.downloads.conftest import House
from tests.fakes.outside import FakeMetadataProvider
from tests.web.api.conftest import Asker


def _provider(house: House) -> FakeMetadataProvider:
    provider = house.outside.metadata()
    assert isinstance(provider, FakeMetadataProvider)
    return provider


def test_titles_are_paged_by_cursor(admin: Asker, house: House) -> None:
    with house.database.writes() as session:
        for number in range(5):
            builders.film(session, f"Film {number}", 1950 + number, tmdb_id=900 + number)
    seen: list[str] = []
    cursor = None
    while True:
        page = admin.get("/media", type="movie", limit=2, **({"cursor": cursor} if cursor else {})).json()
        seen += [one["title"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["Film 0", "Film 1", "Film 2", "Film 3", "Film 4", "Metropolis"]


def test_an_unchanged_list_is_not_sent_again(admin: Asker, house: House) -> None:
    first = admin.get("/media")
    tag = first.headers["etag"]
    again = admin("GET", "/media", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    admin.put(f"/media/{house.film_id}", {"monitored": False})
    assert admin("GET", "/media", headers={"If-None-Match": tag}).status_code == 200


def test_a_title_is_returned_with_its_seasons_and_episodes(admin: Asker, house: House) -> None:
    told = admin.get(f"/media/{house.series_id}").json()
    assert (told["title"], told["tmdb_id"], told["type"]) == ("Silo", 125988, "tv_show")
    assert [season["number"] for season in told["seasons"]] == [1]
    assert told["versions"][0]["profile_id"]
    episodes = admin.get(f"/media/{house.series_id}/episodes", season=1).json()
    assert [one["episode"] for one in episodes] == [1, 2, 3, 4]


def test_a_title_is_added_by_its_id_and_only_once(admin: Asker, house: House) -> None:
    _provider(house).known.append(builders.film_details("The Hitch-Hiker", 1953, tmdb_id=1688))
    wish = {"type": "movie", "tmdb_id": 1688, "library_path_id": "films", "search_now": False}
    made = admin.post("/media", wish)
    assert made.status_code == 201, made.text
    assert made.json()["title"] == "The Hitch-Hiker"
    again = admin.post("/media", wish)
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"


def _defaults(house: House, type: MediaType, wanted: settings.person_defaults.Defaults) -> None:
    """Set the defaults of the administrator whose keys these tests use."""
    with house.database.writes() as session:
        (admin,) = [
            row.user for row in users.people.list_people(session, SYSTEM, clock.now()) if row.user.role == "admin"
        ]
        settings.person_defaults.change_own(session, users.caller_of(admin), type, wanted)


def test_a_persons_defaults_apply_to_what_is_left_out(admin: Asker, house: House) -> None:
    show = builders.show_details("Sazae-san", 1969, tmdb_id=4711, seasons={1: 2, 2: 2})
    _provider(house).known += [builders.film_details("The Hitch-Hiker", 1953, tmdb_id=1688), show]
    admin.get("/media")
    with house.database.writes() as session:
        default = settings.profiles.default_profile_id(session, SYSTEM)
        known = settings.profiles.list_profiles(session, SYSTEM)
        profile_id = next(one.id for one in known if one.id != default)
    _defaults(house, MediaType.MOVIE, settings.person_defaults.Defaults(None, profile_id, "none"))
    _defaults(house, MediaType.TV_SHOW, settings.person_defaults.Defaults(None, None, "first_season"))
    film = admin.post("/media", {"type": "movie", "tmdb_id": 1688}).json()
    assert (film["versions"][0]["profile_id"], film["monitored"]) == (profile_id, False)
    series = admin.post("/media", {"type": "tv_show", "tmdb_id": 4711}).json()
    assert [season["monitored"] for season in series["seasons"]] == [True, False]


def test_what_is_sent_wins_over_a_persons_defaults(admin: Asker, house: House) -> None:
    _provider(house).known.append(builders.film_details("The Hitch-Hiker", 1953, tmdb_id=1688))
    admin.get("/media")
    _defaults(house, MediaType.MOVIE, settings.person_defaults.Defaults(None, None, "none"))
    added = admin.post("/media", {"type": "movie", "tmdb_id": 1688, "monitored": True}).json()
    assert added["monitored"] is True


def test_an_id_that_the_catalogue_does_not_have_is_not_found(admin: Asker) -> None:
    assert admin.post("/media", {"type": "movie", "tmdb_id": 424242}).status_code == 404


def test_a_provider_that_does_not_answer_is_a_503_with_a_sentence(admin: Asker, house: House) -> None:
    from mydia.adapters.errors import Limited

    _provider(house).trouble = Limited("relay", "asks for patience", retry_after_s=30)
    answer = admin.post("/media", {"type": "movie", "tmdb_id": 5})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
    assert answer.json()["detail"]


def test_wrong_input_names_the_field(admin: Asker) -> None:
    shape = admin.post("/media", {"type": "radio"})
    assert (shape.status_code, list(shape.json()["errors"])) == (400, ["type"])
    meaning = admin.post("/media", {"type": "movie"})
    assert (meaning.status_code, list(meaning.json()["errors"])) == (400, ["tmdb_id"])
    assert admin.get("/media", sort="smell").status_code == 400
    assert admin.get("/media", cursor="nonsense").status_code == 404


def test_settings_and_details_of_a_title_are_changed_and_kept(admin: Asker, house: House) -> None:
    told = admin.put(f"/media/{house.film_id}", {"monitored": False, "title": "Metropolis, restored"}).json()
    assert (told["monitored"], told["title"]) == (False, "Metropolis, restored")
    assert told["locked_fields"] == ["title"]


def test_one_season_can_be_left_out(admin: Asker, house: House) -> None:
    told = admin.put(f"/media/{house.series_id}/monitoring", {"monitored": False, "season": 1}).json()
    assert [season["monitored"] for season in told["seasons"]] == [False]
    episodes = admin.get(f"/media/{house.series_id}/episodes").json()
    assert not any(one["monitored"] for one in episodes)


def test_requests_are_stored_for_jobs(admin: Asker, house: House) -> None:
    assert admin.post(f"/media/{house.film_id}/refresh").status_code == 202
    assert admin.post(f"/media/{house.series_id}/search?season=1").status_code == 202
    assert house.events("RefreshRequested") == [{"media_item_id": house.film_id}]
    assert house.events("SearchRequested")[0]["season_number"] == 1


def test_a_title_is_removed_and_its_files_stay(admin: Asker, house: House) -> None:
    assert admin.delete(f"/media/{house.film_id}").status_code == 204
    gone = admin.get(f"/media/{house.film_id}")
    assert (gone.status_code, gone.json()["status"]) == (404, 404)


def test_a_search_finds_titles_in_the_library_and_in_the_catalogue(admin: Asker, house: House) -> None:
    _provider(house).known.append(builders.film_details("Metropolis", 2001, tmdb_id=9606))
    told: dict[str, Any] = admin.get("/search", q="metropolis").json()
    assert [one["title"] for one in told["library"]] == ["Metropolis"]
    assert [(one["year"], one["media_id"]) for one in told["providers"]] == [(2001, None)]


def test_a_search_works_without_a_provider(admin: Asker, house: House) -> None:
    from mydia.adapters.errors import Unreachable

    _provider(house).trouble = Unreachable("relay", "no answer")
    told = admin.get("/search", q="metropolis").json()
    assert [one["title"] for one in told["library"]] == ["Metropolis"]
    assert told["notice"]


def test_the_calendar_and_the_list_of_what_is_wanted(admin: Asker, house: House) -> None:
    with house.database.reads() as session:
        first = media.episodes.episodes_of(session, SYSTEM, house.series_id)[0].air_on
    day = str(first)
    told = admin.get("/calendar", start=day, end=day).json()["items"]
    assert [(one["title"], one["episode"], one["held"]) for one in told] == [("Silo", 1, False)]
    assert admin.get("/calendar", start=day, end="2999-01-01").json()["items"][0] == told[0]
    assert admin.get("/calendar", start="9999-12-31").json()["items"] == []
    assert [one["title"] for one in admin.get("/wanted").json()["items"]] == ["Metropolis"]
    page = admin.get("/wanted", type="tv_show", limit=3).json()
    assert [one["episode"] for one in page["items"]] == [4, 3, 2]
    rest = admin.get("/wanted", type="tv_show", cursor=page["next_cursor"]).json()
    assert [one["episode"] for one in rest["items"]] == [1]


def test_a_title_is_found_by_its_id(admin: Asker, house: House) -> None:
    number = admin.get(f"/media/{house.film_id}").json()["number"]
    assert admin.get(f"/media/{number}").json()["id"] == house.film_id
    assert admin.get(f"/media/{number + 1000}").status_code == 404


def test_series_type_and_new_seasons_are_set_when_adding_and_kept(admin: Asker, house: House) -> None:
    provider = _provider(house)
    told = replace(builders.show_details("Sazae-san", 1969, tmdb_id=4711, seasons={1: 2}), series_type="anime")
    provider.known.append(told)
    body = {"type": "tv_show", "tmdb_id": 4711, "series_type": "standard", "monitor_new_seasons": "none"}
    added = admin.post("/media", body).json()
    assert (added["series_type"], added["monitor_new_seasons"]) == ("standard", "none")
    with house.database.writes() as session:
        item = session.get(media.MediaItem, added["id"])
        item.refreshed_at = None
    media.refresh.refresh_item(house.database, house.outside, SYSTEM, clock.now(), added["id"], force=True)
    assert admin.get(f"/media/{added['id']}").json()["series_type"] == "standard"


def test_a_series_type_that_was_not_chosen_comes_from_the_catalogue(admin: Asker, house: House) -> None:
    told = replace(builders.show_details("Sazae-san", 1969, tmdb_id=4711, seasons={1: 2}), series_type="anime")
    _provider(house).known.append(told)
    added = admin.post("/media", {"type": "tv_show", "tmdb_id": 4711, "monitor": "pilot"}).json()
    assert (added["series_type"], added["monitor_new_seasons"]) == ("anime", "none")


def test_a_changed_series_type_survives_a_refresh(admin: Asker, house: House) -> None:
    told = replace(builders.show_details("Sazae-san", 1969, tmdb_id=4711, seasons={1: 2}), series_type="anime")
    _provider(house).known.append(told)
    added = admin.post("/media", {"type": "tv_show", "tmdb_id": 4711}).json()
    admin.put(f"/media/{added['id']}", {"series_type": "standard"})
    media.refresh.refresh_item(house.database, house.outside, SYSTEM, clock.now(), added["id"], force=True)
    assert admin.get(f"/media/{added['id']}").json()["series_type"] == "standard"
