"""A device and a phone on a network of their own: found by name, trusted, paired."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.running import ROOT, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICE, PHONE = "10.77.0.1", "10.77.0.2"

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("ip"), reason="needs root, for networks of its own"
    ),
]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def a_cable() -> Iterator[tuple[str, str]]:
    """Two networks joined by a cable: the device's and the phone's."""
    sides = {f"ec-d{os.getpid()}": (DEVICE, "wire-d"), f"ec-p{os.getpid()}": (PHONE, "wire-p")}
    try:
        for side in sides:
            ip("netns", "add", side)
        first, second = sides
        ends = ("wire-d", "type", "veth", "peer", "name", "wire-p", "netns", second)
        ip("-n", first, "link", "add", *ends)
        for side, (address, end) in sides.items():
            ip("-n", side, "addr", "add", f"{address}/24", "dev", end)
            ip("-n", side, "link", "set", "lo", "up")
            ip("-n", side, "link", "set", end, "up")
            ip("-n", side, "route", "add", "default", "dev", end)
        yield first, second
    finally:
        for side in sides:
            subprocess.run(["ip", "netns", "del", side], check=False, capture_output=True)


@contextmanager
def a_daemon(network: str, data: Path, log: Path) -> Iterator[None]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("EDGECASE_")}
    settings = {"HTTP__HOST": "0.0.0.0", "HTTP__AUTH": "token", "STORE__DATA_DIR": str(data)}
    with log.open("wb") as said:
        process = subprocess.Popen(
            ["ip", "netns", "exec", network, sys.executable, "-m", "edge", "run"],
            cwd=ROOT,
            env={**own, **{f"EDGECASE_{k}": v for k, v in settings.items()}},
            stderr=said,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_a_phone_finds_the_device_by_its_name_trusts_it_and_is_paired(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with a_cable() as (here, there), a_daemon(here, tmp_path / "data", log):
        until(lambda: log.exists() and "the network knows" in log.read_text("utf-8"))
        said = log.read_text("utf-8")
        name = re.search(r"edgecase-[0-9a-f]{4}\.local", said)
        code = re.search(r"Code   (\S+)", said)
        assert name
        assert code
        words = ["-m", "tests.fakes.phone_on_a_network", name[0], DEVICE, PHONE, code[1]]
        ran = subprocess.run(
            ["ip", "netns", "exec", there, sys.executable, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {
        "found": [DEVICE],
        "page": [307, f"https://{DEVICE}:8443/history"],
        "nobody": 401,
        "rebound": 421,
        "secure": 200,
        "plain": 403,
        "by_name": 200,
    }
