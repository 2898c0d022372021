"""Cases of clients, feeds, imports and the relay from public reports, if the shared sample is present.

What needs no real client is run here. Every other case is named with the test that covers its kind, so that a case that is
added to the sample and covered nowhere fails.
"""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mydia.adapters.indexers import Fetched, IndexerRelease, Protocols
from mydia.adapters.torrents import read_torrent
from mydia.contexts.library import filekinds
from mydia.events import say
from mydia.relay.routes import Request, Wrong, resolve
from mydia.units import GIB
from tests import builders
from tests.contexts.downloads.conftest import House, config, house  # noqa: F401  the household of the importing tests

_BESIDE = Path(__file__).parents[3] / "shared" / "corpora"
REPORTS = Path(os.environ.get("MYDIA_CORPORA", _BESIDE)) / "reports"
TESTS = Path(__file__).parents[1]
BIG = 400_000

pytestmark = pytest.mark.skipif(
    not (REPORTS / "edges.jsonl").is_file(),
    reason="the shared sample of reports is missing: put it beside the repository or set MYDIA_CORPORA to its folder",
)

_IMPORT = "contexts/downloads/test_importing.py"
_MONITOR = "contexts/downloads/test_monitor.py"
_GRAB = "contexts/downloads/test_grab.py"
_TORRENTS = "adapters/download_clients/test_contract.py"
_USENET = "adapters/download_clients/test_usenet_contract.py"
_FEEDS = "adapters/indexers/test_reported_feeds.py"
_INDEXERS = "adapters/indexers/test_contract.py"
_SAMPLES = "adapters/indexers/test_samples.py"
_PLEX = "web/test_plex.py"
_GETTING = "flows/test_getting.py"
_ODD_ANSWERS = "adapters/metadata_providers/test_odd_answers.py"

