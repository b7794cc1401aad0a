"""From nothing to a device that sends over TLS, with no configuration file, and out again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.running import Device, until
from tests.fakes.broker import free_port
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened
from tests.fakes.towers import tower

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.slow

CASES = 3


async def prepare(folder: Path) -> None:
    async with opened(folder) as store:
        for number in range(1, CASES + 1):
            one = photo(number, 100_000)
            await store.add(draft([one], number), [one])


def ran(environ: Mapping[str, str], *words: object) -> str:
    """A command, as a person would give it; gives what it said."""
    program = Path(sys.executable).with_name(str(words[0]))
    command = [str(program), *map(str, words[1:])]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def broker(environ: Mapping[str, str], log: Path) -> Iterator[None]:
    program = Path(sys.executable).with_name("edgecase-tower")
    with log.open("wb") as said:
        process = subprocess.Popen([program, "broker"], env=environ, stdout=said, stderr=said)
    try:
        until(lambda: "listening for devices" in log.read_text(), 30)
        yield
    finally:
        process.terminate()
        assert process.wait(15) == 0


def test_a_device_is_enrolled_sends_everything_and_is_shut_out(tmp_path: Path) -> None:
    ports = {
        "EDGECASE_TOWER_BROKER__PORT": str(free_port()),
        "EDGECASE_TOWER_BROKER__WORKERS_PORT": str(free_port()),
    }
    data, bundle = tmp_path / "data", tmp_path / "garage.bundle"
    environ = {
        **os.environ,
        **ports,
        "EDGECASE_TOWER_STORE__DATA_DIR": str(tmp_path / "tower"),
        "EDGECASE_STORE__DATA_DIR": str(data),
    }
    asyncio.run(prepare(data))
    ran(environ, "edgecase-tower", "devices", "enroll", "garage", "--out", bundle)
    ran(environ, "edgecase", "sync", "enroll", bundle)

    with broker(environ, tmp_path / "broker.log"), tower(tmp_path, 0, more=ports):
        device = Device(data)
        try:
            until(lambda: device.ask("/sync")[1].get("link", {}).get("connected") is True)
            until(lambda: device.ask("/sync")[1].get("cases") == 0)

            said = ran(environ, "edgecase-tower", "devices", "revoke", "garage")
            begun = time.monotonic()
            until(lambda: device.ask("/sync")[1]["link"]["connected"] is False, 5)
            assert "Cut off" in said
            assert time.monotonic() - begun < 5
            assert "revoked" in ran(environ, "edgecase-tower", "devices", "list")
        finally:
            device.process.terminate()
            device.process.wait(20)
