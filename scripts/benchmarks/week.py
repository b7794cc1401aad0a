"""A week of a device's life, five photos a minute, in virtual time: does anything grow?

Pipeline, vision worker and store are the device's own; only the clock is moved on. A tower takes
everything once an hour and a comparison confirms it, a person looks through the cases once a day.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING

import cv2
import numpy as np
import psutil

from edge.adapters.writer.template import TemplateWriter
from edge.config import Settings, StoreSettings
from edge.daemon import load_profiles, make_vision
from edge.errors import RetakeError
from edge.events import Events
from edge.eyes import library_of
from edge.identity import identify
from edge.pipeline import Pipeline, Submission
from edge.store.listing import Filter
from edge.store.retention import Limits
from edge.store.store import Store
from edge.summaries import Summaries
from models.case import Status
from scripts.benchmarks.figures import Figure
from tests.fakes.device import FakeClock
from tower_sync_server.render.scene import render_photo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

PER_MINUTE = 5
DAY = 24 * 60 * PER_MINUTE
SCENES, SIZE = 24, (640, 480)
TO_REVIEW = Filter(status=Status.NEEDS_REVIEW)
LIMITS = Limits(
    image_bytes=100_000_000,
    thumb_bytes=20_000_000,
    case_age=timedelta(days=2),
    deleted_age=timedelta(days=1),
    staged_age=timedelta(hours=1),
    staged_bytes=20_000_000,
    image_age=timedelta(hours=6),
)
"""Small enough that everything that has to go does so within the week."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the device takes at one moment."""

    photos: int
    """Taken so far."""
    memory_mb: float
    """Of this process and the vision worker, proportional set size."""
    files: int
    """Below the data folder."""
    disk_mb: float
    """Of them all."""
    cases: int
    """In the store."""


def measure(folder: Path, full: bool) -> list[Figure]:
    """Live a week (`full`), or two hours of each of its days."""
    per_day = DAY if full else 2 * 60 * PER_MINUTE
    looks = asyncio.run(live(folder, per_day))
    for look in looks:
        print(look, file=sys.stderr)
    early, late = looks[2], looks[-1]
    return [
        Figure("a week: photos", late.photos, ""),
        Figure("a week: memory, third day to last", late.memory_mb - early.memory_mb, "MB", 10),
        Figure("a week: files, last day over third", late.files / early.files, "×", 1.1),
        Figure("a week: disk, last day over third", late.disk_mb / early.disk_mb, "×", 1.1),
    ]


async def live(folder: Path, per_day: int, limits: Limits = LIMITS) -> list[Look]:
    """Take photos for a week; a look at the end of each day.

    Args:
        folder: of the data.
        per_day: photos of a day, evenly spread.
        limits: how much is kept.
    """
    between = timedelta(days=1) / per_day
    settings = Settings(store=StoreSettings(data_dir=folder))
    profiles, clock, events = load_profiles(settings), FakeClock(), Events()
    clock.moment = datetime.now(UTC)
    store = Store(folder, now=clock.now, limits=limits, min_free_bytes=0, synchronous="FULL")
    vision = make_vision(settings, profiles, library_of(settings), None)
    await store.open()
    await vision.start()
    await vision.ready()
    summaries = Summaries(TemplateWriter("virtual time"), store, events, profiles)
    pipeline = Pipeline(
        vision, store, summaries, events, clock, identify("week"), profiles, "vehicle-damage"
    )
    background = [asyncio.create_task(each) for each in (vision.watch(), summaries.run())]
    photos, looks = _photos(), []
    try:
        for number in range(1, 7 * per_day + 1):
            clock.moment += between
            clock.seconds += between.total_seconds()
            try:
                await pipeline.keep([Submission(photo=next(photos))], attended=False)
            except RetakeError:
                continue  # as in life
            if number % max(1, per_day // 24) == 0:
                await _tower_takes_all(store)
                await store.purge()
            if number % per_day == 0:
                await _review_all(store)
                looks.append(await _look(store, folder, number))
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await vision.close()
        await store.close()
    return looks


def _photos() -> Iterator[bytes]:
    """Photos that are all different in a few pixels, and cost next to nothing to make."""
    scenes = [render_photo(seed, split="plain", width=SIZE[0], height=SIZE[1]).image
              for seed in range(SCENES)]  # fmt: skip
    chance = np.random.default_rng(1)
    for scene in cycle(scenes):
        scene[:8, :8] = chance.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        yield _jpeg(scene)


def _jpeg(scene: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(scene, cv2.COLOR_RGB2BGR))[1].tobytes()


async def _tower_takes_all(store: Store) -> None:
    while parcels := await store.pending(500):
        await store.note_travelled(stored=[parcel.id for parcel in parcels])
    book = store.receipts
    for one in await book.sums(await book.ranges(unconfirmed=True)):
        await book.agree(one)


async def _review_all(store: Store) -> None:
    while cases := (await store.list(TO_REVIEW, limit=200)).cases:
        for case in cases:
            await store.revise(case.id, lambda case: replace(case, status=Status.ACCEPTED))


async def _look(store: Store, folder: Path, photos: int) -> Look:
    cases = sum((await store.counts()).values())
    files, size = _on_disk(folder)
    return Look(photos, _memory_mb(), files, size / 1e6, cases)


def _memory_mb() -> float:
    us = psutil.Process()
    everyone = [us, *us.children(recursive=True)]
    return sum(process.memory_full_info().pss for process in everyone) / 1e6


def _on_disk(folder: Path) -> tuple[int, int]:
    found = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return len(found), sum(one.st_blocks * 512 for one in found)
