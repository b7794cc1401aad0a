"""What a memory card has to bear: bytes that reach the disk for each byte of a photo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

from scripts.benchmarks.device import device
from scripts.benchmarks.figures import Figure
from scripts.benchmarks.http import post
from scripts.benchmarks.photos import jpeg
from tests.fakes.mounts import call, ext4, make_ext4

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.benchmarks.device import Running

SIZES = {"2 megapixels": (1600, 1200), "12 megapixels": (4000, 3000)}
"""A Pi's camera as it is set by default, and a phone."""
CASES = {False: 20, True: 100}
"""Without and with `--full`."""
SECTOR = 512
BAR = 3.0
PATIENCE_S = 120.0


def measure(folder: Path, full: bool) -> list[Figure]:
    """Keep cases on an ext4 of their own, and count what its loop device is given to write."""
    if os.geteuid() != 0:
        print("  passed over: a loop device needs root", file=sys.stderr)
        return []
    return [_measure(folder / name.split()[0], name, CASES[full]) for name in SIZES]


def _measure(folder: Path, name: str, cases: int) -> Figure:
    folder.mkdir()
    photos = [jpeg(seed, SIZES[name]) for seed in range(cases)]
    make_ext4(folder / "card", 256 + 3 * sum(map(len, photos)) // 1_000_000)
    with ext4(folder / "card", folder / "mounted") as card:
        with device(card) as running:
            call("sync", "-f", card)
            before = _written(card)
            for photo in photos:
                post(running, "/cases", photo)
            _until_written_up(running, cases)
        call("sync", "-f", card)  # the device has stopped: its last word is on the card, too
        written = _written(card) - before
    ratio = written / sum(map(len, photos))
    return Figure(f"bytes written a byte of photo, {cases} cases of {name}", ratio, "×", BAR)


def _until_written_up(running: Running, cases: int) -> None:
    """Until the language model has had its word on each: that is a revision, and is written."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        address = f"{running.address}/cases?limit=200"
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  loopback
            found = json.load(answer)["cases"]
        if len(found) == cases and all(case["summary"]["author"] == "llm" for case in found):
            return
        time.sleep(0.5)


def _written(card: Path) -> int:
    """Bytes that the card's loop device was given to write, since it was made."""
    source = subprocess.run(
        ["findmnt", "--noheadings", "--output", "SOURCE", card],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    stat = f"/sys/block/{source.removeprefix('/dev/')}/stat"
    with open(stat, encoding="ascii") as file:  # noqa: PTH123  a path of the kernel's
        return int(file.read().split()[6]) * SECTOR
