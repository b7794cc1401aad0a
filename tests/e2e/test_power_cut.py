"""Nothing that was acknowledged is lost: not by kill -9, not by a power cut.

A power cut is a copy of the file behind a loop-mounted ext4. The loop driver writes what the
inner file system submits into that file, and nothing else gets there: pages that were never
synced are still in the inner cache, so they are not in the copy. Nothing here calls `sync`. The
writer is stopped first and the copy taken until two in a row are equal, so that the copy is of one
moment; its journal is then replayed by mounting it, as after a real power cut.
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from edge.errors import NotFoundError
from tests.fakes.mounts import ext4, make_ext4
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.store.store import Store

ROOT = Path(__file__).parents[2]
KILLS = 100
CUTS = 6
MEGABYTES = 96


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory: what counts is what is synced, not how long the disk takes for it."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@dataclass
class Writer:
    """The process of `tests.fakes.case_writer`."""

    process: subprocess.Popen[bytes]
    pid: int = 0
    """Of the child that stores cases."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Case id → SHA-256 of its photo."""

    @property
    def input(self) -> IO[bytes]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout

    def start(self, folder: Path, synchronous: str = "FULL") -> None:
        """Start a child that goes on with the next case."""
        self.input.write(f"{folder} {synchronous} {len(self.acknowledged) + 1}\n".encode())
        self.input.flush()
        self.pid = int(self.output.readline().split()[1])

    def kill(self) -> None:
        """End the child at once, and take down what it said before."""
        os.kill(self.pid, signal.SIGKILL)
        for line in iter(self.output.readline, b"end\n"):
            self._note(line)

    def wait_for(self, cases: int) -> None:
        """Wait until the child has acknowledged so many more."""
        for _ in range(cases):
            self._note(self.output.readline())

    def stop(self) -> None:
        """Stop the child, wherever it is."""
        os.kill(self.pid, signal.SIGSTOP)
        while Path(f"/proc/{self.pid}/stat").read_text().rsplit(") ", 1)[1][0] != "T":
            time.sleep(0.002)
        self._drain()

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _note(self, line: bytes) -> None:
        case_id, sha256 = line.decode().split()
        self.acknowledged[case_id] = sha256

    def _drain(self) -> None:
        """Take down what lies in the pipe, without waiting for more."""
        os.set_blocking(self.output.fileno(), False)
        while line := self.output.readline():
            self._note(line)
        os.set_blocking(self.output.fileno(), True)


@contextmanager
def writer(*options: str) -> Iterator[Writer]:
    command = [sys.executable, "-m", "tests.fakes.case_writer", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    made = Writer(process)
    try:
        yield made
    finally:
        made.input.close()
        if made.pid and Path(f"/proc/{made.pid}").exists():
            os.kill(made.pid, signal.SIGKILL)
        process.wait()
        made.output.close()


@dataclass
class Losses:
    """What a store lacks of what it had acknowledged."""

    cases: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)


async def losses(store: Store, acknowledged: dict[str, str]) -> Losses:
    found = Losses()
    for case_id, sha256 in acknowledged.items():
        try:
            await store.get(case_id)
        except NotFoundError:
            found.cases.append(case_id)
            continue
        with contextlib.suppress(NotFoundError):
            path = (await store.image(case_id)).path
            if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
                continue
        found.images.append(case_id)
    return found


async def rows_without_image(store: Store) -> list[str]:
    """Every row there is, acknowledged or not, has to have its photo."""
    cases: dict[str, str] = {}
    cursor = None
    while True:
        page = await store.list(limit=200, cursor=cursor)
        cases |= {case.id: case.images[0].sha256 for case in page.cases}
        cursor = page.next
        if cursor is None:
            return (await losses(store, cases)).images


def copy_of_one_moment(source: Path, target: Path) -> None:
    """Copy a file that may still be written to, until it was the same before and after."""
    for _ in range(50):
        shutil.copyfile(source, target)
        if filecmp.cmp(source, target, shallow=False):
            return
    raise AssertionError("the device never came to rest")


@pytest.mark.slow
async def test_a_hundred_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random()
    folder = tmp_path / "data"
    with writer() as device:
        for turn in range(KILLS):
            before = set(device.acknowledged)
            device.start(folder)
            if turn % 2:  # half of them hit it while it opens the store, half while it adds
                device.wait_for(1)
            time.sleep(chance.uniform(0, 0.08))
            device.kill()
            new = {k: v for k, v in device.acknowledged.items() if k not in before}
            async with opened(folder) as store:
                assert not store.status().opened.rebuilt
                assert await losses(store, new) == Losses()
        async with opened(folder) as store:
            assert await losses(store, device.acknowledged) == Losses()
            assert await rows_without_image(store) == []
            seqs = [case.seq for case in (await store.list(limit=200)).cases]
            assert seqs == list(range(seqs[0], seqs[0] - len(seqs), -1))
    print(f"{KILLS} kills, {len(device.acknowledged)} cases acknowledged")
    assert len(device.acknowledged) >= KILLS // 2


@dataclass
class Cut:
    """A store as a power cut left it."""

    acknowledged: dict[str, str]
    rebuilt: bool
    cases: list[str]
    """Acknowledged and lost."""
    images: list[str]
    """Rows without their photo."""


@contextmanager
def cuts(tmp_path: Path, device: Writer, synchronous: str) -> Iterator[Path]:
    """A device that stores cases on an ext4 of its own; gives the file behind that."""
    image = tmp_path / "disk.ext4"
    make_ext4(image, MEGABYTES)
    with ext4(image, tmp_path / "mounted") as mounted:
        device.start(mounted / "data", synchronous)
        try:
            yield image
        finally:
            device.kill()


async def cut(tmp_path: Path, device: Writer, image: Path, after: int) -> Cut:
    """Cut the power after so many more cases, and look at what is left."""
    device.wait_for(after)
    device.stop()
    acknowledged = dict(device.acknowledged)
    copy = tmp_path / "copy.ext4"
    copy_of_one_moment(image, copy)
    device.go_on()
    with ext4(copy, tmp_path / "after") as mounted:
        async with opened(mounted / "data") as store:
            rebuilt = store.status().opened.rebuilt
            lost = await losses(store, acknowledged)
            return Cut(acknowledged, rebuilt, lost.cases, await rows_without_image(store))


@pytest.mark.root
@pytest.mark.slow
async def test_a_power_cut_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    chance = random.Random()
    with writer() as device, cuts(tmp_path, device, "FULL") as image:
        for _ in range(CUTS):
            found = await cut(tmp_path, device, image, chance.randint(3, 40))
            assert not found.rebuilt
            assert (found.cases, found.images) == ([], [])
    assert len(device.acknowledged) >= 3 * CUTS


@pytest.mark.root
@pytest.mark.slow
async def test_control_with_synchronous_normal_the_same_power_cut_loses_cases(
    tmp_path: Path,
) -> None:
    with writer() as device, cuts(tmp_path, device, "NORMAL") as image:
        lost = [await cut(tmp_path, device, image, 15) for _ in range(3)]
    assert not any(found.rebuilt for found in lost)
    assert any(found.cases for found in lost)
    assert not any(found.images for found in lost)


@pytest.mark.root
@pytest.mark.slow
async def test_control_without_fsync_of_the_files_a_power_cut_leaves_rows_without_photos(
    tmp_path: Path,
) -> None:
    with writer("--no-fsync") as device, cuts(tmp_path, device, "FULL") as image:
        lost = [await cut(tmp_path, device, image, 15) for _ in range(3)]
    assert any(found.images for found in lost)
    assert not any(found.cases for found in lost)
