"""A device and a Home Assistant over a real broker."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edge.config import HomeAssistantSettings
from edge.errors import CameraError
from edge.events import EventKind, Events
from edge.home_assistant.make import make_home_assistant, place_of
from edge.home_assistant.words import Standing
from edge.updates.status import UpdateStatus
from tests.fakes.broker import Mosquitto, mosquitto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


class House:
    """What Home Assistant sees of the broker."""

    def __init__(self, port: int) -> None:
        self.seen: dict[str, bytes] = {}
        self.count: dict[str, int] = {}
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="house", protocol=MQTTv5)
        self.client.on_message = self._on_message
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _on_message(self, _client: object, _data: object, said: object) -> None:
        topic, payload = said.topic, bytes(said.payload)  # type: ignore[attr-defined]
        self.seen[topic] = payload
        self.count[topic] = self.count.get(topic, 0) + 1

    def json(self, topic: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.seen[topic])
        return found

    def say(self, topic: str, word: str) -> None:
        self.client.publish(topic, word, qos=1).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Seen:
    """The device, as a test wants it."""

    def __init__(self) -> None:
        self.now = Standing(verdict="accepted", seen="dent", today=3)
        self.jpeg = b"\xff\xd8one"

    async def standing(self) -> Standing:
        return self.now

    async def picture(self) -> bytes:
        return self.jpeg

    def serving(self) -> tuple[str, ...]:
        return ("m@1.0.0",)

    def updates(self) -> UpdateStatus:
        return UpdateStatus(waiting=("m@1.1.0",))


class Device:
    """One that is told what to do."""

    def __init__(self, broker: Mosquitto) -> None:
        self.settings = HomeAssistantSettings(host="127.0.0.1", port=broker.port)
        self.place = place_of(self.settings, "Gate 7")
        self.seen, self.events, self.done = Seen(), Events(), list[str]()
        self.refuses = False

    async def _do(self, what: str) -> None:
        self.done.append(what)
        if self.refuses:
            raise CameraError("The camera gives no picture.", "Look at its cable.")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        made = make_home_assistant(
            self.settings,
            "",
            "Gate 7",
            self.seen,
            self.events,
            lambda: self._do("capture"),
            lambda: self._do("reload"),
            lambda: self._do("install"),
        )
        task = asyncio.create_task(made.run())
        try:
            yield
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


@contextmanager
def watching(broker: Mosquitto) -> Iterator[House]:
    house = House(broker.port)
    try:
        yield house
    finally:
        house.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_it_is_announced_and_shown_with_its_picture(broker: Mosquitto) -> None:
    device = Device(broker)
    own = device.place.own
    with watching(broker) as house:
        async with device.running():
            await until(lambda: {own("state"), own("update"), own("image")} <= house.seen.keys())
            assert house.json(device.place.config)["state_topic"] == own("state")
            assert house.seen[own("available")] == b"online"
            assert house.json(own("state"))["verdict"] == "accepted"
            assert house.json(own("update"))["latest_version"] == "m@1.1.0"
            assert house.seen[own("image")] == b"\xff\xd8one"
        await until(lambda: house.seen[own("available")] == b"offline")


async def test_a_new_case_is_told_at_once(broker: Mosquitto) -> None:
    device = Device(broker)
    with watching(broker) as house:
        async with device.running():
            await until(lambda: device.place.own("image") in house.seen)
            device.seen.now, device.seen.jpeg = Standing(verdict="needs_review"), b"\xff\xd8two"
            device.events.publish(EventKind.CASE_STORED, {"id": "x"})
            await until(lambda: house.seen[device.place.own("image")] == b"\xff\xd8two")
            assert house.json(device.place.own("state"))["verdict"] == "needs_review"


async def test_what_is_pressed_there_is_done_here(broker: Mosquitto) -> None:
    device = Device(broker)
    with watching(broker) as house:
        async with device.running():
            await until(lambda: device.place.own("state") in house.seen)
            for word in ("capture", "format the disk", "reload", "install"):
                house.say(device.place.own("command"), word)
            await until(lambda: len(device.done) == 3)
    assert device.done == ["capture", "reload", "install"]


async def test_what_cannot_be_done_ends_nothing(broker: Mosquitto) -> None:
    device = Device(broker)
    device.refuses = True
    with watching(broker) as house:
        async with device.running():
            await until(lambda: device.place.own("state") in house.seen)
            house.say(device.place.own("command"), "capture")
            house.say(device.place.own("command"), "reload")
            await until(lambda: len(device.done) == 2)


async def test_when_home_assistant_comes_up_again_it_is_announced_again(broker: Mosquitto) -> None:
    device = Device(broker)
    with watching(broker) as house:
        async with device.running():
            await until(lambda: house.count.get(device.place.config) == 1)
            house.say(device.place.birth, "online")
            await until(lambda: house.count.get(device.place.config) == 2)


async def test_a_broker_that_was_away_is_told_everything_anew(broker: Mosquitto) -> None:
    device = Device(broker)
    async with device.running():
        with watching(broker) as house:
            await until(lambda: device.place.config in house.seen)
        broker.restart()
        with watching(broker) as house:
            await until(lambda: device.place.own("image") in house.seen)


async def test_a_broker_that_goes_and_comes_is_in_the_log(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    device = Device(broker)
    async with device.running():
        await until(lambda: "has let this device in" in caplog.text)
        broker.kill()
        await until(lambda: "can't be reached" in caplog.text)
        await asyncio.sleep(3)  # long enough for a second try
    assert caplog.text.count("can't be reached") == 1


async def test_without_a_host_nobody_is_told() -> None:
    made = make_home_assistant(
        HomeAssistantSettings(),
        "",
        "x",
        Seen(),
        Events(),
        asyncio.sleep,
        asyncio.sleep,
        asyncio.sleep,
    )  # type: ignore[arg-type]
    task = asyncio.create_task(made.run())
    await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
