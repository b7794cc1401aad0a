"""The broker's and the workers' certificates, and who reaches the broker with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sync.broker import Broker, Tls
from tower_sync_server.broker.link import broker_of
from tower_sync_server.broker.own_certificates import broker_names, own_certificates
from tower_sync_server.broker.places import names_of_broker, plan_of
from tower_sync_server.config import BrokerSettings, MqttSettings, Settings, StoreSettings
from tower_sync_server.errors import OperatorError
from tower_sync_server.fleet.certificates import names_of
from tower_sync_server.fleet.folder import FleetFolder, read_certificate, read_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FleetFolder]:
    made = FleetFolder(tmp_path / "fleet")
    with made.locked():
        yield made


def test_the_broker_answers_to_all_its_names(folder: FleetFolder) -> None:
    names = ["tower.example", "127.0.0.1", "::1", "10.0.0.5"]
    server, worker = own_certificates(folder, names, NOW)

    assert names_of(read_certificate(server)) == set(names)
    for path in (server, worker):
        assert read_key(path).public_key() == read_certificate(path).public_key()


def test_they_stay_until_it_is_time_or_a_name_is_new(folder: FleetFolder) -> None:
    def serials(names: list[str], now: datetime) -> list[int]:
        return [read_certificate(p).serial_number for p in own_certificates(folder, names, now)]

    first = serials(["a", "b"], NOW)
    assert serials(["b"], NOW + 400 * DAY) == first
    with_c = serials(["a", "b", "c"], NOW + 400 * DAY)
    assert (with_c[0] != first[0], with_c[1] == first[1]) == (True, True)
    later = serials(["a", "b", "c"], NOW + 1000 * DAY)
    assert later[0] != with_c[0]
    assert later[1] != first[1]


def test_a_name_that_is_none_is_said(folder: FleetFolder) -> None:
    with pytest.raises(OperatorError, match=r"broker\.names|name of the broker"):
        own_certificates(folder, ["tower\u00e4"], NOW)


def test_the_names_of_the_settings_come_first_and_none_comes_twice() -> None:
    names = broker_names(["Tower.Example", "localhost"], "10.0.0.5")

    assert names[:2] == ["tower.example", "localhost"]
    assert "10.0.0.5" in names
    assert len(names) == len(set(names))
    assert "0.0.0.0" not in broker_names([], "0.0.0.0")


def settings(data: Path, **mqtt: object) -> Settings:
    return Settings(
        store=StoreSettings(data_dir=data),
        mqtt=MqttSettings.model_validate(mqtt),
        broker=BrokerSettings(workers_port=18884, workers_host="10.9.8.7"),
    )


def test_on_one_machine_without_settings_it_is_loopback_in_the_clear(tmp_path: Path) -> None:
    assert broker_of(settings(tmp_path), "me") == Broker("127.0.0.1", "me", 1883)


def test_where_the_broker_has_run_the_tower_comes_with_its_certificate(tmp_path: Path) -> None:
    made = FleetFolder(tmp_path / "fleet")
    with made.locked():
        own_certificates(made, ["127.0.0.1"], NOW)

    found = broker_of(settings(tmp_path), "me")

    own = tmp_path / "fleet" / "worker.pem"
    assert (found.port, found.tls) == (18884, Tls(tmp_path / "fleet" / "tower-ca.pem", own, own))
    assert broker_of(settings(tmp_path, port=1883), "me").tls is None


def test_a_broker_elsewhere_is_reached_as_the_settings_say(tmp_path: Path) -> None:
    ca, key = tmp_path / "ca.pem", tmp_path / "key.pem"
    found = broker_of(settings(tmp_path, host="mq", ca=ca, certificate=key, key=key), "me")
    named = broker_of(settings(tmp_path, host="mq", port=1, username="u", password="p"), "me")

    assert found == Broker("mq", "me", 8883, Tls(ca, key, key))
    assert named == Broker("mq", "me", 1, None, "u", "p")


def test_a_password_is_not_shown_with_the_settings(tmp_path: Path) -> None:
    assert "secret" not in repr(settings(tmp_path, password="secret"))


def test_the_broker_is_named_where_the_workers_look_for_it(tmp_path: Path) -> None:
    assert "10.9.8.7" in names_of_broker(settings(tmp_path))
    assert plan_of(settings(tmp_path)).workers.host == "10.9.8.7"
