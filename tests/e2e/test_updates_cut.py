"""A stick that is pulled out, a program that is killed, the power that goes: one whole version.

See test_power_cut.py for why the copy of a loop-mounted file system is what a power cut leaves.
"""

from __future__ import annotations

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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
from tuf.api.exceptions import DownloadError

from edge.errors import EdgeError
from edge.updates.look import trust
from edge.updates.source import FolderSource
from edge.updates.trusted import TrustedMetadata
from tests.fakes.mounts import ext4, make_ext4
from tests.fakes.puller import library_at, pull
from tests.fakes.release_tower import ReleaseTower
from tests.fakes.vision_models import detector

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SEED = random.SystemRandom().randrange(1 << 32)
MEGABYTES = 8
PULLED, TRUNCATED, KILLED, CUT = 50, 20, 50, 50


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """In memory: what counts is what is synced, not how long the disk takes for it."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def tower(place: Path) -> ReleaseTower:
    made = ReleaseTower(place / "tower")
    made.add(version(place, "1.1.0"))
    return made


@pytest.fixture(scope="module")
def device(place: Path, tower: ReleaseTower) -> Path:
    """It has 1.0.0, and trusts the tower; to be copied."""
    data = place / "device"
    data.mkdir()
    library_at(data).install(version(place, "1.0.0"))
    trust(TrustedMetadata(data), tower.root)
    return data


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    print(f"{request.node.name}: seed {SEED}")
    return random.Random(SEED)


def version(place: Path, number: str) -> Path:
    """Each with weights of its own: nothing of it can come from the other."""
    folder = place / f"tiny-{number}"
    folder.mkdir()
    made = detector(folder, version=number)
    (made / "note.txt").write_text(number * 10_000)
    return made


def whole(data: Path) -> str:
    """The version that serves, every byte of it as its manifest says."""
    library = library_at(data)
    assert not library.broken()
    model = library.active("tiny")
    assert model is not None
    for file in model.release.files:
        found = hashlib.sha256((model.folder / file.path).read_bytes()).hexdigest()
        assert found == file.sha256, f"{model.release.ref}: {file.path}"
    return model.release.version


def completed(data: Path, tower: ReleaseTower) -> None:
    """Nothing by hand: one more pull, and the new version serves."""
    assert whole(data) in ("1.0.0", "1.1.0")
    pull(data, FolderSource(tower.folder))
    assert whole(data) == "1.1.0"
    assert not list((data / "models").glob(".fetched-*"))


class Stick(FolderSource):
    """Gone after so many bytes, and then for good."""

    def __init__(self, folder: Path, left: int) -> None:
        super().__init__(folder)
        self.left, self.sent = left, 0

    def open(self, path: str, offset: int = 0) -> Iterator[bytes]:
        for piece in super().open(path, offset):
            part = piece[: max(0, self.left - self.sent)]
            self.sent += len(part)
            yield part
            if len(part) < len(piece):
                raise DownloadError("Input/output error")


def test_a_stick_pulled_at_any_byte_leaves_one_whole_version(place, device, tower, dice):
    stick = Stick(tower.folder, 1 << 40)
    shutil.copytree(device, place / "once")
    pull(place / "once", stick)
    broken = 0
    for n in range(PULLED):
        data = place / f"pulled-{n}"
        shutil.copytree(device, data)
        try:
            pull(data, Stick(tower.folder, dice.randrange(stick.sent)))
        except EdgeError as e:
            broken += bool(e.hint)
        assert whole(data) == "1.0.0"
        completed(data, tower)
        shutil.rmtree(data)
    assert broken == PULLED


def test_a_stick_with_a_truncated_file_leaves_one_whole_version(place, device, tower, dice):
    files = [path for path in tower.folder.rglob("*") if path.is_file() and path.stat().st_size]
    for n in range(TRUNCATED):
        data, stick = place / f"truncated-{n}", place / f"stick-{n}"
        shutil.copytree(device, data)
        shutil.copytree(tower.folder, stick)
        spoilt = stick / dice.choice(files).relative_to(tower.folder)
        os.truncate(spoilt, dice.randrange(spoilt.stat().st_size))
        try:
            pull(data, FolderSource(stick))
        except EdgeError:
            assert whole(data) == "1.0.0"
        completed(data, tower)
        shutil.rmtree(data)
        shutil.rmtree(stick)


class Program:
    """The process of `tests.fakes.puller`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def start(self, data: Path, tower: ReleaseTower) -> int:
        self._input.write(f"{data} {tower.folder}\n".encode())
        self._input.flush()
        return int(self._output.readline())

    def ended(self) -> int:
        """Exit status of the child."""
        word, status = self._output.readline().split()
        assert word == b"end"
        return int(status)

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout


