"""Fetches the files of an offer into a folder of the device, resuming where it was cut off."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from tuf.api.exceptions import DownloadError

from edge.errors import DiskFullError, NoRepositoryError, RefusedReleaseError
from edge.store.failures import FULL_HINT, free_bytes, translated
from edge.store.files import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from edge.updates.look import Target
    from edge.updates.source import Source

CHUNK = 1024 * 1024
TRIES = 3
"""Of one file, where the road breaks."""
FETCH_ANEW = "It was damaged or changed: fetch or export the repository anew."


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    done: int
    """Bytes that are here."""
    total: int
    """Bytes of all files."""
    fetched: int
    """Of `done`, bytes that came from the repository; the others were on the device."""


Tell = Callable[[Progress], None]


def fetch(
    targets: Iterable[Target],
    source: Source,
    folder: Path,
    here: Mapping[str, Path],
    keep_free: int,
    tell: Tell,
) -> Progress:
    """Bring every target into `folder`, each under its file's own path below the model's folder.

    Args:
        targets: of one version of one model.
        source: where to fetch what isn't on the device.
        folder: may hold what an earlier attempt has brought.
        here: SHA-256 → a file of the device, believed only once it has been hashed.
        keep_free: bytes of the disk that stay free.
        tell: hears how far it is, once a piece.

    Raises:
        DiskFullError: it would not fit; nothing was fetched.
        NoRepositoryError: the source broke off, or lacks a file; what came is kept for next time.
        RefusedReleaseError: the source holds other bytes than were signed.
    """
    wanted = tuple(targets)
    job = _Job(source, folder, here, tell, sum(target.size for target in wanted))
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        missing = sum(t.size for t in wanted if not (folder / _name(t)).exists())
        if free_bytes(folder) - missing < keep_free:
            text = f"There is no room for {missing / 1e6:.1f} MB; nothing was fetched."
            raise DiskFullError(text, FULL_HINT)
        for target in wanted:
            job.bring(target)
        for each in {path.parent for path in folder.rglob("*")} | {folder, folder.parent}:
            sync_folder(each)
    return job.progress


class _Job:
    def __init__(
        self, source: Source, folder: Path, here: Mapping[str, Path], tell: Tell, total: int
    ) -> None:
        self._source = source
        self._folder = folder
        self._here = here
        self._tell = tell
        self._total = total
        self._whole = self._fetched = 0

    @property
    def progress(self) -> Progress:
        return Progress(self._whole, self._total, self._fetched)

    def bring(self, target: Target) -> None:
        """Have one file, whole and durable."""
        path = self._folder / _name(target)
        if not (path.exists() and _sha256(path) == target.sha256):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.part")
            if not self._copied(target, partial):
                self._fetch(target, partial)
            partial.replace(path)
        self._whole += target.size
        self._tell(self.progress)

    def _copied(self, target: Target, partial: Path) -> bool:
        """Take it from the device itself; False where it isn't there."""
        there = self._here.get(target.sha256)
        if there is None or not there.is_file() or there.stat().st_size != target.size:
            return False
        with there.open("rb") as reading, partial.open("wb") as writing:
            shutil.copyfileobj(reading, writing, CHUNK)
            _sync(writing)
        if _sha256(partial) == target.sha256:
            return True
        partial.unlink()
        return False

    def _fetch(self, target: Target, partial: Path) -> None:
        for left in reversed(range(TRIES)):
            try:
                from_the_beginning = self._append(target, partial) == 0
            except DownloadError as e:
                if left:
                    continue
                hint = "What came is kept: try again. Is the tower there, or the stick whole?"
                raise NoRepositoryError(f"{target.path} can't be fetched: {e}.", hint) from e
            if _sha256(partial) == target.sha256:
                return
            partial.unlink()
            if from_the_beginning:  # else an earlier attempt may have left something else
                raise RefusedReleaseError(f"{target.path} is not what was signed.", FETCH_ANEW)

    def _append(self, target: Target, partial: Path) -> int:
        """Go on where the part ends; where that was."""
        have = partial.stat().st_size if partial.exists() else 0
        if have > target.size or not self._source.skips():
            have = 0
        begun = have
        with partial.open("r+b" if partial.exists() else "wb") as writing:
            writing.truncate(have)
            writing.seek(have)
            for data in self._source.open(target.place, have) if have < target.size else ():
                have += len(data)
                if have > target.size:
                    raise RefusedReleaseError(f"{target.path} is longer than signed.", FETCH_ANEW)
                writing.write(data)
                self._fetched += len(data)
                self._tell(Progress(self._whole + have, self._total, self._fetched))
            _sync(writing)
        if have < target.size:
            raise DownloadError(f"{target.path} ends after {have} of {target.size} bytes")
        return begun


def _name(target: Target) -> str:
    return target.path.split("/", 2)[2]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
