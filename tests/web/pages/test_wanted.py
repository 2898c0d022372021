"""Wanted: what could be better, and whether anything would be replaced."""

from __future__ import annotations

import re
from datetime import date

from mydia import clock
from mydia.contexts import library, media, settings
from mydia.contexts.settings import ProfileForm
from mydia.contexts.users import SYSTEM
from tests.web.pages.conftest import Browser, Server, words


def _upgrade(server: Server, *, on: bool) -> str:
    """Turn upgrades of the titles' profile on or off and return its id."""
    with server.deps.database.writes() as session:
        now = clock.now()
        profile = settings.profiles.find_profile(session, "HD-1080p")
        assert profile
        form = ProfileForm(
            name=profile.name, items=profile.items(), cutoff=profile.cutoff, upgrades_allowed=on,
            minimum_size_mb=profile.minimum_size_mb, maximum_size_mb=profile.maximum_size_mb,
        )  # fmt: skip
        settings.profiles.save_profile(session, SYSTEM, now, form, profile_id=profile.id)
        for item_id in server.ids.values():
            library.holdings.refresh_holdings(session, now, item_id)
        return profile.id


def test_upgrades_that_are_off_are_said_instead_of_all_being_well(browser: Browser, server: Server) -> None:
    _upgrade(server, on=False)
    said = words(browser.get("/wanted/upgrades"))
    assert "Upgrading is off" in said
    assert "Every file has reached the cutoff" not in said
    assert 'href="/settings/profiles"' in browser.get("/wanted/upgrades").text


def test_files_below_the_cutoff_are_listed_and_those_outside_the_profile_are_marked(
    browser: Browser, server: Server
) -> None:
    _upgrade(server, on=True)
    listed = browser.get("/wanted/upgrades?kind=movies")
    row = listed.text.partition("The General")[2].partition("</tr>")[0]
    assert "HDTV-720p" in row
    assert "Not in the profile" in row
    assert "Upgrading is off" not in words(listed)


def test_a_profile_that_does_not_upgrade_is_named_beside_those_that_do(browser: Browser, server: Server) -> None:
    _upgrade(server, on=True)
    with server.deps.database.writes() as session:
        other = settings.profiles.find_profile(session, "Full HD")
        assert other
        media.change_item(session, SYSTEM, clock.now(), server.ids["Metropolis"], {"profile_id": other.id})
    assert "Upgrading is off in Full HD" in words(browser.get("/wanted/upgrades"))


def test_a_presets_cutoff_is_better_than_the_worst_quality_it_allows(browser: Browser) -> None:
    for preset in settings.profiles.PRESETS:
        profile = settings.profiles.preset_profile(preset.name)
        allowed = [rung.name for rung in profile.rungs if rung.allowed]
        assert len(allowed) == 1 or preset.cutoff != allowed[0], preset.name


def test_the_agenda_starts_today_and_keeps_earlier_days_folded(browser: Browser) -> None:
    text = browser.get("/calendar?view=agenda").text
    today = f"{clock.now():%A %-d %B}"
    earlier, _, rest = text.partition("</details>")
    assert text.count("Earlier this month") <= 1
    if "Earlier this month" in text:
        assert f"Today, {today}" not in earlier
    first = rest or text
    for day in range(1, clock.now().day):
        assert f'id="d{day}"' not in first


def test_numbering_and_new_seasons_are_chosen_when_a_show_is_added(browser: Browser, server: Server) -> None:
    from mydia.adapters.metadata_providers.base import Details, Ids
    from tests.web.pages.conftest import csrf

    server.provider.known.append(
        Details(type="tv_show", title="Dragon Days", original_title="", ids=Ids(777), provider="tmdb")
    )
    form = browser.get("/add/tv_show/tmdb:777").text
    assert 'name="series_type"' in form
    assert 'name="monitor_new_seasons"' in form
    sent = {"_csrf": csrf(browser), "type": "tv_show", "number": "tmdb:777", "monitor": "first_season"}
    answer = browser.post("/add", data=sent | {"series_type": "anime", "monitor_new_seasons": "all"})
    assert answer.status_code == 303
    with server.deps.database.reads() as session:
        item = media.get_item(session, SYSTEM, answer.headers["location"].rsplit("/", 1)[1])
    assert (item.series_type, item.monitor_new_seasons) == ("anime", "all")


def test_home_names_services_that_do_not_answer_in_red_with_what_waits(browser: Browser, server: Server) -> None:
    home = words(browser.get("/"))
    assert "SABnzbd does not answer" in home
    assert "shown with the last known state" in home
    assert "Everything else is running" not in home


def test_an_empty_month_names_the_next_date_of_the_chosen_type(browser: Browser, server: Server) -> None:
    with server.deps.database.writes() as session:
        film = session.get(media.MediaItem, server.ids["Sintel"])
        assert film is not None
        film.physical_on = date(2032, 1, 1)
    # The grid of December 2031 ends on 4 January; the agenda ends with the month.
    assert "The next date is 1 Jan 2032" in words(browser.get("/calendar?month=2031-12&view=agenda"))
    of_shows = words(browser.get("/calendar?month=2031-12&view=agenda&type=tv_show"))
    assert "Nothing is released this month" in of_shows
    assert "1 Jan 2032" not in of_shows


def test_the_list_of_profiles_says_which_ones_upgrade(reader: Browser) -> None:
    cards = re.findall(r'<li class="panel p-4!">(.*?)</li>', reader.get("/settings/profiles").text, re.DOTALL)
    told = {re.search(r'href="/settings/profiles/[^"]+">([^<]+)</a>', card)[1]: card for card in cards}  # type: ignore[index]
    assert "Upgrades until HDTV-2160p" in told["Any"]
    assert "No upgrades" in told["4K/UHD"]
    assert "Upgrades until" not in told["4K/UHD"]
