"""At a terminal `edgecase pair` says what came of it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from edge.adapters.clock import SystemClock
from edge.cli import pair_wait
from edge.cli.pair_wait import wait_for_phone
from edge.config import StoreSettings
from edge.errors import WrongCodeError
from edge.identity import identify
from edge.pairing.desk import Desk
from edge.pairing.window import Moment
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(pair_wait, "EVERY_S", 0.1)
    async with opened(tmp_path) as store:
        yield Desk(store, lambda: Moment(identify("").boot, SystemClock().monotonic()))


async def waited(tmp_path: Path) -> str:
    return await asyncio.to_thread(wait_for_phone, StoreSettings(data_dir=tmp_path))


async def test_the_phone_that_was_paired_is_named(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    look = pair_wait._look

    def looks(store: StoreSettings) -> object:
        found = look(store)
        looked.set()
        return found

    monkeypatch.setattr(pair_wait, "_look", looks)
    window = await desk.open()
    waiting = asyncio.create_task(waited(tmp_path))
    await asyncio.to_thread(looked.wait)
    await desk.pair(window.code, "Ada's phone")
    assert await waiting == "Paired: Ada's phone."


async def test_a_window_that_was_closed_is_said_to_be_closed(desk: Desk, tmp_path: Path) -> None:
    await desk.open()
    await desk.close()
    assert "no phone was paired" in await waited(tmp_path)


async def test_a_window_that_was_locked_is_said_to_be_locked(desk: Desk, tmp_path: Path) -> None:
    await desk.open()
    for _ in range(9):
        with pytest.raises(WrongCodeError):
            await desk.pair("WRONG123", "")
    with pytest.raises(Exception, match="Locked"):
        await desk.pair("WRONG123", "")
    assert "Locked" in await waited(tmp_path)
