"""The window that opens by itself at the first start, and by a button."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from edge.adapters.pairing_button import PairingButton, make_button
from edge.adapters.screen import make_screen
from edge.errors import ConfigError
from edge.lan.lan import Lan
from edge.pairing import welcome
from edge.pairing.desk import Desk
from edge.pairing.welcome import NoButton, Welcome
from edge.pairing.window import Moment, Phase
from edge.store.tokens import Scope
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge.store.store import Store

LAN = Lan("127.0.0.1", 8000, look=tuple)


class Room:
    """A device with a screen, and somebody who stands before it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.desk = Desk(store, lambda: Moment("boot-1", 1.0))
        self.lan = LAN
        self.screen: list[str] = []
        self.press: Callable[[], None] | None = None

    def connect(self, pin: int, pressed: Callable[[], None]) -> Room:
        assert pin == 4
        self.press = pressed
        return self

    def close(self) -> None:
        """Let go of the pin."""

    @asynccontextmanager
    async def welcomed(self, *, asks: bool = True, presses: bool = True) -> AsyncIterator[None]:
        button = PairingButton(4, self.connect)
        made = Welcome(self.desk, self.lan, self.screen.append, button, asks=asks)
        running = asyncio.create_task(made.run())
        while presses and self.press is None:
            await asyncio.sleep(0.01)
        yield
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def shows(self, count: int) -> None:
        while len(self.screen) < count:
            await asyncio.sleep(0.01)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with opened(tmp_path) as store:
        yield Room(store)


async def test_at_the_first_start_the_first_phone_is_let_in_as_an_admin(room: Room) -> None:
    async with room.welcomed():
        await room.shows(1)
        code = re.search(r"Code   (\S+)", room.screen[0])
        assert code
        _, token = await room.desk.pair(code.group(1), "Ada")
    assert Scope.ADMIN in token.scopes


async def test_the_invitation_waits_for_the_network_but_not_for_ever(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(welcome, "EVERY_S", 0.01)
    ips: list[str] = []
    room.lan = Lan("0.0.0.0", 8000, ("edgecase-3f9a.local",), look=lambda: tuple(ips))
    async with room.welcomed(presses=False):
        await asyncio.sleep(0.05)
        assert (await room.desk.status()).phase is Phase.CLOSED
        ips.append("192.168.1.7")
        await room.shows(1)
    assert "http://192.168.1.7:8000/pair" in room.screen[0]
    ips.clear()
    monkeypatch.setattr(welcome, "PATIENCE_S", 0.03)
    async with room.welcomed(presses=False):
        await room.shows(2)
    assert "http://edgecase-3f9a.local:8000/pair" in room.screen[1]


async def test_where_somebody_is_paired_nothing_opens_by_itself(room: Room) -> None:
    await room.store.create_token("Ada", [Scope.ADMIN])
    async with room.welcomed():
        assert (await room.desk.status()).phase is Phase.CLOSED
    assert room.screen == []


async def test_a_device_that_asks_nobody_for_a_token_opens_no_window(room: Room) -> None:
    async with room.welcomed(asks=False):
        assert (await room.desk.status()).phase is Phase.CLOSED


async def test_the_button_opens_the_window_for_a_phone_without_rights_over_others(
    room: Room,
) -> None:
    await room.store.create_token("Ada", [Scope.ADMIN])
    async with room.welcomed():
        assert room.press
        room.press()
        await room.shows(1)
        code = re.search(r"Code   (\S+)", room.screen[0])
        assert code
        _, token = await room.desk.pair(code.group(1), "Bo")
    assert Scope.ADMIN not in token.scopes


async def test_a_pin_that_is_not_there_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def missing(pin: int, pressed: Callable[[], None]) -> Room:
        raise ConfigError(f"there is no GPIO {pin}", "is this a Raspberry Pi?")

    waiting = asyncio.create_task(PairingButton(4, missing).wait())
    while "no pairing button" not in caplog.text:
        await asyncio.sleep(0.01)
    assert not waiting.done()
    waiting.cancel()
    assert isinstance(make_button(None), NoButton)


def test_the_screen_shows_it_where_there_is_one(tmp_path: Path) -> None:
    screen = tmp_path / "tty1"
    screen.touch()
    make_screen(screen)("a\nb\n")
    assert screen.read_bytes() == b"a\r\nb\r\n"
    make_screen(None)("nothing")
    make_screen(tmp_path / "gone" / "tty1")("nothing")
