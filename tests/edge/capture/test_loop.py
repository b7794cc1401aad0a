"""The capture loop: what becomes a case, what becomes an event, what ends the daemon."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from edge.adapters.camera.folder import FolderCamera
from edge.adapters.camera.none import NoCamera
from edge.adapters.clock import SystemClock
from edge.adapters.trigger.arrival import ArrivalTrigger
from edge.adapters.trigger.manual import ManualTrigger
from edge.capture.loop import Capture, tell_camera
from edge.capture.watch import CameraWatch
from edge.errors import (
    CameraError,
    DiskFullError,
    EdgeError,
    NotFoundError,
    RetakeError,
    VisionFailedError,
)
from edge.events import Events
from tests.fakes.camera import FakeCamera

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from edge.pipeline import Submission
    from edge.ports import Camera, Frame, Trigger


class Kept:
    """Stands in for the pipeline: keeps, or raises what the test lines up."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, str | None, str | None]] = []
        self.stored: dict[str, bytes] = {}
        self.errors: list[EdgeError | Exception] = []
        self.refuse: dict[bytes, EdgeError] = {}
        self.after: EdgeError | None = None

    async def __call__(
        self,
        submissions: Sequence[Submission],
        profile: str | None = None,
        *,
        idempotency_key: str | None = None,
        attended: bool = True,
    ) -> tuple[Any, bool]:
        assert not attended
        photo = submissions[0].photo
        self.calls.append((photo, profile, idempotency_key))
        if self.errors:
            raise self.errors.pop(0)
        if photo in self.refuse:
            raise self.refuse[photo]
        key = idempotency_key or f"new-{len(self.stored)}"
        created = key not in self.stored
        self.stored[key] = photo
        if self.after is not None:
            raise self.after
        return f"case of {photo!r}", created


class PromptTrigger:
    """Fires as often as the test says."""

    name = "prompt"

    def __init__(self) -> None:
        self.fire = asyncio.Semaphore(0)
        self.closed = False

    async def wait(self, glance: Callable[[], Awaitable[bytes | None]]) -> None:
        """Wait for the test."""
        await self.fire.acquire()

    def close(self) -> None:
        """Remember."""
        self.closed = True


class Rig:
    """A capture loop with everything around it faked."""

    def __init__(self, camera: Camera, trigger: Trigger) -> None:
        self.events = Events()
        self.keep = Kept()
        watch = CameraWatch(camera, SystemClock(), 1.5, tell_camera(self.events), pulse_s=0.02)
        self.capture = Capture(watch, trigger, self.keep, self.events)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """Run the loop until the test is done."""
        task = asyncio.create_task(self.capture.run())
        try:
            async with asyncio.timeout(20):
                while not self.capture.status().ready and not task.done():
                    await asyncio.sleep(0.005)
                yield task
        finally:
            task.cancel()
            await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it; the rig's own timeout ends a wait for ever."""
    while not condition():
        await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.capture.loop.FIRST_PAUSE_S", 0.01)


async def test_taking_a_photo_keeps_it_and_tells_the_camera() -> None:
    camera = FakeCamera()
    rig = Rig(camera, ManualTrigger())
    async with rig.running():
        case, created = await rig.capture.take()
    assert (str(case), created) == ("case of b'photo 1'", True)
    assert camera.settled == [(b"photo 1", "")]


async def test_a_trigger_takes_photos_and_is_let_go_at_the_end() -> None:
    trigger = PromptTrigger()
    rig = Rig(FakeCamera(), trigger)
    async with rig.running():
        trigger.fire.release()
        await until(lambda: len(rig.keep.stored) == 1)
        trigger.fire.release()
        await until(lambda: len(rig.keep.stored) == 2)
    assert trigger.closed


async def test_a_retake_is_told_and_never_becomes_a_case() -> None:
    camera, trigger = FakeCamera(), PromptTrigger()
    rig = Rig(camera, trigger)
    rig.keep.errors = [RetakeError("This photo is not usable.", "Hold still.")]
    async with rig.running(), rig.events.listen() as listener:
        trigger.fire.release()
        event = await listener.next(5)
        await until(lambda: bool(camera.settled))
    assert event is not None
    assert event.kind == "photo_refused"
    assert event.data == {
        "code": "retake",
        "message": "This photo is not usable.",
        "hint": "Hold still.",
        "file": "",
    }
    assert rig.keep.stored == {}
    assert camera.settled == [(b"photo 1", "This photo is not usable. Hold still.")]


async def test_the_loop_goes_on_after_a_refused_photo_and_a_full_disk() -> None:
    trigger = PromptTrigger()
    rig = Rig(FakeCamera(), trigger)
    rig.keep.errors = [RetakeError("no"), DiskFullError("full"), VisionFailedError("crashed")]
    async with rig.running():
        for _ in range(4):
            trigger.fire.release()
        await until(lambda: len(rig.keep.stored) == 1)
    assert list(rig.keep.stored.values()) == [b"photo 4"]


async def test_a_photo_that_could_not_be_kept_yet_is_not_settled() -> None:
    camera, trigger = FakeCamera(), PromptTrigger()
    rig = Rig(camera, trigger)
    rig.keep.errors = [DiskFullError("full")]
    async with rig.running():
        trigger.fire.release()
        await until(lambda: bool(rig.keep.calls))
        await asyncio.sleep(0.02)
    assert camera.settled == []


