"""A device's outbox, a real broker, a real tower, and somebody who kills each of them."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from models.case import Status, SyncPhase
from sync.payload import case_payload
from tests.fakes.broker import mosquitto
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened
from tests.fakes.towers import tower

if TYPE_CHECKING:
    from pathlib import Path

    from models.case import Case
    from tests.fakes.towers import Tower

pytestmark = pytest.mark.slow

CASES = 40
SIZE = 250_000
KILLS = 16


async def prepare(folder: Path) -> list[Case]:
    """A week of cases, some of them changed since."""
    cases = []
    async with opened(folder) as store:
        for number in range(1, CASES + 1):
            one = photo(number, SIZE)
            case, _ = await store.add(draft([one], number), [one])
            if number % 5 == 0:
                case = await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))
            cases.append(case)
    return cases


async def left(folder: Path) -> list[Case]:
    """Cases that the device doesn't know to be stored."""
    async with opened(folder, read_only=True) as store:
        page = await store.list(limit=200)
        return [case for case in page.cases if case.sync.state is not SyncPhase.STORED]


def differences(running: Tower, cases: list[Case]) -> list[str]:
    """What isn't on the tower as it was on the device."""
    wrong = []
    for number, case in enumerate(cases, 1):
        found = running.get(f"/cases/{case.id}")
        archive = found.pop("archive", {})
        if found != json.loads(case_payload(case)) or archive.get("complete") is not True:
            wrong.append(f"case {number}")
        if running.read(f"/cases/{case.id}/image") != photo(number, SIZE).data:
            wrong.append(f"photo {number}")
        if running.read(f"/cases/{case.id}/image?variant=thumb") != photo(number, SIZE).thumbnail:
            wrong.append(f"thumbnail {number}")
    return wrong


def test_nothing_is_missing_doubled_or_different_after_killing_everything_in_turn(
    tmp_path: Path,
) -> None:
    folder, rng = tmp_path / "device", random.Random(11)
    cases = asyncio.run(prepare(folder))
    with mosquitto(tmp_path) as broker, tower(tmp_path, broker.port, workers=2) as running:
        command = [sys.executable, "-m", "tests.fakes.uplink_process"]
        command += [str(folder), str(broker.port), "garage"]
        device = subprocess.Popen(command)
        try:
            for kill in range(KILLS):
                time.sleep(rng.uniform(0.3, 2.0))
                if kill % 4 == 0:
                    broker.restart()
                elif kill % 4 == 1 and (workers := running.workers()):
                    rng.choice(workers).kill()
                else:
                    device.kill()
                    device.wait()
                    device = subprocess.Popen(command)
            end = time.monotonic() + 120
            while asyncio.run(left(folder)):
                assert time.monotonic() < end
                time.sleep(0.5)
        finally:
            device.kill()
            device.wait()
        assert differences(running, cases) == []
        listed = running.get("/cases?limit=200")["cases"]
        assert sorted(row["id"] for row in listed) == sorted(case.id for case in cases)