# Pattern of ids -> the test of their kind. The first pattern that matches counts.
COVERED = {
    "real-e2e-.*": (_GETTING, "test_a_film_is_added_and_ends_up_in_the_library_while_it_is_still_seeded"),
    "real-(plain|rar.par|obfuscated|repaired|missing-articles)-(nzbget|sab).*": (
        _USENET,
        "test_sabnzbd_reports_content_paths_and_failures",
    ),
    "real-password-nzbget.*": (_USENET, "test_nzbget_history_states_are_mapped"),
    "real-client-off-over-48h.*": (
        _MONITOR,
        "test_time_with_an_unreachable_client_is_not_a_lack_of_progress",
    ),
    "real-mydia-off-49h.*": (_MONITOR, "test_time_without_monitoring_is_not_a_lack_of_progress"),
    "real-(download-disk-not-mounted|disk-full).*": (
        _MONITOR,
        "test_a_disk_problem_of_the_client_pauses_and_fails_no_release",
    ),
    "real-qb-content-layout.*": (_IMPORT, "test_content_without_its_own_folder_is_imported_by_the_clients_file_list"),
    "real-fetch-(redirect|base32).*": (_FEEDS, "test_magnets_are_read_in_any_spelling"),
    "real-fetch-http-to-other-private-host.*": (
        _INDEXERS,
        "test_a_download_link_into_the_private_network_is_refused",
    ),
    "real-fetch-torrent-bom.*": (_FEEDS, "test_a_torrent_behind_a_byte_order_mark_is_fetched"),
    "real-import-while-unpacking.*": (_IMPORT, "test_an_archive_unpacked_later_is_imported_by_the_sweep"),
    "real-failed-release-tried-again-nzbget.*": (_USENET, "test_a_release_that_failed_in_nzbget_is_downloaded_again"),
    "real-failed-release-tried-again-sab.*": (
        _USENET,
        "test_an_old_history_entry_in_sabnzbd_is_a_different_download",
    ),
    "real-nzb-over-16-MiB.*": (_FEEDS, "test_an_nzb_of_20_mb_is_fetched_and_one_without_files_is_refused"),
    "real-bittorrent-v2.*": (_TORRENTS, "test_a_hybrid_torrent_is_identified_by_the_id_the_client_assigns"),
    "real-hybrid-magnet.*": (_MONITOR, "test_a_torrent_that_gets_another_id_with_its_metadata_is_followed"),
    "real-removed-by-hand.*": (
        _GETTING,
        "test_a_torrent_removed_in_the_client_fails_with_the_reason",
    ),
    "real-queue-of-200.*": (_FEEDS, "test_all_pages_of_an_answer_are_read"),
    "real-killed-mid-download-sab.*": (
        _IMPORT,
        "test_a_second_copy_that_a_restarted_client_numbered_is_left_out",
    ),
    "real-killed-mid-download-qb.*": (_GETTING, "test_a_client_that_is_killed_in_the_middle_loses_nothing"),
    "real-path-mapping.*": (_IMPORT, "test_an_inaccessible_path_explains_the_path_mapping_that_fixes_it"),
    "real-season-pack-with-deselected.*": (_IMPORT, "test_a_file_deselected_in_the_client_is_skipped"),
    "real-qb-removes-at-limit.*": (
        _MONITOR,
        "test_a_torrent_that_its_client_removed_when_complete_is_imported",
    ),
    "real-qb-recheck.*": (_IMPORT, "test_the_import_is_postponed_while_the_client_rechecks"),
    "real-qb-.*": (_TORRENTS, "test_a_finished_download_has_a_content_path"),
    "real-tr-.*": (_TORRENTS, "test_transmission_gets_labels_and_goals"),
    "real-renamed-in-client.*": (_IMPORT, "test_a_badly_named_single_file_takes_the_facts_of_the_release"),
    "real-other-file-system.*": (
        "contexts/library/test_placing.py",
        "test_files_are_copied_across_disks_and_this_is_recorded",
    ),
    "real-one-torrent-for-two-films.*": (_GRAB, "test_one_torrent_serves_two_titles"),
    "rec-relative-urls": (_FEEDS, "test_a_relative_link_is_resolved"),
    "rec-(indexerflags-radarr|tpb)": (_SAMPLES, "test_recorded_feeds_are_parsed_completely"),
    "rec-minimum-seed": (_FEEDS, "test_seeding_rules_languages_and_passwords_are_read"),
    "rec-nzb-.*": (_FEEDS, "test_an_nzb_of_20_mb_is_fetched_and_one_without_files_is_refused"),
    "rec-tmdb-digital-date": (
        _ODD_ANSWERS,
        "test_the_home_release_date_comes_from_the_configured_region_then_the_films_country_then_others",
    ),
    "pub-bare-ampersand|pub-latin1.*": (_FEEDS, "test_a_damaged_item_is_repaired_without_losing_others"),
    "pub-size-in-words|pub-negative-size": (_FEEDS, "test_sizes_in_words_are_read"),
    "pub-only-infohash": (_FEEDS, "test_an_item_with_only_an_info_hash_gets_a_magnet"),
    "pub-date-zone-name": (_FEEDS, "test_dates_with_the_name_of_a_zone_are_read"),
    "pub-429-html": (_INDEXERS, "test_every_failure_has_one_of_the_four_causes"),
    "pub-cloudflare-403": (_FEEDS, "test_a_cloudflare_page_is_recognised_and_not_reported_as_a_wrong_password"),
    "pub-attr-without-namespace-prefix": (_FEEDS, "test_attributes_are_read_under_a_misspelt_namespace"),
    "pub-(transmission-410-floats|one-odd-row.*|qb-one-odd-row)": (
        _TORRENTS,
        "test_one_malformed_row_does_not_hide_the_others",
    ),
    "pub-qb-state-.*": (_TORRENTS, "test_the_states_of_both_api_versions_are_mapped"),
    "pub-qb-windows-paths": (_TORRENTS, "test_files_are_named_relative_to_the_save_folder"),
    "pub-tmdb-null-air-date": (_ODD_ANSWERS, "test_any_field_may_be_malformed_or_missing"),
    "pub-sample-instead-of-main": (_IMPORT, "test_smaller_videos_beside_the_film_are_listed_as_left_out"),
    "relay-(stats|client-config)": ("relay/test_http.py", "test_the_relay_reports_its_health"),
    "relay-crash": ("relay/test_http.py", "test_a_report_is_accepted_and_shown_to_authorised_users"),
    "relay-crash-nojson": ("relay/test_http.py", "test_invalid_reports_are_refused"),
    "relay-feedback": ("relay/test_http.py", "test_other_paths_do_not_exist"),
    "api-client-default-certificate-check": (
        "web/api/test_quality.py",
        "test_a_client_without_the_option_checks_certificates",
    ),
    "plex-root-movie": (_PLEX, "test_the_provider_description_lists_kinds_and_addresses"),
    "plex-match-guid-imdb": (_PLEX, "test_an_id_takes_precedence_over_the_title"),
    "plex-match-manual": (_PLEX, "test_manual_matching_returns_several_results_best_first"),
    "plex-match-season": (_PLEX, "test_a_show_a_season_and_an_episode_are_matched"),
    "plex-match-episode-date": (_PLEX, "test_an_episode_is_matched_by_its_air_date"),
    "plex-match-wrong-type": (_PLEX, "test_kinds_of_the_other_provider_match_nothing"),
    "plex-match-movie": (_PLEX, "test_a_film_is_matched_by_title_and_year"),
    "plex-metadata-.*": (_PLEX, "test_shows_seasons_and_episodes_refer_to_each_other"),
    "plex-paging-.*": (_PLEX, "test_grandchildren_are_paged"),
    "plex-include-children": (_PLEX, "test_children_are_included_on_request"),
    "plex-language": (_PLEX, "test_language_and_country_are_read_from_headers_or_parameters"),
}

_RUN_HERE = "real-odd-name-.*|real-malicious-.*|real-pack-.*|scan-episode-titles-like-extras|relay-.*"


