"""The watchdog: a camera that stalls is opened again, and said so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from edge.adapters.clock import SystemClock
from edge.capture.watch import CameraWatch
from edge.errors import CameraError, NotFoundError
from tests.fakes.camera import FakeCamera

if TYPE_CHECKING:
    from edge.ports import CameraStatus


class Turned(SystemClock):
    """A clock whose seconds a test turns."""

    seconds = 1000.0

    def monotonic(self) -> float:
        """Seconds since boot."""
        return self.seconds


@pytest.fixture
def camera() -> FakeCamera:
    return FakeCamera()


@pytest.fixture
def clock() -> Turned:
    return Turned()


@pytest.fixture
def told() -> list[CameraStatus]:
    return []


@pytest.fixture
def watch(camera: FakeCamera, clock: Turned, told: list[CameraStatus]) -> CameraWatch:
    return CameraWatch(camera, clock, stall_s=1.0, changed=told.append, pulse_s=0.01)


async def test_before_it_is_open_it_says_so(watch: CameraWatch) -> None:
    status = watch.status()
    assert (status.ready, status.frame_age_s, status.reason) == (False, None, "it is being opened")
    with pytest.raises(CameraError, match="being opened"):
        await watch.capture()


async def test_a_frame_makes_it_young(watch: CameraWatch, clock: Turned) -> None:
    await watch.pulse()
    await watch.capture()
    clock.seconds += 3
    status = watch.status()
    assert (status.ready, status.frame_age_s, status.reason) == (True, 3.0, "")


async def test_a_camera_that_hangs_is_closed_and_opened_again(
    watch: CameraWatch, camera: FakeCamera, told: list[CameraStatus]
) -> None:
    await watch.pulse()
    camera.hangs.set()
    with pytest.raises(CameraError, match="stalled"):
        await watch.capture()
    assert (watch.status().ready, camera.closed) == (False, 1)
    camera.hangs.clear()
    await watch.pulse()
    assert (watch.status().ready, watch.status().reopened, camera.opened) == (True, 1, 2)
    assert [s.ready for s in told] == [True, False, True]
    assert "stalled" in told[1].reason


async def test_glances_that_stop_coming_are_a_stall(
    watch: CameraWatch, camera: FakeCamera, clock: Turned
) -> None:
    await watch.pulse()
    await watch.pulse()
    camera.seen = None
    clock.seconds += 0.5
    await watch.pulse()
    young = watch.status().ready
    clock.seconds += 2.5
    await watch.pulse()
    assert (young, watch.status().ready) == (True, False)
    assert "no frame for 3 s" in watch.status().reason


async def test_a_camera_without_glances_never_stalls_by_age(
    watch: CameraWatch, camera: FakeCamera, clock: Turned
) -> None:
    camera.seen = None
    await watch.pulse()
    await watch.capture()
    clock.seconds += 9999
    await watch.pulse()
    assert (watch.status().ready, watch.status().frame_age_s) == (True, 9999.0)


async def test_a_camera_that_fails_is_opened_again(watch: CameraWatch, camera: FakeCamera) -> None:
    await watch.pulse()
    camera.broken = True
    with pytest.raises(CameraError, match="half a frame"):
        await watch.capture()
    assert watch.status().reason == "The camera gave half a frame"
    await watch.pulse()
    assert watch.status().reopened == 1


async def test_nothing_to_take_is_no_failure_of_the_camera(
    watch: CameraWatch, camera: FakeCamera
) -> None:
    camera.photos = iter(())
    await watch.pulse()
    with pytest.raises(NotFoundError):
        await watch.capture()
    assert watch.status().ready


async def test_a_missing_camera_is_told_once_and_found_when_it_comes(
    watch: CameraWatch, camera: FakeCamera, told: list[CameraStatus]
) -> None:
    camera.missing = True
    for _ in range(4):
        await watch.pulse()
    assert [s.reason for s in told] == ["There is no camera at fake"]
    camera.missing = False
    await watch.pulse()
    status = watch.status()
    assert (status.ready, status.reopened) == (True, 0)


async def test_the_watch_itself_opens_and_reopens(watch: CameraWatch, camera: FakeCamera) -> None:
    task = asyncio.create_task(watch.watch())
    async with asyncio.timeout(10):
        while not watch.status().ready:
            await asyncio.sleep(0.01)
        camera.hangs.set()
        while watch.status().ready:
            await asyncio.sleep(0.01)
        camera.hangs.clear()
        while not watch.status().ready:
            await asyncio.sleep(0.01)
    task.cancel()
    assert watch.status().reopened == 1


async def test_a_bug_in_an_adapter_is_not_swallowed(
    watch: CameraWatch, camera: FakeCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug() -> bytes:
        raise TypeError("a bug")

    await watch.pulse()
    monkeypatch.setattr(camera, "glance", bug)
    with pytest.raises(TypeError):
        await watch.watch()


async def test_closing_ends_a_call_that_hangs(watch: CameraWatch, camera: FakeCamera) -> None:
    await watch.pulse()
    camera.hangs.set()
    call = asyncio.create_task(watch.capture())
    await asyncio.sleep(0.05)
    await watch.close()
    with pytest.raises(CameraError):
        await asyncio.wait_for(call, 5)