async def test_a_photo_that_crashes_the_worker_every_time_is_refused_in_the_end() -> None:
    camera, trigger = FakeCamera(), PromptTrigger()
    camera.key = "always the same"
    rig = Rig(camera, trigger)
    rig.keep.errors = [VisionFailedError("crashed") for _ in range(3)]
    async with rig.running():
        for _ in range(3):
            trigger.fire.release()
        await until(lambda: bool(camera.settled))
    assert [problem for _, problem in camera.settled] == ["crashed."]


async def test_what_nobody_foresaw_ends_the_loop_loudly() -> None:
    trigger = PromptTrigger()
    rig = Rig(FakeCamera(), trigger)
    rig.keep.errors = [ZeroDivisionError("a bug")]
    async with rig.running() as task:
        trigger.fire.release()
        await asyncio.wait([task])
        with pytest.raises(ExceptionGroup) as caught:
            await task
    assert caught.group_contains(ZeroDivisionError)


async def test_asking_while_the_camera_is_down_is_a_clear_error() -> None:
    camera = FakeCamera()
    camera.missing = True
    rig = Rig(camera, ManualTrigger())
    task = asyncio.create_task(rig.capture.run())
    await asyncio.sleep(0.05)
    with pytest.raises(CameraError, match="no camera at fake"):
        await rig.capture.take()
    task.cancel()


async def test_a_stall_is_told_and_so_is_the_recovery() -> None:
    camera = FakeCamera()
    rig = Rig(camera, ManualTrigger())
    async with rig.running(), rig.events.listen() as listener:
        camera.hangs.set()
        down = await listener.next(10)
        camera.hangs.clear()
        up = await listener.next(10)
    assert down is not None
    assert up is not None
    assert (down.data["ready"], up.data["ready"]) == (False, True)
    assert "stalled" in down.data["reason"]


async def test_a_device_without_a_camera_says_so() -> None:
    rig = Rig(NoCamera(), ManualTrigger())
    async with rig.running():
        with pytest.raises(NotFoundError, match="no camera"):
            await rig.capture.take()


async def test_two_requests_at_once_take_two_photos() -> None:
    rig = Rig(FakeCamera(), ManualTrigger())
    async with rig.running():
        await asyncio.gather(rig.capture.take(), rig.capture.take())
    assert sorted(rig.keep.stored.values()) == [b"photo 1", b"photo 2"]


def folder_rig(inbox: Path) -> Rig:
    camera = FolderCamera(inbox, max_bytes=1000, profile="skin", still_s=0.05)
    return Rig(camera, ArrivalTrigger(camera.waiting, poll_s=0.01))


async def test_photos_in_a_folder_become_cases_each_once(tmp_path: Path) -> None:
    rig = folder_rig(tmp_path / "inbox")
    async with rig.running():
        for n in range(5):
            (tmp_path / "inbox" / f"{n}.jpg").write_bytes(b"photo %d" % n)
        await until(lambda: len(list((tmp_path / "inbox/done").iterdir())) == 5)
        await asyncio.sleep(0.2)
    assert sorted(rig.keep.stored.values()) == [b"photo %d" % n for n in range(5)]
    assert len(rig.keep.calls) == 5
    assert {profile for _, profile, _ in rig.keep.calls} == {"skin"}


async def cases_after_a_crash_before_the_move(inbox: Path) -> int:
    """Keep a photo, lose the power before it is moved, start again; count the cases."""
    first, stored = folder_rig(inbox), {}
    async with first.running():
        first.keep.after = DiskFullError("the plug was pulled here: stored, and nobody knows")
        (inbox / "a.jpg").write_bytes(b"photo")
        await until(lambda: bool(first.keep.stored))
        stored = dict(first.keep.stored)
    assert (inbox / "a.jpg").exists()
    second = folder_rig(inbox)
    second.keep.stored = stored
    async with second.running():
        await until(lambda: (inbox / "done/a.jpg").exists())
    return len(second.keep.stored)


async def test_a_crash_between_keeping_and_moving_makes_no_second_case(tmp_path: Path) -> None:
    assert await cases_after_a_crash_before_the_move(tmp_path / "inbox") == 1


async def test_without_its_key_the_same_crash_would_make_a_second_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = FolderCamera.capture
    monkeypatch.setattr(FolderCamera, "capture", lambda self: replace(capture(self), key=""))
    monkeypatch.setattr(FolderCamera, "settle", settle_any)
    assert await cases_after_a_crash_before_the_move(tmp_path / "inbox") == 2


def settle_any(self: FolderCamera, frame: Frame, problem: str) -> None:
    """`FolderCamera.settle` for frames that the control has changed."""
    assert self._taken is not None
    _, path, look = self._taken
    self._move(path, look, self._folder / "done")


async def test_a_bad_file_does_not_hold_up_the_good_ones(tmp_path: Path) -> None:
    rig = folder_rig(tmp_path / "inbox")
    rig.keep.refuse = {b"text": RetakeError("This is no picture", "Send a JPEG.")}
    async with rig.running():
        (tmp_path / "inbox/a.jpg").write_bytes(b"text")
        (tmp_path / "inbox/b.jpg").write_bytes(b"photo")
        await until(lambda: (tmp_path / "inbox/done/b.jpg").exists())
        await until(lambda: (tmp_path / "inbox/rejected/a.jpg.txt").exists())
    note = (tmp_path / "inbox/rejected/a.jpg.txt").read_text()
    assert note == "This is no picture. Send a JPEG.\n"