def _cases(pattern: str = ".*") -> list[Any]:
    try:
        lines = (REPORTS / "edges.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    cases = [json.loads(line) for line in lines]
    return [pytest.param(case, id=case["id"]) for case in cases if re.fullmatch(pattern, case["id"])]


def _covered_by(id: str) -> tuple[str, str] | None:
    return next((where for pattern, where in COVERED.items() if re.fullmatch(pattern, id)), None)


@pytest.mark.parametrize("case", _cases())
def test_every_reported_case_is_run_or_covered(case: dict[str, Any]) -> None:
    where = _covered_by(case["id"])
    if where is None:
        assert re.fullmatch(_RUN_HERE, case["id"]), "nothing covers this case"
        return
    file, name = where
    assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8"), f"{file} has no {name}"


@pytest.mark.parametrize("case", _cases("relay-(?!stats|client-config|crash|feedback).*"))
def test_the_relay_asks_what_was_reported(case: dict[str, Any]) -> None:
    path, _, query = str(case["input"]).partition("?")
    asked = resolve(path, dict(parse_qsl(query)))
    if str(case["expected"]).startswith("422"):
        assert isinstance(asked, Wrong)
        assert asked.status == 422
        return
    assert isinstance(asked, Request), asked
    seen = re.search(r"upstream (\[.*?\)\])", case["got"])
    assert seen is not None
    ((upstream, parameters),) = ast.literal_eval(seen.group(1))
    if case["id"] == "relay-unknown-param":
        # Where the report fails, `got` has the answer of that day; the contract passes every parameter on.
        parameters = dict(parse_qsl(query))
    assert (asked.path, asked.params) == (re.sub(r"^/(?:3|v4)", "", upstream), parameters)


def _imported(home: House, content: bytes, title: str, item_id: str, **target: Any) -> tuple[str, list[str]]:
    """Grab a torrent, let it finish with files on disk, import it; return what was said and the reasons."""
    link = "http://indexer.test/reported"
    home.indexer.content[link] = Fetched(content, None)
    home.indexer.releases.append(
        IndexerRelease(
            guid="reported",
            title=title,
            protocol=Protocols.TORRENT,
            download_url=link,
            info_hash=read_torrent(content).info_hashes[0],
            size_bytes=4 * GIB,
            seeders=20,
        )
    )
    (release,) = [row for row in home.releases(home.search(item_id, **target)) if row.guid == "reported"]
    download_id = home.grab(release.id, override=True)
    home.finish(download_id)
    said = home.bring_in(download_id)
    return said, [say(entry) for entry in home.download(download_id).reasons]


@pytest.mark.parametrize("case", _cases("real-odd-name-.*"))
def test_torrents_with_odd_names_are_imported(house: House, case: dict[str, Any]) -> None:  # noqa: F811  the fixture
    number = case["id"].split("-")[3]
    content = (REPORTS / "inputs" / f"odd-name-{number}.torrent").read_bytes()
    said, reasons = _imported(house, content, "Metropolis.1927.1080p.BluRay.x264-GRP", house.film_id)
    assert said == "1 file imported", reasons
    (placed,) = house.library_files()
    assert placed.startswith("Metropolis (1927)/")


@pytest.mark.parametrize("case", _cases("real-malicious-.*"))
def test_harmful_downloads_are_kept_out(house: House, case: dict[str, Any]) -> None:  # noqa: F811  the fixture
    from tests.contexts.downloads.conftest import torrent

    title = "Metropolis.1927.1080p.BluRay.x264-GRP"
    names = [name.replace("@", title) for name in _listed(case["input"])]
    content = torrent(title, dict.fromkeys(names, BIG))
    said, reasons = _imported(house, content, title, house.film_id)
    if case["expected"] == "harmful":
        assert "may be harmful" in said, reasons
        assert house.library_files() == []
    else:
        assert said.startswith("1 file imported"), reasons


@pytest.mark.parametrize("case", _cases("real-pack-.*"))
def test_packs_become_their_episodes(house: House, case: dict[str, Any]) -> None:  # noqa: F811  the fixture
    from tests.contexts.downloads.conftest import torrent

    told = _listed(case["input"])
    codes = re.findall(r"S(\d+)E(\d+)", case["expected"])
    seasons: dict[int, int] = {}
    for season, episode in codes:
        seasons[int(season)] = max(seasons.get(int(season), 0), int(episode))
    title = re.split(r"\.S\d", told["release"])[0].replace(".", " ")
    with house.database.writes() as session:
        show = builders.show(session, title, 2010, tmdb_id=777, seasons=seasons, library_path_id="series")
        item_id = show.id
    content = torrent(told["release"], dict.fromkeys(told["files"], BIG))
    said, reasons = _imported(house, content, told["release"], item_id, season_number=min(seasons))
    videos = [name for name in house.library_files() if name.endswith(".mkv")]
    assert len(videos) == len(codes), (said, reasons)
    for season, episode in codes:
        assert any(f"S{season}E{episode}" in name for name in videos), (season, episode)


@pytest.mark.parametrize("case", _cases("scan-episode-titles-like-extras"))
def test_episode_titles_like_extras_are_videos(case: dict[str, Any]) -> None:
    for name in _listed(case["input"]):
        assert filekinds.classify(name, 2 * GIB) is filekinds.FileKind.VIDEO, name


def _listed(value: Any) -> Any:
    return ast.literal_eval(value) if isinstance(value, str) else value
