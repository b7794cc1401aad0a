"""The repository on the disk: read as values, written so that what is served is always whole."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.serialization import DeserializationError

from models.jsonable import InvalidWordError
from models.rollout import ROLLOUT as ROLLOUT_FILE
from models.rollout import Rollout, decode_rollout
from tower_sync_server.archive.files import sync_folder, translated
from tower_sync_server.errors import OperatorError
from tower_sync_server.releases.roles import ROLLOUT, ROOT, SNAPSHOT, TARGETS, TIMESTAMP
from tower_sync_server.releases.state import Pending, Plan, Published
from tower_sync_server.releases.tuf_words import (
    Metadata,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tower_sync_server.releases.places import Places

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)
VERSIONED = re.compile(r"(\d{1,12})\.root\.json")
KEPT = 10
"""Versions of each document that stay, for devices that are in the middle of reading."""
BROKEN = "Restore DATA_DIR/releases/repository from a backup or from an exported USB stick."


class Shelf:
    """What lies where."""

    def __init__(self, places: Places) -> None:
        """Nothing is read."""
        self.places = places
        self._locks = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Change something: no other process, and no other `Shelf`, does meanwhile.

        May be entered again by the thread that is in it; a `Shelf` is for one thread.
        """
        if self._locks:
            yield
            return
        with translated():
            self.places.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.places.lock, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
        self._locks += 1
        try:
            yield
        finally:
            self._locks -= 1
            os.close(handle)

    def is_begun(self) -> bool:
        """Whether `release init` was here."""
        return self._latest_root() is not None or bool(self._waiting_for(ROOT))

    def published(self) -> Published:
        """Read what devices see.

        Raises:
            OperatorError: a file of it is missing or broken.
        """
        version, at = self._latest_root() or 0, self.places.metadata
        root = self._read(at / f"{version}.root.json", Root) if version else None
        if not (at / f"{TIMESTAMP}.json").exists():
            return Published(root)
        timestamp = self._read(at / f"{TIMESTAMP}.json", Timestamp)
        number = timestamp.signed.snapshot_meta.version
        snapshot = self._read(at / f"{number}.{SNAPSHOT}.json", Snapshot)
        targets, rollout = (
            self._read(at / f"{snapshot.signed.meta[f'{role}.json'].version}.{role}.json", Targets)
            for role in (TARGETS, ROLLOUT)
        )
        return Published(root, targets, rollout, self._held(rollout), snapshot, timestamp)

    def pending(self, now: Published) -> Pending:
        """Read what waits; what was published meanwhile doesn't."""
        root, targets = self._read_waiting(ROOT, Root), self._read_waiting(TARGETS, Targets)
        if root and now.root and root.signed.version <= now.root.signed.version:
            root = None
        if targets and now.targets and targets.signed.version <= now.targets.signed.version:
            targets = None
        return Pending(root, targets)

    def keep(self, metadata: Metadata[Any]) -> Path:
        """Have it wait, in the place of what waited for the same role.

        Returns:
            The file that people sign.
        """
        path = self.path_of(metadata)
        self._write(path, metadata.to_bytes())
        for old in self._waiting_for(metadata.signed.type):
            if old != path:
                old.unlink()
        return path

    def path_of(self, metadata: Metadata[Any]) -> Path:
        """Where it waits."""
        return self.places.pending / f"{metadata.signed.version}.{metadata.signed.type}.json"

    def drop(self, role: str) -> None:
        """Forget what waits for a role, and the files that only it needs."""
        for path in self._waiting_for(role):
            path.unlink()
        if role == TARGETS:
            shutil.rmtree(self.places.waiting, ignore_errors=True)

    def carry_out(self, plan: Plan, pending: Pending) -> None:
        """Publish; when this returns all of it is durable. Doing it again changes nothing."""
        if plan.rollout is not None and plan.result.rollout is not None:
            target = plan.result.rollout.signed.targets[ROLLOUT_FILE]
            for name in target.get_prefixed_paths():
                self._write(self.places.targets / name, plan.rollout)
        if pending.targets is not None and plan.result.targets is pending.targets:
            self._publish_files(pending.targets.signed)
        for name, data in plan.writes:
            self._write(self.places.metadata / name, data)
        if pending.root is not None and plan.result.root is pending.root:
            self.drop(ROOT)
        if pending.targets is not None and plan.result.targets is pending.targets:
            self.drop(TARGETS)
        if plan.writes:
            self._tidy(plan.result)

    def find(self, path: str) -> Path | None:
        """Where the file of a hashed target path lies: published, or waiting."""
        for folder in (self.places.targets, self.places.waiting):
            if (folder / path).is_file():
                return folder / path
        return None

    def place(self, source: Path, path: str) -> None:
        """Have a file wait under its hashed target path; it is moved there.

        Args:
            source: on the same file system, durable.
            path: of the target, with its hash.
        """
        target = self.places.waiting / path
        with translated():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
            sync_folder(target.parent)

    def prune(self, *kept: Targets | None) -> int:
        """Remove the files of models that none of these offers.

        Returns:
            How many bytes that freed, at most: what is linked elsewhere stays.
        """
        wanted = {p for t in kept if t for f in t.targets.values() for p in f.get_prefixed_paths()}
        freed = 0
        for path in sorted(self.places.targets.rglob("*"), reverse=True):
            inside = path.relative_to(self.places.targets).as_posix()
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif "/" in inside and inside not in wanted:  # `rollout.json` lies on top
                freed += path.stat().st_size
                path.unlink()
        return freed

    def _tidy(self, now: Published) -> None:
        """Remove what no device can be in the middle of reading any more; roots stay for good."""
        for role, one in ((TARGETS, now.targets), (ROLLOUT, now.rollout), (SNAPSHOT, now.snapshot)):
            last = 0 if one is None else one.signed.version
            for path in self.places.metadata.glob(f"*.{role}.json"):
                if int(path.name.partition(".")[0]) <= last - KEPT:
                    path.unlink()
        wanted = set()
        for path in self.places.metadata.glob(f"*.{ROLLOUT}.json"):
            target = self._read(path, Targets).signed.targets.get(ROLLOUT_FILE)
            wanted |= set(target.get_prefixed_paths() if target else ())
        for path in self.places.targets.glob(f"*.{ROLLOUT_FILE}"):
            if path.name not in wanted:
                path.unlink()

    def _publish_files(self, targets: Targets) -> None:
        """Give every file its place; those that the tower has are linked."""
        for file in targets.targets.values():
            for path in file.get_prefixed_paths():
                target, waiting = self.places.targets / path, self.places.waiting / path
                if target.exists() or not waiting.exists():
                    continue
                with translated():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    waiting.replace(target)
                    sync_folder(target.parent)
                    sync_folder(target.parent.parent)

    def _held(self, rollout: Metadata[Targets]) -> Rollout:
        target = rollout.signed.targets[ROLLOUT_FILE]
        path = self.places.targets / target.get_prefixed_paths()[0]
        try:
            data = path.read_bytes()
            target.verify_length_and_hashes(data)
            return decode_rollout(data)
        except (OSError, RepositoryError, InvalidWordError) as e:
            raise OperatorError(f"{path} can't be read: {e}", BROKEN) from e

    def _latest_root(self) -> int | None:
        found = (
            VERSIONED.fullmatch(path.name) for path in self.places.metadata.glob("*.root.json")
        )
        return max((int(match[1]) for match in found if match), default=None)

    def _waiting_for(self, role: str) -> list[Path]:
        return sorted(self.places.pending.glob(f"*.{role}.json"))

    def _read_waiting(self, role: str, kind: type[S]) -> Metadata[S] | None:
        found = self._waiting_for(role)
        return self._read(found[-1], kind) if found else None

    def _read(self, path: Path, kind: type[S]) -> Metadata[S]:
        try:
            return read_metadata(path.read_bytes(), kind)
        except (OSError, ValueError) as e:
            raise OperatorError(f"{path} can't be read: {e}", BROKEN) from e

    def _write(self, path: Path, data: bytes) -> None:
        with translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)


def read_metadata(data: bytes, kind: type[S]) -> Metadata[S]:
    """Read metadata of one kind.

    Raises:
        ValueError: it is none, or of another kind.
    """
    try:
        found: Metadata[Any] = Metadata.from_bytes(data)
    except DeserializationError as e:
        raise ValueError("it is no metadata") from e
    if not isinstance(found.signed, kind):
        raise ValueError(f"it is {found.signed.type}")  # noqa: TRY004 - the file's fault
    return found


def write_whole(path: Path, data: bytes) -> None:
    """Write a file: all of it, durable, or nothing."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)
