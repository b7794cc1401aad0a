"""Takes in a device's archive from a folder, the way that its messages go.

Each parcel is asked for first, as a device does that isn't sure, and what the tower lacks follows
in chunks: whatever mixture of link and folder a case came by, keys and answers are the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sync import portable, topics
from sync.chunks import CHUNK_BYTES, span
from sync.codec import encode_up
from sync.messages import Ack, Ask, Busy, Chunk, Reject, Stored
from sync.portable import MANIFEST, Piece
from tower_sync_server.errors import BadRequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from sync.messages import Up
    from sync.portable import Manifest
    from tower_sync_server.ingest.ingest import Ingest

MANY = 64
"""Parcels that are asked for at once."""
MAX_BYTES = 8 * 1024 * 1024
"""Of chunks that are taken in at once."""
MAX_PIECES = 5_000_000
"""Of a manifest."""


class Result(StrEnum):
    """What became of a parcel, or of all of a case."""

    STORED = "stored"
    """It is held from now on."""
    ALREADY = "already"
    """It was held before."""
    REJECTED = "rejected"
    """It will never be; the reason says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one parcel."""

    piece: Piece
    """Which."""
    result: Result
    """What."""
    reason: str = ""
    """Why it was rejected, else ""."""


@dataclass(slots=True)
class CaseTold:
    """What became of a case: rejected where anything of it was, stored where anything was new."""

    id: str
    """Which."""
    result: Result = Result.ALREADY
    """What."""
    reasons: list[str] = field(default_factory=list)
    """Why something of it was rejected."""

    def add(self, told: Told) -> None:
        """Count one of its parcels in."""
        if told.result is Result.REJECTED:
            self.result = Result.REJECTED
            kind = told.piece.header.address.kind
            self.reasons.append(f"{kind}: {told.reason}")
        elif told.result is Result.STORED and self.result is not Result.REJECTED:
            self.result = Result.STORED


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a folder."""

    device: str
    """Whose archive it is."""
    cases: tuple[CaseTold, ...]
    """Every case in it."""

    def count(self) -> Counter[Result]:
        """How many cases went which way."""
        return Counter(case.result for case in self.cases)


def take_in(
    folder: Path, ingest: Ingest, tell: Callable[[Told], None] = lambda _told: None
) -> Taken:
    """Take in everything that is in the folder.

    Args:
        folder: has a manifest, see `sync.portable`.
        ingest: of this tower.
        tell: hears of each parcel as soon as it is settled.

    Raises:
        BadRequestError: it is no archive.
        UnavailableError: the tower can't take anything now; what was told of is settled.
        OperatorError: the disk or the database is failing.
    """
    manifest = read_manifest(folder)
    cases: dict[str, CaseTold] = {}
    for told in settle(folder, manifest, ingest):
        case = told.piece.header.address.case
        cases.setdefault(case, CaseTold(case)).add(told)
        tell(told)
    return Taken(manifest.device, tuple(cases.values()))


def read_manifest(folder: Path) -> Manifest:
    """What lies in a folder.

    Raises:
        BadRequestError: nothing that is an archive.
    """
    hint = "`edgecase cases export DIR` makes one."
    try:
        with (folder / MANIFEST).open(encoding="utf-8") as file:
            manifest = portable.read(file)
    except FileNotFoundError as e:
        raise BadRequestError(f"There is no {MANIFEST}: this is no archive.", hint) from e
    except (OSError, ValueError) as e:
        raise BadRequestError(f"This is no archive: {e}", hint) from e
    if len(manifest.pieces) > MAX_PIECES:
        raise BadRequestError(f"At most {MAX_PIECES} parcels are taken.", "Send it in parts.")
    return manifest


def settle(folder: Path, manifest: Manifest, ingest: Ingest) -> Iterator[Told]:
    """Take in parcel after parcel; yields what became of each.

    Raises:
        UnavailableError: the tower can't take anything now.
        OperatorError: the disk or the database is failing.
    """
    pieces = list(dict.fromkeys(manifest.pieces))
    for first in range(0, len(pieces), MANY):
        some = pieces[first : first + MANY]
        asks = [Ask(piece.header, 0) for piece in some]
        lacking = []
        for piece, ack in zip(some, _say(ingest, manifest.device, asks), strict=True):
            told = _told(piece, ack, Result.ALREADY)
            if told is None:
                lacking.append(piece)
            else:
                yield told
        for group in _groups(lacking):
            yield from _send(folder, manifest.device, group, ingest)


def _groups(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Parcels that fit into memory together; a large one is alone."""
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        if group and size + piece.header.size > MAX_BYTES:
            yield group
            group, size = [], 0
        group.append(piece)
        size += piece.header.size
    if group:
        yield group


def _send(folder: Path, device: str, group: list[Piece], ingest: Ingest) -> Iterator[Told]:
    """Send the chunks of a group; the last answer to each parcel says what became of it."""
    last: dict[Piece, Ack] = {}
    whose: list[Piece] = []
    chunks: list[Up] = []
    at_once = MAX_BYTES // CHUNK_BYTES
    for piece in group:
        try:
            for chunk in _chunks(folder, piece):
                whose.append(piece)
                chunks.append(chunk)
                if len(chunks) == at_once:
                    last |= dict(zip(whose, _say(ingest, device, chunks), strict=True))
                    whose, chunks = [], []
        except (OSError, ValueError) as e:
            reason = e.strerror if isinstance(e, OSError) else str(e)
            yield Told(piece, Result.REJECTED, f"{piece.file}: {reason}")
    last |= dict(zip(whose, _say(ingest, device, chunks), strict=True))
    for piece, ack in last.items():
        told = _told(piece, ack, Result.STORED)
        if told is not None:
            yield told


def _chunks(folder: Path, piece: Piece) -> Iterator[Chunk]:
    """The chunks of a parcel's file.

    Raises:
        OSError: it can't be read.
        ValueError: it isn't as long as its line says, or is no plain file.
    """
    path = folder / piece.file
    if path.is_symlink() or path.parent.is_symlink():
        raise ValueError("a link, and no file")
    header = piece.header
    if path.stat().st_size != header.size:
        raise ValueError(f"it has {path.stat().st_size} bytes, and not {header.size}")
    with path.open("rb") as file:
        for index in range(header.count):
            yield Chunk(header, index, file.read(span(header.size, index)[1]))


def _say(ingest: Ingest, device: str, messages: Sequence[Up]) -> list[Ack]:
    """Have the tower deal with these, as if they had come over the link.

    Raises:
        UnavailableError: it is busy.
    """
    wire = [(topics.up(device, m.header.address.case), encode_up(m)) for m in messages]
    acks: list[Ack] = []
    for answer in ingest.take_all(wire):
        assert answer is not None  # noqa: S101 - each is an up message
        ack = answer.ack
        assert isinstance(ack, Ack)  # noqa: S101 - and so is its answer
        if isinstance(ack, Busy):
            message = "The tower can't take anything now; what was taken so far is safe."
            hint = "Look at its log for the disk and the database, then do the same again."
            raise UnavailableError(message, hint)
        acks.append(ack)
    return acks


def _told(piece: Piece, ack: Ack, stored: Result) -> Told | None:
    """What an answer means; None where something is still lacking."""
    if isinstance(ack, Stored):
        return Told(piece, stored)
    if isinstance(ack, Reject):
        return Told(piece, Result.REJECTED, f"{ack.code}: {ack.reason}")
    return None
