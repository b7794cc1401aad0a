"""Killed or without power in the middle of a migration: the database is the old one or the new."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from edge.store.layout import Layout
from edge.store.migrations import STEPS
from tests.e2e.test_power_cut import Losses, copy_of_one_moment, losses, tmp_path, writer
from tests.fakes.drafts import draft, photo
from tests.fakes.mounts import ext4, make_ext4
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.test_power_cut import Writer

__all__ = ["tmp_path"]  # pytest finds the fixture here
CASES, KILLS, CUTS = 40, 30, 12
BEFORE_RECEIPTS = """
DROP TABLE receipts;
DROP TABLE lost;
DROP INDEX outbox_order;
ALTER TABLE outbox DROP COLUMN late;
CREATE INDEX outbox_order ON outbox (kind = 'image', id) WHERE state IN ('queued', 'sent');
DELETE FROM _sqlite_migrations WHERE name = '0004_receipts';
"""
"""Makes of today's database one that lacks that step."""


async def old_store(folder: Path) -> dict[str, str]:
    """A store as the version before receipts left it; case id → SHA-256 of its photo."""
    acknowledged = {}
    async with opened(folder) as store:
        for number in range(CASES):
            one = photo(number, 2_000)
            case, _ = await store.add(draft([one], number), [one])
            acknowledged[case.id] = one.sha256
        database = store.layout.database
    with sqlite3.connect(database) as db:
        db.executescript(BEFORE_RECEIPTS)
    db.close()
    assert steps(folder) == set(STEPS) - {"0004_receipts"}
    return acknowledged


def steps(folder: Path) -> set[str]:
    """The steps that its database has gone through."""
    with sqlite3.connect(f"file:{Layout(folder).database}?mode=ro", uri=True) as db:
        found = {name for (name,) in db.execute("SELECT name FROM _sqlite_migrations")}
    db.close()
    return found


async def whole(folder: Path, acknowledged: dict[str, str]) -> bool:
    """Whether it opens as the newest version, with everything, and without being made again."""
    async with opened(folder) as store:
        lost = await losses(store, acknowledged)
        return lost == Losses() and not store.status().opened.rebuilt


def kill_within(device: Writer, folder: Path, seconds: float) -> None:
    device.start(folder)
    time.sleep(seconds)
    device.kill()


@pytest.mark.slow
async def test_killed_at_any_moment_of_a_migration_nothing_is_lost(tmp_path: Path) -> None:
    old, folder, chance = tmp_path / "old", tmp_path / "data", random.Random()
    acknowledged, seen = await old_store(old), set()
    with writer() as device:
        for _ in range(KILLS):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(old, folder)
            kill_within(device, folder, chance.uniform(0, 0.06))
            seen.add("0004_receipts" in steps(folder))
            assert await whole(folder, acknowledged)
    print(f"{KILLS} kills, migrated before it: {sorted(seen)}")


@pytest.mark.root
@pytest.mark.slow
async def test_after_a_power_cut_in_a_migration_nothing_is_lost(tmp_path: Path) -> None:
    image, copy = tmp_path / "disk.ext4", tmp_path / "copy.ext4"
    old, chance = tmp_path / "old", random.Random()
    acknowledged = await old_store(old)
    make_ext4(image, 64)
    with writer() as device, ext4(image, tmp_path / "mounted") as mounted:
        for turn in range(CUTS):
            folder = mounted / f"data-{turn}"
            shutil.copytree(old, folder)
            os.sync()  # what was there before is on the disk
            device.start(folder)
            time.sleep(chance.uniform(0, 0.06))
            device.stop()
            copy_of_one_moment(image, copy)
            device.go_on()
            device.kill()
            with ext4(copy, tmp_path / "after") as after:
                assert await whole(after / folder.name, acknowledged)
            shutil.rmtree(folder)
