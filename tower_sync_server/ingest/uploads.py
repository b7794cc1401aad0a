"""Takes in what is uploaded: a tar of a device's archive, or one case in parts.

Both become a folder for a while, so that there is one way in, see `ingest.folders`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sync import portable
from sync.errors import BadNameError
from sync.messages import Address, Header, Kind
from sync.portable import MANIFEST, Piece
from tower_sync_server.archive.facts import read_facts
from tower_sync_server.archive.files import free_bytes, translated
from tower_sync_server.errors import BadRequestError, DiskFullError, TooLargeError
from tower_sync_server.ingest.folders import Taken, take_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from tower_sync_server.ingest.ingest import Ingest

PIECE = 1 << 20
"""Bytes that are read at a time."""
MAX_FILES = 1_000_000
NAME = re.compile(rf"(?:\./)?(?:[^/]{{1,255}}/)?({re.escape(MANIFEST)}|{portable.NAME.pattern})")
"""Of what is taken out of a tar: the manifest or a case's file, perhaps in one folder."""
SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/heic": ".heic"}


class Source(Protocol):
    """What is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes; fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo or thumbnail of an uploaded case."""

    path: Path
    """Where its bytes are."""
    media_type: str
    """As the uploader says."""


class Uploads:
    """Makes a folder of what is uploaded, and takes it in."""

    def __init__(self, ingest: Ingest, folder: Path, max_bytes: int, min_free_bytes: int) -> None:
        """Use `folder` for what is on its way; at most `max_bytes` of one upload are taken."""
        self._ingest = ingest
        self._folder = folder
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes

    @contextmanager
    def room(self) -> Iterator[Path]:
        """An empty folder for one upload, which goes with everything in it.

        Raises:
            DiskFullError: there is less room than the tower keeps free.
            OperatorError: it can't be made.
        """
        with translated():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if free_bytes(self._folder) < self._min_free_bytes:
                raise DiskFullError("The tower's disk is full.", "Free some space on it.")
            place = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def tar(self, source: Source) -> Taken:
        """Take in a tar of an archive, read once from its beginning to its end.

        Raises:
            BadRequestError: it is no tar of an archive, or a name in it leads elsewhere.
            TooLargeError: there is more of it than one upload may have.
            TowerError: see `folders.take_in`.
        """
        with self.room() as place:
            unpack(Bounded(source, self._max_bytes), place)
            return take_in(place, self._ingest)

    def copy(self, source: Source, target: Path, had: int) -> int:
        """Write a part of an upload down, of which so many bytes came before; gives its size."""
        bounded = Bounded(source, self._max_bytes - had)
        with translated(), target.open("wb") as file:
            return _copy(bounded, file)

    def one(
        self, place: Path, device: str, photos: Sequence[Picture], thumbs: Sequence[Picture]
    ) -> Taken:
        """Take in the case whose text is `case.part` in `place`, with these pictures.

        Raises:
            BadRequestError: that is no case, or these are not its pictures.
            TowerError: see `folders.take_in`.
        """
        try:
            lines = [portable.first_line(device), *_lines(place, photos, thumbs)]
        except (BadNameError, ValueError) as e:
            raise BadRequestError(f"This is no case: {e}", "GET /docs says what is sent.") from e
        with translated():
            (place / MANIFEST).write_text("".join(lines), encoding="utf-8")
        return take_in(place, self._ingest)


class Bounded:
    """A source that may not have more than so many bytes."""

    def __init__(self, source: Source, left: int) -> None:
        """Read from `source`."""
        self._source = source
        self._left = left

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes.

        Raises:
            TooLargeError: there are more than allowed.
        """
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise TooLargeError("This is more than one upload may have.", "Send it in parts.")
        return data


def unpack(source: Source, place: Path) -> None:
    """Take the files of an archive out of a tar. Others in it are left where they are.

    Raises:
        BadRequestError: it is no tar, or a name in it leads elsewhere.
        DiskFullError: no room left.
    """
    try:
        # A stream that is read once: the names are looked at here, and nothing is extracted.
        with tarfile.open(fileobj=source, mode="r|", bufsize=PIECE) as tar:  # type: ignore[call-overload]
            for number, member in enumerate(tar):
                if number >= MAX_FILES:
                    raise BadRequestError(f"More than {MAX_FILES} files.", "Send it in parts.")
                name = _safe(member)
                file = tar.extractfile(member) if name else None
                if file is not None:
                    _put(file, place / name)
    except (tarfile.TarError, EOFError, ValueError) as e:
        raise BadRequestError(f"This is no tar: {e}", "tar -C DIR -c . makes one.") from e


def _safe(member: tarfile.TarInfo) -> str:
    """Where a member belongs in the folder; "" for what belongs nowhere.

    Raises:
        BadRequestError: it leads out of the folder.
    """
    if member.name.startswith("/") or ".." in member.name.split("/"):
        message = f"{member.name[:100]!r} leads out of the folder."
        raise BadRequestError(message, "tar -C DIR -c . makes a tar that is taken.")
    found = NAME.fullmatch(member.name)
    return found[1] if found and member.isreg() and not member.issparse() else ""


def _put(source: Source, target: Path) -> None:
    with translated():
        target.parent.mkdir(exist_ok=True, mode=0o700)
        with target.open("wb") as file:
            _copy(source, file)


def _copy(source: Source, file: BinaryIO) -> int:
    size = 0
    while data := source.read(PIECE):
        size += file.write(data)
    return size


def _lines(place: Path, photos: Sequence[Picture], thumbs: Sequence[Picture]) -> list[str]:
    """Name the parts as an archive does; gives its lines.

    Raises:
        ValueError: they don't go together.
    """
    body = (place / "case.part").read_bytes()
    facts = read_facts(body)
    named = [str(image["sha256"]) for image in json.loads(body)["images"]]
    if len(thumbs) > len(photos):
        raise ValueError("more thumbnails than photos")
    (place / facts.id).mkdir()
    own = Address(facts.id, facts.rev, Kind.CASE, "", hashlib.sha256(body).hexdigest())
    name = f"revision-{facts.rev}.json"
    lines = [_move(place, place / "case.part", Header(own, len(body), "application/json"), name)]
    for number, photo in enumerate(photos, start=1):
        sha256 = _sha256(photo.path)
        if sha256 not in named:
            raise ValueError(f"photo {number} is none of its images")
        suffix = SUFFIX.get(photo.media_type, ".bin")
        pictures = [(Kind.IMAGE, photo, f"photo-{number}{suffix}")]
        pictures += [(Kind.THUMB, t, f"thumb-{number}.jpg") for t in thumbs[number - 1 : number]]
        for kind, picture, name in pictures:
            # Photos travel with the first revision, see `edge.store.outbox`.
            address = Address(facts.id, 1, kind, sha256, _sha256(picture.path))
            size = picture.path.stat().st_size
            lines.append(
                _move(place, picture.path, Header(address, size, picture.media_type), name)
            )
    return lines


def _move(place: Path, path: Path, header: Header, name: str) -> str:
    piece = Piece(header, f"{header.address.case}/{name}")
    path.replace(place / piece.file)
    return portable.line(piece)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
