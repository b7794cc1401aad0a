"""A device's archive as a folder: what would have gone over the link, for where there is none.

`manifest.jsonl` names the device in its first line and then a parcel a line: its address, its size,
its media type, and the file beside it that holds its bytes. A line stands there only once the file
is whole, so a folder that was interrupted is an archive of what got that far.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync.messages import Address, Header, Kind
from sync.topics import CASE, check_name

if TYPE_CHECKING:
    from collections.abc import Iterable

MANIFEST = "manifest.jsonl"
VERSION = 1
NAME = re.compile(rf"{CASE.pattern}/[a-z0-9][a-z0-9-]{{0,39}}\.[a-z]{{1,5}}")
"""A file of a case: no path that leads out of the folder looks like this."""
MAX_LINE = 2000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A parcel and the file that holds it."""

    header: Header
    """What it is."""
    file: str
    """Where its bytes are, from the folder: ID/NAME."""

    def __hash__(self) -> int:
        """By its address and its file: a header has a mapping in it."""
        return hash((self.header.address, self.file))

    def __post_init__(self) -> None:
        """Refuse a file that isn't the case's own."""
        if not NAME.fullmatch(self.file) or not self.file.startswith(self.header.address.case):
            raise ValueError(f"{self.file[:80]!r} is no file of the case")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What lies in a folder."""

    device: str
    """Whose archive it is."""
    pieces: tuple[Piece, ...]
    """Its parcels, in the order in which they were put there."""


def first_line(device: str) -> str:
    """The line that says whose archive this is.

    Raises:
        BadNameError: no device has such a name.
    """
    return _line({"edgecase_archive": VERSION, "device": check_name(device)})


def line(piece: Piece) -> str:
    """The line of a parcel."""
    address = piece.header.address
    return _line(
        {
            "case": address.case,
            "rev": address.rev,
            "kind": "" if address.kind is None else address.kind.value,
            "image": address.image,
            "sha256": address.sha256,
            "size": piece.header.size,
            "type": piece.header.media_type,
            "file": piece.file,
        }
    )


def read(lines: Iterable[str]) -> Manifest:
    """Read a manifest; a last line that was not finished is as if it weren't there.

    Raises:
        ValueError: it isn't one, with the number of the line.
    """
    device = ""
    pieces: list[Piece] = []
    for number, text in enumerate(lines, start=1):
        if not text.endswith("\n"):
            break
        try:
            fields = json.loads(text) if len(text) <= MAX_LINE else None
            if not isinstance(fields, dict):
                raise ValueError("this is no object")
            if number == 1:
                device = _device(fields)
            else:
                pieces.append(_piece(fields))
        except (ValueError, RecursionError) as e:
            raise ValueError(f"{MANIFEST}, line {number}: {e}") from e
    if not device:
        raise ValueError(f"{MANIFEST} is empty")
    return Manifest(device, tuple(pieces))


def _device(fields: dict[str, Any]) -> str:
    if fields.get("edgecase_archive") != VERSION:
        raise ValueError(f"this is no archive of version {VERSION}")
    return check_name(_take(fields, "device", str))


def _piece(fields: dict[str, Any]) -> Piece:
    case = _take(fields, "case", str)
    if not CASE.fullmatch(case):
        raise ValueError("case: this is no id")
    kind = Kind(_take(fields, "kind", str))
    image, sha256 = _take(fields, "image", str), _take(fields, "sha256", str)
    address = Address(case, _take(fields, "rev", int), kind, image, sha256)
    header = Header(address, _take(fields, "size", int), _take(fields, "type", str))
    return Piece(header, _take(fields, "file", str))


def _take(fields: dict[str, Any], name: str, kind: type) -> Any:
    value = fields.get(name)
    if type(value) is not kind:
        raise ValueError(f"{name}: expected {kind.__name__}")
    return value


def _line(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"
