"""A language model that has begun to write is watched."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.ports import WriterStatus
from edge.updates import probation
from edge.updates.probation import Terms
from edge.updates.writer_probation import WriterProbation, judge
from models.rollout import Result
from tests.edge.updates.serving import World, until

if TYPE_CHECKING:
    from edge.updates.trusted import TrustedMetadata
    from tests.fakes.release_tower import ReleaseTower

WRITER = "summary-writer"
SHIPPED = Path(__file__).parents[3] / "models" / "zoo" / WRITER / "1.0.0"
NOW = WriterStatus("xllamacpp", "clerk@1.1.0", "", written=10, lost=2)


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        self.time += 0.5
        return self.time


class Writer:
    def __init__(self, **changes: object) -> None:
        self.first, self.then = NOW, replace(NOW, **changes)  # type: ignore[arg-type]

    def status(self) -> WriterStatus:
        now, self.first = self.first, self.then
        return now


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probation, "LOOK_S", 0.0)


@pytest.fixture
def world(tmp_path: Path, tower: ReleaseTower, seen: TrustedMetadata) -> World:
    return World(tmp_path, tower, seen)


async def watch(writer: Writer) -> str | None:
    async with asyncio.timeout(5):
        watched = WriterProbation(writer, Clock(), Terms(seconds=5.0))  # type: ignore[arg-type]
        return await watched.run("clerk@1.1.0")


async def test_one_whose_texts_can_be_used_proves_itself() -> None:
    assert await watch(Writer(written=60)) == ""


async def test_one_most_of_whose_texts_cannot_be_used_goes() -> None:
    assert await watch(Writer(written=12, lost=5)) == "3 of 5 texts could not be used"


async def test_one_that_failed_again_and_again_goes() -> None:
    assert await watch(Writer(engine="template", reason="it failed 3 times in a row")) == (
        "it failed 3 times in a row"
    )


async def test_it_is_over_where_another_version_writes() -> None:
    assert await watch(Writer(model="clerk@1.0.0")) is None


def test_few_texts_say_nothing() -> None:
    assert judge(NOW, replace(NOW, lost=NOW.lost + 4)) == ""


def have(world: World, folder: Path, version: str) -> None:
    """Have this version of the shipped writer on the device."""
    copy = folder / version
    shutil.copytree(SHIPPED, copy)
    text = (copy / "model.toml").read_text().replace('version = "1.0.0"', f'version = "{version}"')
    (copy / "model.toml").write_text(text)
    world.library.install(copy)


async def test_one_that_writes_badly_goes_back_by_itself(world: World, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0"):
        have(world, tmp_path, version)
    world.library.activate(WRITER, "1.1.0")
    world.outcomes.note(WRITER, "1.1.0", Result.WAITING)
    async with world.running() as updater:
        await until(lambda: updater.status().phase == "probation")
        world.writer.lost = 6
        await until(lambda: world.writer.status().model == f"{WRITER}@1.0.0")
    outcome = world.outcomes.of(WRITER, "1.1.0")
    assert outcome is not None
    assert (outcome.result, outcome.reason) == (
        Result.ROLLED_BACK,
        "6 of 6 texts could not be used",
    )
