"""A signed version that passes its trial, and then takes its worker down on every 20th photo."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from edge.adapters.vision.messages import Start
from edge.adapters.vision.pool import VisionLimits, WorkerVision
from edge.errors import EdgeError
from models.rollout import Result
from tests.edge.updates.serving import World, until
from tests.fakes.vision_models import FINDS

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "tests.fakes.crashing_vision_worker")
A_SECOND = 5
WITHIN_S = 60.0


class Load:
    """Five photos a second, each another, whatever becomes of those before."""

    def __init__(self, eyes: WorkerVision) -> None:
        self.eyes, self.asked = eyes, 0
        self.failed: list[EdgeError] = []
        self.seen_with: list[str] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                self.asked += 1
                group.create_task(self._one(f"photo {self.asked}".encode()))
                await asyncio.sleep(1 / A_SECOND)

    async def _one(self, photo: bytes) -> None:
        try:
            inspection, _ = await self.eyes.inspect(photo, "finds")
            self.seen_with.append(inspection.models["tiny"])
        except EdgeError as e:
            self.failed.append(e)


async def test_a_version_that_crashes_on_the_20th_photo_is_out_and_no_photo_fails(
    tmp_path, tower, seen
):
    world = World(tmp_path, tower, seen)
    world.add("1.1.0")

    def plan() -> Start:
        model = world.library.active("tiny")
        return Start((FINDS,), {"tiny": str(model.folder)} if model else {}, threads=1)

    eyes = WorkerVision(plan, VisionLimits(), command=COMMAND)
    world.eyes = eyes
    world.shade.open.set()
    await eyes.start()
    load = Load(eyes)
    loading = asyncio.create_task(load.run())
    try:
        async with world.running() as updater:
            await until(lambda: world.result("1.1.0") is Result.ACTIVATED, 30)
            began = time.monotonic()
            await until(lambda: world.result("1.1.0") is Result.ROLLED_BACK, WITHIN_S)
            await until(lambda: eyes.status().models[0].ref == "tiny@1.0.0", WITHIN_S)
            took = time.monotonic() - began
            before = len(load.seen_with)
            await until(lambda: len(load.seen_with) > before + 5)
            updater.look_soon()
            await asyncio.sleep(0.5)
    finally:
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await eyes.close()
    print(f"out after {took:.1f} s, {load.asked} photos")
    assert took < WITHIN_S
    assert load.failed == []
    assert "tiny@1.1.0" in load.seen_with
    assert load.seen_with[-1] == "tiny@1.0.0"
    assert world.active == "1.0.0"
    assert "lost 3 times" in world.outcomes.failed()["tiny@1.1.0"]
    assert world.shade.tried == ["tiny@1.1.0"]  # and never again


async def test_the_crashes_are_real(tmp_path, tower, seen):
    """The control: without an updater it goes on crashing."""
    world = World(tmp_path, tower, seen)
    world.have("1.1.0")
    world.library.activate("tiny", "1.1.0")
    model = world.library.active("tiny")
    assert model is not None
    folder = str(model.folder)
    eyes = WorkerVision(
        lambda: Start((FINDS,), {"tiny": folder}, threads=1), VisionLimits(), command=COMMAND
    )
    await eyes.start()
    try:
        for n in range(45):
            await eyes.inspect(f"photo {n}".encode(), "finds")
        assert eyes.status().restarts == 2
    finally:
        await eyes.close()
