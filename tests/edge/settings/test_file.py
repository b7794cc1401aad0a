"""Reading the settings: who wins, and what an error says."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import Settings
from edge.errors import ConfigError
from edge.settings.check import known_keys
from edge.settings.env import variable
from edge.settings.file import choose_data_dir, load, read

NOWHERE = Path("/nonexistent/edge.toml")


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "edge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path | None, environ: dict[str, str] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {}, NOWHERE)
    return caught.value


def test_without_file_and_environment_everything_is_at_its_default(tmp_path: Path) -> None:
    settings = load(None, {"HOME": str(tmp_path)}, NOWHERE)
    assert settings.model_copy(update={"store": Settings().store}) == Settings()


def test_the_file_wins_over_the_defaults_and_the_environment_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[http]\nport = 8100\nrate_per_minute = 7\n")
    settings = load(path, {"EDGECASE_HTTP__PORT": "8200"})
    assert (settings.http.port, settings.http.rate_per_minute) == (8200, 7)


def test_the_usual_file_is_read_when_it_exists(tmp_path: Path) -> None:
    path = written(tmp_path, "[device]\nname = 'bay-3'\n")
    assert load(None, {}, path).device.name == "bay-3"


def test_a_file_given_by_hand_that_is_missing_is_an_error() -> None:
    assert "/nonexistent/edge.toml" in refused(NOWHERE).message


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("[http]\n# x\nprot = 9\n", 3, ["http.prot", "9", "http.port"]),
        ("\n[htpp]\nport = 9\n", 2, ["[htpp]", "[http]"]),
        ('[http]\nport = "8000"\n', 2, ["http.port", '"8000"', "integer"]),
        ("[http]\nport = true\n", 2, ["http.port", "true", "integer"]),
        ("[http]\nport = 70000\n", 2, ["http.port", "70000", "65535"]),
        ("http.port = 1.5\n", 1, ["http.port", "1.5", "integer"]),
        ("http = { rate_per_minute = 5, port = -1 }\n", 1, ["http.port", "-1"]),
        ('[camera]\nkind = "usb"\n', 2, ["camera.kind", '"usb"', "'v4l2'"]),
        ("[store]\nport = 9\n", 2, ["store.port", "http.port"]),
        ("blur_threshold = 9\n", 1, ["blur_threshold", "quality.blur_threshold"]),
        ('[http]\ncors_origins = ["a", 1]\n', 2, ["http.cors_origins", "string"]),
        ('[store]\ndata_dir = ""\n', 2, ["store.data_dir", "folder"]),
        ('[store]\ndata_dir = "a\\u0000b"\n', 2, ["store.data_dir", "folder"]),
        ('[store]\ndata_dir = "~nobody-of-this-name/x"\n', 2, ["store.data_dir", "folder"]),
        ("[quality]\nblur_threshold = nan\n", 2, ["quality.blur_threshold"]),
        ("[decision]\nconf_threshold = 2026-01-01\n", 2, ["decision.conf_threshold"]),
    ],
)
def test_an_error_names_file_line_key_value_and_the_nearest_key(
    tmp_path: Path, text: str, line: int, parts: list[str]
) -> None:
    path = written(tmp_path, text)
    message = refused(path).message
    assert message.startswith(f"{path}, line {line}: ")
    assert [part for part in parts if part not in message] == []


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "[http]\nprot = 1\nport = -1\n")
    assert len(refused(path, {"EDGECASE_HTTP__HOTS": "x"}).message.splitlines()) == 3


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    assert "line 2" in refused(written(tmp_path, "[http]\nport = = 1\n")).message


def test_a_file_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_bytes(b'[device]\nname = "\xff"\n')
    assert str(path) in refused(path).message


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("EDGECASE_HTTP__PROT", "EDGECASE_HTTP__PORT"),
        ("EDGECASE_HTPP__PORT", "EDGECASE_HTTP__PORT"),
        ("EDGECASE_QUALITY__BLUR_THRESHHOLD", "EDGECASE_QUALITY__BLUR_THRESHOLD"),
        ("EDGECASE_STORE__DATADIR", "EDGECASE_STORE__DATA_DIR"),
    ],
)
def test_an_unknown_variable_is_an_error_with_the_nearest_name(name: str, nearest: str) -> None:
    message = refused(None, {name: "9"}).message
    assert name in message
    assert f"did you mean {nearest}?" in message
    assert '"9"' in message


def test_a_wrong_value_in_the_environment_names_the_variable() -> None:
    message = refused(None, {"EDGECASE_HTTP__PORT": "http"}).message
    assert "EDGECASE_HTTP__PORT" in message
    assert '"http"' in message


def test_the_towers_variables_and_those_without_a_section_are_somebody_elses() -> None:
    others = {"EDGECASE_TOWER_STORE__DATA_DIR": "/x", "EDGECASE_HOME": "/y", "PATH__X": "z"}
    assert load(None, others, NOWHERE).http == Settings().http


@pytest.mark.parametrize(
    "text", ["http://a,http://b", ' ["http://a", "http://b"]', "http://a, http://b,"]
)
def test_a_list_in_the_environment_is_json_or_separated_by_commas(text: str) -> None:
    settings = load(None, {"EDGECASE_HTTP__CORS_ORIGINS": text}, NOWHERE)
    assert settings.http.cors_origins == ("http://a", "http://b")


def test_an_empty_variable_unsets_what_may_be_unset() -> None:
    settings = load(None, {"EDGECASE_QUALITY__BLUR_THRESHOLD": ""}, NOWHERE)
    assert settings.quality.blur_threshold is None


def test_every_key_can_be_set_from_the_environment() -> None:
    defaults = Settings().model_dump()
    for key in known_keys():
        section, name = key.split(".")
        value = defaults[section][name]
        text = "/srv/x" if value is None and name == "folder" else ""
        text = "1" if value is None and not text else text or str(value)
        text = "a,b" if isinstance(value, tuple) else text
        read_back = read(None, {variable(key): text}, NOWHERE)
        assert read_back.problems == (), key


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "edge.local"])
def test_open_to_everybody_on_a_network_is_refused_with_a_hint(host: str) -> None:
    error = refused(None, {"EDGECASE_HTTP__HOST": host})
    assert "http.host" in error.message
    assert "EDGECASE_HTTP__AUTH=token" in error.hint


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_open_on_loopback_is_fine(host: str) -> None:
    assert load(None, {"EDGECASE_HTTP__HOST": host}, NOWHERE).http.host == host


def test_a_network_address_with_tokens_is_fine() -> None:
    environ = {"EDGECASE_HTTP__HOST": "0.0.0.0", "EDGECASE_HTTP__AUTH": "token"}
    assert load(None, environ, NOWHERE).http.host == "0.0.0.0"


def test_what_is_right_survives_beside_what_is_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, "[http]\nport = 8123\nprot = 1\n")
    found = read(path, {"EDGECASE_HTTP__HOST": "0.0.0.0"})
    assert (found.settings.http.port, found.settings.http.host) == (8123, "127.0.0.1")
    assert len(found.problems) == 2


@pytest.mark.parametrize(
    ("usable", "xdg", "expected"),
    [
        (True, "/x", "/var/lib/edgecase"),
        (False, "/x", "/x/edgecase"),
        (False, "", "/home/ada/.local/share/edgecase"),
        (False, "relative", "/home/ada/.local/share/edgecase"),
    ],
)
def test_where_the_data_goes_when_nobody_said(usable: bool, xdg: str, expected: str) -> None:
    chosen = choose_data_dir(Path("/var/lib/edgecase"), usable, xdg, Path("/home/ada"))
    assert chosen == Path(expected)


def test_folders_become_absolute_and_home_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    settings = load(None, {"EDGECASE_STORE__DATA_DIR": "~/edge"}, NOWHERE)
    assert settings.store.data_dir == Path("/home/ada/edge")


def test_reading_makes_no_folder_and_opens_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("reading the settings touched the outside")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(Path, "mkdir", forbidden)
    path = written(tmp_path, f'[store]\ndata_dir = "{tmp_path}/new"\n[camera]\nkind = "v4l2"\n')
    before = sorted(tmp_path.rglob("*"))
    load(path, {"EDGECASE_CAMERA__FOLDER": f"{tmp_path}/inbox"})
    assert sorted(tmp_path.rglob("*")) == before


def test_no_two_keys_share_a_variable() -> None:
    for a, b in itertools.combinations(known_keys(), 2):
        assert variable(a) != variable(b)


WORDS = st.sampled_from(
    ["http", "port", "store", "data_dir", "camera", "x", '"a.b"', "0", "1e999", "nan", "true", "[]"]
    + ["2026-01-01", '"\\u0000"', "{port = 1}", "[http]", "[[http]]", "[a.b]", "=", ".", "\n", " "]
)
NAMES = st.sampled_from([variable(key) for key in known_keys()]) | st.text(max_size=6).map(
    lambda tail: f"EDGECASE_{tail}__{tail}"
)


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(WORDS, max_size=25).map("".join),
    environ=st.dictionaries(NAMES, st.text(max_size=12), max_size=3),
)
def test_whatever_is_written_gives_settings_or_problems_that_can_be_printed(
    tmp_path_factory: pytest.TempPathFactory, text: str, environ: dict[str, str]
) -> None:
    path = written(tmp_path_factory.getbasetemp(), text)
    found = read(path, environ)
    assert isinstance(found.settings, Settings)
    for problem in found.problems:
        problem.text.encode()
        assert problem.text.startswith((f"{path}", "environment:", "[", "defaults"))


def test_an_environment_that_is_no_unicode_is_told_in_print() -> None:
    error = refused(None, {"EDGECASE_HTTP__PORT": "\udcff", "EDGECASE_HTTP__PROT": "\udcfe"})
    error.message.encode()


def test_cases_do_not_travel_over_a_network_in_the_clear() -> None:
    with pytest.raises(ConfigError, match="in the clear") as refused:
        load(None, {"EDGECASE_SYNC__HOST": "tower.example"}, NOWHERE)
    assert "sync.ca" in refused.value.hint
    assert read(None, {"EDGECASE_SYNC__HOST": "tower.example"}, NOWHERE).settings.sync.host == ""


@pytest.mark.parametrize("more", [{}, {"EDGECASE_SYNC__CA": "/etc/edgecase/ca.pem"}])
def test_a_tower_on_loopback_or_behind_a_certificate_is_fine(more: dict[str, str]) -> None:
    host = "tower.example" if more else "127.0.0.1"
    assert load(None, {"EDGECASE_SYNC__HOST": host, **more}, NOWHERE).sync.host == host


@pytest.mark.parametrize("window", ["22-6", "24:00-06:00", "22:00", "22:00-06:00 "])
def test_a_window_that_is_none_is_refused(window: str) -> None:
    with pytest.raises(ConfigError, match="WINDOW"):
        load(None, {"EDGECASE_SYNC__WINDOW": window}, NOWHERE)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("EDGECASE_FOO__BAR", "EDGECASE_HTTP__, "),
        ("EDGECASE_HTTP__XYZZY", "EDGECASE_HTTP__ goes on with HOST, PORT"),
    ],
)
def test_where_no_setting_is_near_those_that_there_are_are_named(name, told):
    message = refused(None, {name: "1"}).message
    assert told in message
    assert "did you mean" not in message
