from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from typing import TYPE_CHECKING

import psutil

from tower_sync_server.ingest import workers as module
from tower_sync_server.ingest.workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import pytest

UP = '{"connected": true, "reason": "", "answered": {"stored": 2}}'
DOWN = '{"connected": false, "reason": "no broker", "answered": {}}'


def stand_in(folder: Path, says: str, then: str) -> tuple[str, ...]:
    """A program that reports once, and then does something."""
    path = folder / "worker.py"
    path.write_text(f"import sys, time\nprint({says!r}, flush=True)\n{then}\n")
    return (sys.executable, str(path))


def left(folder: Path) -> list[psutil.Process]:
    """Workers of this test that still run."""
    children: list[psutil.Process] = psutil.Process().children()
    return [c for c in children if str(folder / "worker.py") in c.cmdline()]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(workers: Workers, command: tuple[str, ...]) -> AsyncIterator[None]:
    workers._command = command
    task = asyncio.create_task(workers.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_one_that_hears_the_broker_is_enough(tmp_path: Path) -> None:
    workers = Workers(2, (), random.Random(1))
    assert workers.reason == "no worker is running"

    async with running(workers, stand_in(tmp_path, UP, "sys.stdin.read()")):
        await until(lambda: workers.reason == "" and workers.answered == {"stored": 4})

    assert left(tmp_path) == []


async def test_it_says_why_none_does(tmp_path: Path) -> None:
    workers = Workers(1, (), random.Random(1))

    async with running(workers, stand_in(tmp_path, DOWN, "sys.stdin.read()")):
        await until(lambda: workers.reason == "no broker")


async def test_one_that_dies_is_replaced_and_its_answers_still_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    workers = Workers(1, (), random.Random(1))

    async with running(workers, stand_in(tmp_path, UP, "sys.exit(9)")):
        await until(lambda: workers.restarts >= 2)

        assert workers.answered["stored"] >= 4


async def test_one_that_never_works_is_tried_less_and_less_often(tmp_path: Path) -> None:
    workers = Workers(1, (), random.Random(1))

    async with running(workers, stand_in(tmp_path, DOWN, "sys.exit(1)")):
        await asyncio.sleep(1.5)

    assert workers.restarts <= 1


async def test_one_that_ignores_the_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_S", 0.2)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    workers = Workers(1, (), random.Random(1))

    async with running(workers, stand_in(tmp_path, UP, deaf)):
        await until(lambda: workers.reason == "")
        await asyncio.sleep(0.3)

    assert left(tmp_path) == []


async def test_without_workers_there_is_nothing_to_say() -> None:
    workers = Workers(0, (), random.Random(1))

    async with running(workers, ()):
        assert workers.reason == ""
