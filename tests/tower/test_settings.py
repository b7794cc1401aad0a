from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tower_sync_server.errors import ConfigError
from tower_sync_server.settings import choose_data_dir, load

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, text: str) -> Path:
    path = folder / "tower.toml"
    path.write_text(text)
    return path


def test_without_anything_it_listens_to_this_machine_alone(tmp_path: Path) -> None:
    settings = load(None, {"HOME": str(tmp_path)}, tmp_path / "none.toml")

    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 9000)
    assert (settings.mqtt.host, settings.broker.host) == ("127.0.0.1", "127.0.0.1")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[http]\nport = 9001\nallowed_hosts = ["a"]\n[mqtt]\nport = 1884\n')
    environ = {
        "EDGECASE_TOWER_HTTP__PORT": "9002",
        "EDGECASE_TOWER_HTTP__ALLOWED_HOSTS": "tower.local, tower",
        "EDGECASE_TOWER_STORE__DATA_DIR": str(tmp_path / "data"),
        "EDGECASE_HTTP__PORT": "the device's",
    }

    settings = load(path, environ)

    assert (settings.http.port, settings.mqtt.port) == (9002, 1884)
    assert settings.http.allowed_hosts == ("tower.local", "tower")
    assert settings.store.data_dir == tmp_path / "data"


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("[http]\nprot = 1\n", {}, ["tower.toml", "http.prot", "did you mean http.port?"]),
        ("[htpt]\nport = 1\n", {}, ["tower.toml", "htpt", "[http]"]),
        ("[http]\nport = 99999\n", {}, ["tower.toml", "http.port", "99999"]),
        ("port = 1\n", {}, ["tower.toml", "port", "outside any table"]),
        ("[http\n", {}, ["tower.toml", "not TOML"]),
        ("", {"EDGECASE_TOWER_HTTP__PORT": "x"}, ["EDGECASE_TOWER_HTTP__PORT", "http.port", "'x'"]),
        ("", {"EDGECASE_TOWER_HTTP__PROT": "1"}, ["EDGECASE_TOWER_HTTP__PROT", "http.port"]),
        ("", {"EDGECASE_TOWER_HTTP__AUTH": "none"}, ["EDGECASE_TOWER_HTTP__AUTH", "open"]),
    ],
)
def test_a_mistake_is_named_with_where_it_was_made(
    tmp_path: Path, text: str, environ: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as e:
        load(written(tmp_path, text), environ)

    said = f"{e.value.message} {e.value.hint}"
    assert [word for word in words if word not in said] == []


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path / "none.toml", {})


NETWORKS = ["0.0.0.0", "192.168.1.4", "::", "tower.local", ""]


@pytest.mark.parametrize("host", NETWORKS)
def test_it_never_listens_to_a_network_without_a_sign_in(tmp_path: Path, host: str) -> None:
    environ = {"EDGECASE_TOWER_HTTP__HOST": host, "EDGECASE_TOWER_HTTP__AUTH": "open"}
    with pytest.raises(ConfigError, match="anybody could see every case"):
        load(written(tmp_path, "[http]\nplain = true\n"), environ)


@pytest.mark.parametrize("host", NETWORKS)
def test_it_never_takes_passwords_from_a_network_in_the_clear(tmp_path: Path, host: str) -> None:
    environ = {"EDGECASE_TOWER_HTTP__HOST": host}
    with pytest.raises(ConfigError, match="read the passwords"):
        load(written(tmp_path, ""), environ)

    for encrypted in ("plain = true", 'certificate = "/c.pem"\nkey = "/k.pem"'):
        assert load(written(tmp_path, f"[http]\n{encrypted}\n"), environ).http.host == host


def test_a_certificate_is_nothing_without_its_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="belong together"):
        load(written(tmp_path, '[http]\ncertificate = "/c.pem"\n'), {})


def test_people_sign_in_unless_somebody_decided_otherwise(tmp_path: Path) -> None:
    assert load(written(tmp_path, ""), {}).http.auth == "session"
    assert load(written(tmp_path, '[http]\nauth = "open"\n'), {}).http.auth == "open"


def test_nobody_stays_signed_in_for_longer_than_in_all(tmp_path: Path) -> None:
    text = "[http]\nsession_idle_hours = 48\nsession_days = 1\n"

    lifetimes = load(written(tmp_path, text), {}).http.lifetimes

    assert (lifetimes.idle_s, lifetimes.total_s) == (86400, 86400)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_any_loopback_address_will_do(tmp_path: Path, host: str) -> None:
    environ = {"EDGECASE_TOWER_HTTP__HOST": host}

    assert load(written(tmp_path, ""), environ).http.host == host


def test_data_lies_in_the_home_of_who_may_not_write_to_the_system(tmp_path: Path) -> None:
    system = tmp_path / "var"

    assert choose_data_dir(system, True, "", tmp_path) == system
    assert choose_data_dir(system, False, "", tmp_path) == tmp_path / ".local/share/var"
    assert choose_data_dir(system, False, "/xdg", tmp_path).as_posix() == "/xdg/var"
    assert choose_data_dir(system, False, "not/absolute", tmp_path) == tmp_path / ".local/share/var"
