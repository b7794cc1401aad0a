"""What the supervisor is told, and when."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.errors import RefusedModelFileError
from edge.events import Events
from edge.ports import ModelInUse, VisionStatus
from edge.service_manager import Service, supervisor, tell_of_broken_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def model(ref: str) -> ModelInUse:
    return ModelInUse("detector", "car", ref, "onnxruntime 1.31.1", 1, 5, 6)


WAITING = VisionStatus(False, "it is starting", None, 0, 0)
SERVING = VisionStatus(True, "", 7, 0, 0, models=(model("paint@1.0.0"),))


class Eyes:
    """Eyes that are as the test says."""

    def __init__(self, status: VisionStatus) -> None:
        self.now, self.still, self.reloads, self.refuse = status, 0.0, 0, False

    def status(self) -> VisionStatus:
        return self.now

    def still_s(self) -> float:
        return self.still

    async def reload(self) -> VisionStatus:
        self.reloads += 1
        if self.refuse:
            raise RefusedModelFileError("paint 1.1.0 answers NaN")
        self.now = replace(self.now, models=(model("paint@1.1.0"),))
        return self.now


@asynccontextmanager
async def running(eyes: Eyes, heard: list[str]) -> AsyncIterator[Events]:
    events = Events()
    task = asyncio.create_task(Service(eyes, events, 10, heard.append).run())
    await asyncio.sleep(0.05)
    yield events
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.service_manager.TICK_S", 0.02)


async def test_it_is_not_ready_before_it_can_take_a_photo() -> None:
    heard: list[str] = []
    eyes = Eyes(WAITING)
    async with running(eyes, heard):
        assert "READY=1" not in "".join(heard)
        assert "EXTEND_TIMEOUT_USEC=30000000" in heard[-1]
        assert heard[-1].endswith("STATUS=can't take photos: it is starting")
        eyes.now = SERVING
        await asyncio.sleep(0.05)
    assert "READY=1" in heard[-1].splitlines()
    assert heard[-1].endswith("STATUS=serves paint@1.0.0")


async def test_ready_is_not_taken_back_while_a_worker_is_replaced() -> None:
    heard: list[str] = []
    eyes = Eyes(SERVING)
    async with running(eyes, heard):
        eyes.now = WAITING
        await asyncio.sleep(0.05)
    assert "READY=1" in heard[-1]
    assert "can't take photos" in heard[-1]


@pytest.mark.parametrize(
    ("status", "still", "alive"),
    [(SERVING, 79, True), (SERVING, 81, False), (WAITING, 81, True), (WAITING, 601, False)],
)
async def test_the_watchdog_is_fed_only_while_the_worker_s_loop_goes_round(
    status: VisionStatus, still: float, alive: bool
) -> None:
    heard: list[str] = []
    eyes = Eyes(status)
    eyes.still = still
    async with running(eyes, heard):
        pass
    assert ("WATCHDOG=1" in heard[-1]) is alive


async def test_a_hangup_has_the_models_taken_over_and_tells_listeners() -> None:
    heard: list[str] = []
    eyes = Eyes(SERVING)
    async with running(eyes, heard) as events:
        async with events.listen() as listener:
            os.kill(os.getpid(), signal.SIGHUP)
            event = await listener.next(5)
        await asyncio.sleep(0.05)
    assert eyes.reloads == 1
    assert event is not None
    assert event.data == {"models": ["paint@1.1.0"]}
    assert heard[-1].endswith("STATUS=serves paint@1.1.0")


async def test_a_refused_reload_is_said_and_ends_nothing() -> None:
    heard: list[str] = []
    eyes = Eyes(SERVING)
    eyes.refuse = True
    async with running(eyes, heard):
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.1)
    assert heard[-1].endswith("serves paint@1.0.0 (not reloaded: paint 1.1.0 answers NaN)")
    assert "WATCHDOG=1" in heard[-1]


async def test_messages_reach_the_socket_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(tmp_path / "notify"))
        ours.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        task = asyncio.create_task(tell_of_broken_settings("http.prot is\nno key"))
        said = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(ours, 1000), 5)
        task.cancel()
    assert said.decode().splitlines()[-1] == "STATUS=http.prot is no key"
    assert "READY" not in said.decode()


def test_a_supervisor_that_has_gone_ends_nothing(tmp_path: Path) -> None:
    supervisor("")("READY=1")
    supervisor(str(tmp_path / "gone"))("READY=1")
