"""Copies cases into a folder: for people to look at, and for a tower to take in.

DIR/ID/ holds `case.json` to read, the photos, their thumbnails, and each revision in the very bytes
that the uplink would send. DIR/manifest.jsonl names all of that, see `sync.portable`. A line is
written once its file is durable: a copy that is interrupted goes on where it was.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import DiskFullError, OperatorError
from edge.store.parcels import Content
from models.jsonable import to_json
from sync import portable
from sync.errors import BadNameError
from sync.messages import Header, Kind
from sync.portable import MANIFEST, Piece
from sync.topics import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

    from models.case import Case

NO_SPACE = 28
"""errno ENOSPC."""
PIECE = 1 << 20
"""Bytes that are copied at a time."""
SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/heic": ".heic"}


@dataclass(frozen=True, slots=True)
class Portable:
    """A parcel of a case, as the uplink would send it."""

    header: Header
    """What it is."""
    content: Content
    """Its bytes, or where they are."""
    place: int
    """Which of the case's photos it belongs to, from 1; 0 for the case itself."""

    @property
    def piece(self) -> Piece:
        """Its line in the manifest."""
        address = self.header.address
        if address.kind is Kind.CASE:
            name = f"revision-{address.rev}.json"
        else:
            suffix = SUFFIX.get(self.header.media_type, ".bin")
            name = f"{'thumb' if address.kind is Kind.THUMB else 'photo'}-{self.place}{suffix}"
        return Piece(self.header, f"{address.case}/{name}")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was copied."""

    new: int
    """Cases of which something was written now."""
    same: int
    """Cases that lay there already, in this revision."""
    missing: int
    """Photos that are not on this device any more."""

    def as_json(self) -> dict[str, int]:
        """For programs."""
        return {"new": self.new, "same": self.same, "missing_photos": self.missing}

    def words(self, folder: Path) -> str:
        """For people."""
        text = f"{self.new} cases copied to {folder}"
        text += f", {self.same} were there already" if self.same else ""
        return text + (f"; {self.missing} photos are not on this device" if self.missing else "")


def export_cases(
    cases: Iterable[Case],
    parcels: Callable[[Case], tuple[list[Portable], int]],
    folder: Path,
    device: str,
) -> Exported:
    """Copy every case that isn't there yet.

    Args:
        cases: which.
        parcels: gives what is sent of a case, and how many of its photos are missing.
        folder: where to; is made where it is missing.
        device: whose they are, as the tower knows it.

    Raises:
        DiskFullError: no room.
        OperatorError: the folder can't be written, or holds the cases of another device; or no
            tower could know a device of this name.
    """
    new = same = missing = 0
    try:
        check_name(device)
        folder.mkdir(parents=True, exist_ok=True)
        with Archive(folder, device) as archive:
            for case in cases:
                found, lost = parcels(case)
                wrote = archive.add(case, found)
                new, same = new + wrote, same + (not wrote)
                missing += lost if wrote else 0
    except BadNameError as e:
        raise OperatorError(str(e), "set sync.device to the name on the tower") from e
    except OSError as e:
        if e.errno == NO_SPACE:
            raise DiskFullError(f"No room left in {folder}.", f"df -h {folder}") from e
        raise OperatorError(f"{folder} can't be written: {e.strerror}.", "choose another") from e
    return Exported(new, same, missing)


class Archive:
    """A folder with a manifest."""

    def __init__(self, folder: Path, device: str) -> None:
        """Go on with the folder, or begin one.

        Raises:
            OSError: it can't be used.
            OperatorError: it is another device's, or something else.
        """
        self._folder = folder
        path = folder / MANIFEST
        self._there: set[Piece] = set()
        if path.exists():
            with path.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)  # a line that was not finished
            self._there = _pieces_of(path, device)
        self._manifest = path.open("a", encoding="utf-8")
        if self._manifest.tell() == 0:
            self._note([portable.first_line(device)])
            _sync_folder(folder)

    def __enter__(self) -> Archive:
        """Nothing more to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        """Close the manifest."""
        self._manifest.close()

    def add(self, case: Case, parcels: list[Portable]) -> bool:
        """Copy what isn't there of a case; gives whether anything was."""
        target = self._folder / case.id
        lacking = [one for one in parcels if not self._holds(one.piece)]
        if not lacking and (target / "case.json").exists():
            return False
        target.mkdir(exist_ok=True)
        for one in lacking:
            _write(self._folder / one.piece.file, one.content)
        text = json.dumps(to_json(case), indent=2, ensure_ascii=False) + "\n"
        _write_bytes(target / "case.json", text.encode())
        _sync_folder(target)
        _sync_folder(self._folder)
        self._note([portable.line(one.piece) for one in lacking if one.piece not in self._there])
        self._there |= {one.piece for one in lacking}
        return True

    def _holds(self, piece: Piece) -> bool:
        if piece not in self._there:
            return False
        try:
            return (self._folder / piece.file).stat().st_size == piece.header.size
        except FileNotFoundError:
            return False

    def _note(self, lines: list[str]) -> None:
        self._manifest.writelines(lines)
        self._manifest.flush()
        os.fsync(self._manifest.fileno())


def _pieces_of(path: Path, device: str) -> set[Piece]:
    try:
        with path.open(encoding="utf-8") as file:
            manifest = portable.read(file)
    except ValueError as e:
        raise OperatorError(f"{path} can't be gone on with: {e}.", "choose another folder") from e
    if manifest.device != device:
        message = f"{path.parent} holds the cases of {manifest.device}, and this is {device}."
        raise OperatorError(message, "choose another folder")
    return set(manifest.pieces)


def _write(target: Path, content: Content) -> None:
    if isinstance(content.source, bytes):
        _write_bytes(target, content.source)
        return
    with content.source.open("rb") as source, _whole(target) as file:
        while data := source.read(PIECE):
            file.write(data)


def _write_bytes(target: Path, data: bytes) -> None:
    with _whole(target) as file:
        file.write(data)


@contextmanager
def _whole(target: Path) -> Iterator[BinaryIO]:
    """A file that has its name once it is durable."""
    partial = target.with_name(f".{target.name}.tmp")
    with partial.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
