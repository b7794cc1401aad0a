"""A watched folder as a camera: each photo put there becomes a case exactly once.

    inbox/photo.jpg ─► kept ─► inbox/done/photo.jpg        once the case is durable
                    └► refused ─► inbox/rejected/photo.jpg, and photo.jpg.txt says why

A power cut between the two steps does no harm: the photo is offered again after the restart, with
the same key, and the store answers with the case it already has.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import CameraError, NotFoundError
from edge.ports import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

DONE, REJECTED = "done", "rejected"
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".swp")
"""How programs name what they are still writing."""
EMPTY_PATIENCE = 5
"""A file without a byte waits this many times longer: its writer may not have begun."""


@dataclass(frozen=True, slots=True)
class Look:
    """One file as it was seen."""

    size: int
    """Bytes."""
    changed: int
    """Modification time, nanoseconds."""
    since: float
    """Monotonic seconds at which it was first seen like this."""


class FolderCamera:
    """Takes the photos that people and programs put into a folder."""

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        profile: str = "",
        still_s: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch `folder`.

        Args:
            folder: is made on `open`, with its `done` and `rejected`.
            max_bytes: larger files are rejected unread.
            profile: of the photos; "" is the device's.
            still_s: a file counts as whole once its size has stood still for so long.
            monotonic: tells the seconds.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._profile = profile
        self._still_s = still_s
        self._monotonic = monotonic
        self._seen: dict[str, Look] = {}
        self._stuck: dict[str, Look] = {}
        self._taken: tuple[Frame, Path, Look] | None = None

    @property
    def name(self) -> str:
        """Which folder."""
        return f"folder {self._folder}"

    def open(self) -> None:
        """Make the folders where they are missing.

        Raises:
            CameraError: that isn't allowed.
        """
        try:
            for part in (self._folder, self._folder / DONE, self._folder / REJECTED):
                part.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise CameraError(
                f"The folder {self._folder} can't be used: {e.strerror}.",
                "Let the user that EdgeCase runs as write there.",
            ) from e

    def glance(self) -> bytes | None:
        """Give nothing: files don't move."""
        return None

    def waiting(self) -> bool:
        """Say whether a whole photo is there to be taken."""
        return self._next() is not None

    def capture(self) -> Frame:
        """Take the oldest whole photo; the file stays until `settle`.

        Raises:
            NotFoundError: there is none.
            CameraError: the folder can't be read.
        """
        while (found := self._next()) is not None:
            path, look = found
            if look.size > self._max_bytes:
                limit = f"{self._max_bytes / 1e6:.0f} MB"
                self._reject(path, look, f"The file is larger than {limit}.")
                continue
            frame = self._read(path, look)
            if frame is not None:
                self._taken = (frame, path, look)
                return frame
        raise NotFoundError(f"No photo waits in {self._folder}.", "Put one there.")

    def settle(self, frame: Frame, problem: str) -> None:
        """Move the photo away: its case is durable, or it was refused for `problem`.

        A refused file that has changed since it was read was not whole yet: it gets its chance.
        """
        if self._taken is None or self._taken[0] is not frame:
            return
        _, path, look = self._taken
        self._taken = None
        if problem and not _same(path, look):
            self._seen.pop(path.name, None)
        elif problem:
            self._reject(path, look, problem)
        else:
            self._move(path, look, self._folder / DONE)

    def close(self) -> None:
        """Forget what was seen; the files stay where they are."""
        self._seen.clear()
        self._taken = None

    def _next(self) -> tuple[Path, Look] | None:
        """Look at every file; give the oldest that has stood still long enough."""
        now = self._monotonic()
        seen: dict[str, Look] = {}
        for path in self._candidates():
            look = _look(path, now)
            if look is None:
                continue
            before = self._seen.get(path.name)
            same = before is not None and (before.size, before.changed) == (look.size, look.changed)
            seen[path.name] = before if before is not None and same else look
        self._seen = seen
        self._stuck = {n: s for n, s in self._stuck.items() if n in seen}
        whole = [
            (look.changed, name)
            for name, look in seen.items()
            if now - look.since >= self._patience(look) and self._stuck.get(name) != look
        ]
        if not whole:
            return None
        name = min(whole)[1]
        return self._folder / name, seen[name]

    def _patience(self, look: Look) -> float:
        return self._still_s if look.size else self._still_s * EMPTY_PATIENCE

    def _candidates(self) -> list[Path]:
        try:
            with os.scandir(self._folder) as entries:
                return [
                    Path(e.path)
                    for e in entries
                    if e.is_file(follow_symlinks=False)
                    and not e.name.startswith((".", "~"))
                    and not e.name.lower().endswith(UNFINISHED)
                ]
        except OSError as e:
            raise CameraError(
                f"The folder {self._folder} can't be read: {e.strerror}.", "Is it still there?"
            ) from e

    def _read(self, path: Path, look: Look) -> Frame | None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as e:
            self._reject(path, look, f"The file can't be read: {e.strerror}.")
            return None
        digest = hashlib.sha256(data).hexdigest()
        told = f"{path.name}\0{look.changed}\0{digest}".encode("utf-8", "surrogateescape")
        return Frame(
            data=data,
            taken=datetime.fromtimestamp(look.changed / 1e9, UTC).astimezone(),
            metadata={"file": path.name.encode("utf-8", "replace").decode()},
            profile=self._profile,
            key=f"folder-{hashlib.sha256(told).hexdigest()}",
        )

    def _reject(self, path: Path, look: Look, problem: str) -> None:
        moved = self._move(path, look, self._folder / REJECTED)
        if moved is None:
            return
        try:
            moved.with_name(moved.name + ".txt").write_text(problem + "\n", encoding="utf-8")
        except OSError as e:
            log.warning("%s was rejected (%s), and the note can't be written: %s", path, problem, e)

    def _move(self, path: Path, look: Look, folder: Path) -> Path | None:
        """Move a file under a name that is free; one that can't be moved is left alone from now."""
        target = free_name(folder, path.name)
        try:
            folder.mkdir(exist_ok=True)
            path.rename(target)
            _sync_folder(folder)
        except OSError as e:
            log.warning("%s can't be moved to %s: %s", path, folder, e)
            self._stuck[path.name] = look
            return None
        self._seen.pop(path.name, None)
        return target


def free_name(folder: Path, name: str) -> Path:
    """Give a path in `folder` that nothing has yet: name.jpg, name-2.jpg, …."""
    target, number = folder / name, 1
    while target.exists() or target.is_symlink():
        number += 1
        target = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return target


def _look(path: Path, now: float) -> Look | None:
    try:
        stat = path.lstat()
    except OSError:  # gone since the folder was listed
        return None
    return Look(stat.st_size, stat.st_mtime_ns, now)


def _same(path: Path, look: Look) -> bool:
    again = _look(path, look.since)
    return again is None or again == look


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
