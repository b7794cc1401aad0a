"""`edgecase home-assistant clear`, with a real broker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from paho.mqtt import publish

from edge.config import HomeAssistantSettings
from edge.home_assistant.make import place_of
from tests.edge.home_assistant.test_home import watching
from tests.fakes.broker import Mosquitto, free_port, mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.edge.cli.conftest import Cli

PLACE = place_of(HomeAssistantSettings(), "gate")
TOPICS = (PLACE.config, *(PLACE.own(name) for name in ("state", "update", "image", "available")))


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGECASE_DEVICE__NAME", "gate")
    monkeypatch.setenv("EDGECASE_HOME_ASSISTANT__HOST", "127.0.0.1")


def retained(broker: Mosquitto, one: str) -> set[str]:
    """What the broker tells whoever comes; `one` is surely among it."""
    with watching(broker) as house:
        wait_for(lambda: one in house.seen)
        house.say("end", "x")  # what was retained came before
        wait_for(lambda: "end" in house.seen)
        return house.seen.keys() - {"end"}


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_nothing_of_the_device_is_left_on_the_broker(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mosquitto(tmp_path) as broker:
        monkeypatch.setenv("EDGECASE_HOME_ASSISTANT__PORT", str(broker.port))
        for topic in (*TOPICS, "somebody/else"):
            publish.single(topic, b"{}", retain=True, port=broker.port)
        ran = cli("home-assistant", "clear")
        assert ran.code == 0, ran.err
        assert [f"cleared: {topic}" for topic in TOPICS] == ran.out.splitlines()
        assert retained(broker, "somebody/else") == {"somebody/else"}


def test_a_broker_that_lets_nobody_in_is_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mosquitto(tmp_path, "allow_anonymous false\n") as broker:
        monkeypatch.setenv("EDGECASE_HOME_ASSISTANT__PORT", str(broker.port))
        ran = cli("home-assistant", "clear")
    assert ran.code != 0
    assert f"127.0.0.1:{broker.port} can't be used" in ran.err
    assert "Traceback" not in ran.err


def test_a_broker_that_is_not_there_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("EDGECASE_HOME_ASSISTANT__PORT", str(port))
    ran = cli("home-assistant", "clear")
    assert ran.code != 0
    assert f"127.0.0.1:{port} can't be used" in ran.err
