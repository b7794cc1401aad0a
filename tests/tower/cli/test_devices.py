"""`edgecase-tower devices`: letting devices in and out, as a person does."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from edge.uplink.bundle import request
from sync.bundle import parse
from tests.fakes.broker import mosquitto
from tests.fakes.release_tower import ReleaseTower

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.tower.cli.conftest import Cli


def test_a_device_is_let_in_with_no_settings_and_nothing_asked(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("devices", "enroll", "pi-7")

    path = tmp_path / "pi-7.bundle"
    assert (code, out.strip()) == (0, "pi-7.bundle")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    bundle = parse(path.read_text())
    assert (bundle.host, bundle.port) == ("127.0.0.1", 8883)
    assert "edgecase sync enroll" in err
    assert "back that folder up" in err


def test_a_device_is_given_the_root_of_the_towers_releases(cli: Cli, tmp_path: Path) -> None:
    tower = ReleaseTower(tmp_path / "tower")

    cli("devices", "enroll", "pi")

    assert parse((tmp_path / "pi.bundle").read_text()).releases == tower.root


def test_the_list_tells_how_each_is(cli: Cli) -> None:
    assert "No device" in cli("devices", "list")[2]
    for name in ("b", "a"):
        cli("devices", "enroll", name)
    cli("devices", "revoke", "b")

    listed = json.loads(cli("devices", "list", "--json")[1])

    assert [(row["name"], row["standing"]) for row in listed] == [("a", "good"), ("b", "revoked")]
    assert listed[1]["revoked"]
    assert "a " in cli("devices", "list")[1]


def test_nothing_is_written_over_something_else(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "pi.bundle").write_text("mine")

    code, _, err = cli("devices", "enroll", "pi")

    assert (code, "there already" in err) == (1, True)
    assert (tmp_path / "pi.bundle").read_text() == "mine"
    assert json.loads(cli("devices", "list", "--json")[1]) == []


def test_a_place_that_can_not_be_written_to_lets_nobody_in(cli: Cli, tmp_path: Path) -> None:
    assert cli("devices", "enroll", "pi", "--out", tmp_path / "nowhere" / "pi.bundle")[0] == 1
    assert json.loads(cli("devices", "list", "--json")[1]) == []


def test_a_name_is_given_once_unless_it_is_renewed_or_replaced(cli: Cli) -> None:
    cli("devices", "enroll", "pi", "--out", "1")
    code, _, err = cli("devices", "enroll", "pi", "--out", "2")
    assert (code, "--replace" in err, "renew" in err) == (1, True, True)

    assert cli("devices", "renew", "pi", "--out", "2")[0] == 0
    assert cli("devices", "enroll", "pi", "--replace", "--out", "3")[0] == 0

    standings = [row["standing"] for row in json.loads(cli("devices", "list", "--json")[1])]
    assert sorted(standings) == ["good", "revoked", "revoked"]


def test_a_request_of_the_device_is_signed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "pi.csr").write_text(request("pi", tmp_path / "device"))

    assert cli("devices", "enroll", "pi", "--request", "pi.csr")[0] == 0
    assert parse((tmp_path / "pi.bundle").read_text()).key == ""
    assert cli("devices", "enroll", "po", "--request", "pi.csr")[0] == 1
    assert cli("devices", "enroll", "po", "--request", "none.csr")[0] == 1


def test_only_a_name_that_the_brokers_certificate_says_can_be_told(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, _, err = cli("devices", "enroll", "pi", "--host", "tower.example")
    assert (code, "broker.names" in err) == (1, True)

    monkeypatch.setenv("EDGECASE_TOWER_BROKER__NAMES", "tower.example, 10.1.2.3")
    monkeypatch.setenv("EDGECASE_TOWER_BROKER__PORT", "9883")
    assert "broker.host" in cli("devices", "enroll", "pi")[2]
    bundle = parse((tmp_path / "pi.bundle").read_text())
    assert (bundle.host, bundle.port) == ("tower.example", 9883)


def test_who_is_not_in_can_not_be_shut_out(cli: Cli) -> None:
    code, _, err = cli("devices", "revoke", "pi")
    assert (code, "devices list" in err) == (1, True)


def test_without_a_broker_here_a_person_hears_what_to_do(cli: Cli) -> None:
    cli("devices", "enroll", "pi")
    code, out, err = cli("devices", "revoke", "pi")
    assert (code, "1 certificate revoked" in out, "revoked.pem" in err) == (0, True, True)


def test_devices_are_asked_to_compare(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broker").mkdir()
    cli("devices", "enroll", "pi-7")
    with mosquitto(tmp_path / "broker") as broker:
        monkeypatch.setenv("EDGECASE_TOWER_MQTT__PORT", str(broker.port))

        assert "1 devices" in cli("devices", "compare", "pi-7")[1]