@contextmanager
def program() -> Iterator[Program]:
    command = [sys.executable, "-m", "tests.fakes.puller"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield Program(process)


def seconds_of(running: Program, data: Path, tower: ReleaseTower) -> float:
    """Of one pull that nobody disturbs."""
    began = time.monotonic()
    running.start(data, tower)
    assert running.ended() == 0
    return time.monotonic() - began


def test_a_program_killed_at_any_moment_leaves_one_whole_version(place, device, tower, dice):
    killed = 0
    with program() as running:
        for name in ("warm", "timed"):
            shutil.copytree(device, place / name)
            seconds = seconds_of(running, place / name, tower)
        for n in range(KILLED):
            data = place / f"killed-{n}"
            shutil.copytree(device, data)
            child = running.start(data, tower)
            time.sleep(dice.uniform(0, seconds))
            with suppress(ProcessLookupError):  # it was quicker
                os.kill(child, signal.SIGKILL)
            killed += running.ended() == -signal.SIGKILL
            completed(data, tower)
            shutil.rmtree(data)
    print(f"{killed} of {KILLED} were killed on the way, of {seconds:.3f} s each")
    assert killed >= KILLED // 5


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a file system")
def test_a_power_cut_at_any_moment_leaves_one_whole_version(place, device, tower, dice):
    base, mounted = place / "base.img", place / "mounted"
    make_ext4(base, MEGABYTES)
    with ext4(base, mounted):
        shutil.copytree(device, mounted / "device")
    versions: list[str] = []
    with program() as running:
        for name in ("warm", "timed"):
            first = place / f"{name}.img"
            shutil.copyfile(base, first)
            with ext4(first, mounted):
                seconds = seconds_of(running, mounted / "device", tower)
        for n in range(CUT):
            # New files each time: of one with the same name the kernel may still hold the blocks.
            image, copy = place / f"cut-{n}.img", place / f"copy-{n}.img"
            shutil.copyfile(base, image)
            with ext4(image, mounted):
                child = running.start(mounted / "device", tower)
                time.sleep(dice.uniform(0, seconds))
                stop(child)
                copy_at_one_moment(image, copy)
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
                running.ended()
            with ext4(copy, mounted):
                versions.append(whole(mounted / "device"))
                completed(mounted / "device", tower)
            image.unlink()
            copy.unlink()
    old = versions.count("1.0.0")
    print(f"{old} of {CUT} came back with the old version, of {seconds:.3f} s each")
    assert set(versions) <= {"1.0.0", "1.1.0"}
    assert old >= CUT // 5


def stop(child: int) -> None:
    """Have it stand still, unless it has ended."""
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(child, signal.SIGSTOP)
        while Path(f"/proc/{child}/stat").read_text().rsplit(") ", 1)[1][0] not in "TZ":
            time.sleep(0.002)


def copy_at_one_moment(image: Path, copy: Path) -> None:
    shutil.copyfile(image, copy)
    while not filecmp.cmp(image, copy, shallow=False):
        filecmp.clear_cache()
        shutil.copyfile(image, copy)
