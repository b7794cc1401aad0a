"""Small file systems for tests that need a full disk or a power cut; needs root."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def call(*command: object) -> None:
    """Run a command; what it says goes into the error if it fails."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.strip()}")


@contextmanager
def tmpfs(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system in memory that holds no more than this."""
    folder.mkdir()
    call("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "edgecase-test", folder)
    try:
        yield folder
    finally:
        call("umount", "--lazy", folder)  # somebody killed may hold it for a moment


@contextmanager
def ext4(image: Path, folder: Path) -> Iterator[Path]:
    """The ext4 file system in the file `image`, on a loop device of its own."""
    folder.mkdir(exist_ok=True)
    call("mount", "-o", "loop", image, folder)
    try:
        yield folder
    finally:
        call("umount", folder)


def make_ext4(image: Path, megabytes: int) -> None:
    """Make an empty ext4 file system in the file `image`."""
    with image.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    call("mkfs.ext4", "-q", "-F", image)
