"""What the tests start on this machine ends with them, also where they are killed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.appliance import groups
from tests.appliance.base import CACHE, sweep
from tests.appliance.container import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.timeout(300)
HOLD = """
import sys, time
from pathlib import Path
from tests.appliance.loops import attached
with attached(Path(sys.argv[1])) as device:
    print(device, flush=True)
    time.sleep(600)
"""
BOOT = """
import sys, time
from tests.appliance.container import Container
machine = Container({}, release=sys.argv[1], online=False)
machine.boot()
print(machine.name, machine.run("readlink /proc/1/ns/pid"), flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def killed_after_its_first_line(program: str, *arguments: str) -> Iterator[str]:
    """That line; the process runs meanwhile, and is killed then."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.kill()


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def commands() -> list[str]:
    return subprocess.check_output(["ps", "-e", "-ww", "-o", "args="], text=True).splitlines()


def namespaces() -> set[str]:
    """Of all processes: which each counts as its own first one's."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/ns/pid"):
        with contextlib.suppress(OSError):  # gone meanwhile
            found.add(str(link.readlink()))
    return found


@pytest.mark.appliance
def test_no_loop_device_is_left_of_a_killed_run(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(1_000_000)
    with killed_after_its_first_line(HOLD, str(image)) as device:
        assert str(image) in subprocess.check_output(["losetup", "-l", device], text=True)
    wait_until(lambda: str(image) not in subprocess.check_output(["losetup", "-l"], text=True))


@pytest.mark.appliance
def test_no_container_is_left_of_a_killed_run(release: str) -> None:
    with killed_after_its_first_line(BOOT, release) as said:
        name, inside = said.split()
        assert any(f"--machine={name}" in command for command in commands())
        assert inside in namespaces()
    wait_until(lambda: not any(f"--machine={name}" in command for command in commands()))
    wait_until(lambda: inside not in namespaces())
    assert (CACHE / name).is_dir(), "its files are left to the next run"
    assert name in groups.names()
    sweep()
    assert not list(CACHE.glob(f"{name}*"))
    assert name not in groups.names()


def test_what_a_running_one_needs_is_not_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.appliance.base.CACHE", tmp_path)
    gone, process = tmp_path / "edgecase-trixie-amd64-4194305-1-src", os.getpid()
    kept = [tmp_path / f"edgecase-bookworm-amd64-{process}-1", tmp_path / "bookworm-amd64"]
    for folder in (gone, *kept):
        folder.mkdir()
    sweep()
    assert sorted(tmp_path.iterdir()) == sorted(kept)
