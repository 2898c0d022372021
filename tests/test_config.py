"""The environment overrides the file, which overrides the default; errors name their key and source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mydia import config
from mydia.config import BY_NAME, KEYS
from mydia.cron import is_cron
from mydia.errors import Misconfigured


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(text)
    return path


def test_the_environment_overrides_the_file_and_the_file_the_default(tmp_path: Path) -> None:
    file = _file(tmp_path, "server:\n  port: 5000\n  host: 127.0.0.1\n")
    loaded = config.load({"PORT": "6000"}, file=file)
    assert (loaded["server.port"], loaded.values["server.port"].source) == (6000, "environment variable PORT")
    assert (loaded["server.host"], loaded.values["server.host"].source) == ("127.0.0.1", "file config.yml")
    assert (loaded["logging.level"], loaded.values["logging.level"].source) == ("info", "default")


def test_an_empty_variable_counts_as_unset() -> None:
    assert config.load({"PORT": ""})["server.port"] == 4000


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"PORT": "zwölf"}, ["server.port", "environment variable PORT", "zwölf", "from 1 to 65535"]),
        ({"PORT": "0"}, ["server.port", "from 1 to 65535"]),
        ({"LOG_LEVEL": "loud"}, ["logging.level", "LOG_LEVEL", "debug, info, warning, error"]),
        ({"LIBRARY_WATCH": "maybe"}, ["library.watch", "true or false"]),
        ({"SCAN_CRON": "0 2 * * 8"}, ["jobs.scan_cron", "five cron fields"]),
        ({"TZ": "Mars/Olympus"}, ["jobs.time_zone", "Europe/Vienna"]),
        ({"METADATA_RELAY_URL": "relay.example"}, ["metadata.relay_url", "http://"]),
        ({"METADATA_LANGUAGE": "german"}, ["metadata.language", "en-US"]),
        ({"MOVIES_PATH": "movies"}, ["media.movies_path", "absolute"]),
        ({"SECRET_KEY_BASE": "short"}, ["server.secret_key_base", "32 characters"]),
        ({"ADMIN_USERNAME": "robin", "ADMIN_PASSWORD": "short"}, ["auth.admin_password", "8 characters"]),
        ({"ADMIN_PASSWORD": "long enough"}, ["ADMIN_USERNAME"]),
        ({"MYDIA_CONFIG": "/nowhere/config.yml"}, ["MYDIA_CONFIG", "/nowhere/config.yml"]),
    ],
)
def test_an_invalid_value_is_reported_with_key_source_and_allowed_values(
    environ: dict[str, str], said: list[str]
) -> None:
    with pytest.raises(Misconfigured) as refused:
        config.load(environ)
    assert all(word in refused.value.message for word in said), refused.value.message


def test_a_secret_is_never_printed_even_if_invalid() -> None:
    with pytest.raises(Misconfigured) as refused:
        config.load({"ADMIN_USERNAME": "robin", "ADMIN_PASSWORD": "hunter2"})
    assert "hunter2" not in refused.value.message
    assert "hunter2hunter2" not in repr(config.load({"TMDB_API_KEY": "hunter2hunter2"}).secret("metadata.tmdb_api_key"))


def test_variables_fill_in_values_but_never_structure(tmp_path: Path) -> None:
    file = _file(
        tmp_path,
        "server:\n  url: ${URL:-http://nas:4000}\n  port: ${P}\nlibrary:\n  watch: ${WATCH:-false}\n"
        "metadata:\n  tmdb_api_key: '${KEY}'\n",
    )
    loaded = config.load({"P": "7000", "KEY": "a: b\n- c"}, file=file)
    assert loaded["server.url"] == "http://nas:4000"
    assert loaded["server.port"] == 7000
    assert loaded["library.watch"] is False
    assert loaded.secret("metadata.tmdb_api_key").reveal() == "a: b\n- c"


def test_an_undefined_variable_without_default_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="NOT_THERE"):
        config.load({}, file=_file(tmp_path, "server:\n  url: ${NOT_THERE}\n"))


def test_broken_files_are_named(tmp_path: Path) -> None:
    for text, said in (
        ("server: [", "not valid YAML"),
        ("- 1\n- 2\n", "sections"),
        ("indexers: 3\n", "list of entries"),
    ):
        with pytest.raises(Misconfigured, match=said):
            config.load({}, file=_file(tmp_path, text))


def test_unknown_keys_are_kept_for_the_log(tmp_path: Path) -> None:
    assert config.load({}, file=_file(tmp_path, "server:\n  prot: 1\n")).unknown_keys == ("server.prot",)


def test_the_file_is_found_in_the_data_folder(tmp_path: Path) -> None:
    _file(tmp_path, "server:\n  port: 4321\n")
    assert config.load({"DATA_DIR": str(tmp_path)})["server.port"] == 4321


def test_lists_come_from_numbered_variables_and_from_the_file(tmp_path: Path) -> None:
    file = _file(tmp_path, "indexers:\n  - name: Nine\n    base_url: http://nine\n    categories: [2000, 5000]\n")
    loaded = config.load(
        {
            "DOWNLOAD_CLIENT_2_NAME": "second",
            "DOWNLOAD_CLIENT_1_NAME": "first",
            "DOWNLOAD_CLIENT_1_USE_SSL": "true",
            "LIBRARY_PATH_10_PATH": "/media/anime",
        },
        file=file,
    )
    assert [entry.fields["name"] for entry in loaded.download_clients] == ["first", "second"]
    assert loaded.download_clients[0].source == "environment variables DOWNLOAD_CLIENT_1_…"
    assert loaded.indexers[0].fields["categories"] == "2000,5000"
    assert loaded.library_paths[0].fields == {"path": "/media/anime"}


def test_an_unknown_field_of_an_entry_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"indexers\[1\].bose_url .*base_url"):
        config.load({}, file=_file(tmp_path, "indexers:\n  - bose_url: http://nine\n"))


def test_the_secret_key_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    loaded = config.load({"DATA_DIR": str(tmp_path / "data")})
    first = loaded.secret_key()
    assert first == loaded.secret_key()
    assert len(first) >= 32
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600


def test_names_and_variables_are_unique() -> None:
    variables = [variable for key in KEYS for variable in (key.env, *key.also_env)]
    assert len(variables) == len(set(variables))
    assert len(BY_NAME) == len(KEYS)


def test_every_default_is_valid() -> None:
    for key in KEYS:
        if key.default is not None:
            assert config.check(key, key.default, "default") == key.default, key.name


def test_the_example_file_lists_every_key_and_can_be_loaded() -> None:
    path = Path(config.__file__).parents[2] / "config.yml.example"
    assert path.read_text() == config.example(), "write it again: python -m mydia config example > config.yml.example"
    loaded = config.load({}, file=path)
    assert loaded.unknown_keys == ()
    assert {name: found.value for name, found in loaded.values.items()} == {key.name: key.default for key in KEYS}


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "0 2 * * *",
        "15 */6 * * *",
        "0,30 8-18/2 1 jan-mar mon-fri",
        "5 4 * * sun",
        "0 2 * * 1",
        "0 2 * * 5-7",
        "@daily",
    ],
)
def test_valid_cron_expressions(text: str) -> None:
    assert is_cron(text)


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "a b c d e"],
)
def test_invalid_cron_expressions(text: str) -> None:
    assert not is_cron(text)


@given(st.text())
def test_reading_a_cron_never_raises(text: str) -> None:
    is_cron(text)


@given(st.sampled_from(KEYS), st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.lists(st.text())))
def test_any_value_is_either_accepted_or_refused_with_a_message(key: config.Key, raw: object) -> None:
    try:
        value = config.check(key, raw, "test")
    except Misconfigured:
        return
    json.dumps(value)


@given(st.text(alphabet="0123456789*/,-@ abcdefghijklmnopqrstuvwxyz", max_size=40))
def test_what_the_settings_accept_the_scheduler_accepts(text: str) -> None:
    from mydia.errors import Invalid
    from mydia.jobs.scheduler import cron_trigger, time_zone

    try:
        cron_trigger(text, time_zone("UTC"))
    except Invalid:
        assert not is_cron(text)
    else:
        assert is_cron(text)


@pytest.mark.parametrize(
    "line", ["0 2 * * 1", "*/5 * * * *", "0 0 1 jan *", "@hourly", "30 4 * * sat", "1,2-4 * * * 0"]
)
def test_the_scheduler_accepts_what_the_settings_accept(line: str) -> None:
    from mydia.jobs.scheduler import cron_trigger, time_zone

    assert is_cron(line)
    assert cron_trigger(line, time_zone("UTC"))
