from __future__ import annotations

from dataclasses import replace

import pytest

from edge.uplink.make import NoUplink
from edge.vitals import Reading, slowed


class Warm:
    """A Pi with a poor power supply."""

    async def read(self):
        return Reading(71.5, 0x50005)


@pytest.fixture
async def hot(serve, device):
    device.parts = replace(device.parts, vitals=Warm())
    return await serve()


async def test_it_says_how_the_machine_is(hot, upload):
    await hot.post("/cases", data=upload())
    said = await (await hot.get("/device")).json()
    assert said["temperature"] == 71.5
    assert said["slowed"][0] == "the voltage is too low"
    assert said["backlog"] == 1
    assert said["models"]
    assert said["free_bytes"] > 0
    assert {kind for kind, size in said["room"].items() if size} >= {"photos", "cases", "database"}


async def test_the_page_says_the_same(hot):
    answer = await hot.get("/device", headers={"Accept": "text/html"})
    text = await answer.text()
    assert answer.content_type == "text/html"
    assert "71.5 °C" in text
    assert "the voltage is too low" in text


async def test_what_nothing_says_is_not_called_well(serve, device):
    device.parts = replace(device.parts, uplink=NoUplink())
    cold = await serve()
    text = await (await cold.get("/device", headers={"Accept": "text/html"})).text()
    assert "<dt>Slowed down</dt><dd>not known</dd>" in text
    assert "sync.host" in text


async def test_the_files_are_not_counted_at_every_look(hot, device, monkeypatch):
    looks = []
    counted = device.store.room

    async def room():
        looks.append(1)
        return await counted()

    monkeypatch.setattr(device.store, "room", room)
    for _ in range(3):
        await hot.get("/device")
    assert len(looks) == 1
    device.clock.seconds += 61
    await hot.get("/device")
    assert len(looks) == 2


def test_what_slows_it_down_in_words():
    assert slowed(None) is None
    assert slowed(0) == ()
    assert slowed(0x1) == ("the voltage is too low",)
    assert slowed(0x10000) == ("the voltage is too low (was so since the start)",)
