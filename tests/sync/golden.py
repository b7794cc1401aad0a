"""Every message of version 1 as a word; the files beside `tests/data/wire/v1/` hold its bytes.

The files are never written again: a device in the field speaks them.
"""

from __future__ import annotations

from pathlib import Path

from sync.bitmap import Bitmap
from sync.digests import Check, Compare, Differ, Held, Item, Range, Sum
from sync.messages import (
    Address,
    Ask,
    Busy,
    Chunk,
    Have,
    Header,
    Hint,
    Kind,
    Reject,
    RejectCode,
    State,
    Stored,
    Wish,
)

FILES = Path(__file__).parents[1] / "data" / "wire" / "v1"
CASE = "6a1c3a52-90a1-4e58-9f5e-0c1f9f1b2a33"
SHA, IMAGE = "0f" * 32, "a1" * 32
ADDRESS = Address(CASE, 3, Kind.CASE, "", SHA)
PHOTO = Address(CASE, 1, Kind.IMAGE, SHA, SHA)
THUMB = Address(CASE, 1, Kind.THUMB, IMAGE, SHA)
LATER = {"zone": [1, {"a": b"\x00"}], "note": "of a later version"}

UP = {
    "chunk-case": Chunk(Header(ADDRESS, 11, "application/json"), 0, b'{"rev":"3"}'),
    "chunk-thumb": Chunk(Header(THUMB, 4, "image/jpeg"), 0, b"\xff\xd8\xff\xd9"),
    "chunk-image-last": Chunk(Header(PHOTO, 65_536 * 2 + 5, "image/webp"), 2, b"12345"),
    "chunk-empty": Chunk(Header(ADDRESS, 0, "application/json"), 0, b""),
    "chunk-later-fields": Chunk(Header(ADDRESS, 3, "application/json", LATER), 0, b"abc"),
    "chunk-many": Chunk(Header(ADDRESS, 3, "application/json", many=True), 0, b"abc"),
    "ask": Ask(Header(PHOTO, 900_000, "image/jpeg"), 17),
}
DOWN = {
    "stored": Stored(ADDRESS),
    "have": Have(PHOTO, Bitmap.of(14, (0, 3, 13))),
    "have-answer": Have(PHOTO, Bitmap(9), 17),
    "busy": Busy(THUMB, 30.5),
    "reject": Reject(ADDRESS, RejectCode.CONFLICT, "other bytes are held"),
    "reject-unreadable": Reject(Address.unreadable(CASE), RejectCode.VERSION, "version 9"),
    "reject-later-code": Reject(ADDRESS, "quota", "", LATER),
    "stored-later-fields": Stored(ADDRESS, LATER),
}
SEVERAL = {
    "several": [Stored(ADDRESS), Have(PHOTO, Bitmap.of(14, (0, 3, 13))), Busy(THUMB, 30.5)],
    "several-one": [Stored(ADDRESS, LATER)],
}
STATES = {
    "state": State(True, 1_795_000_000.25, True, "2f1d", "0.1.0", 4, 11, 123_456, 1),
    "state-will": State(online=False),
    "state-later-fields": State(online=True, extra=LATER),
}
STATES["state-full"] = State(
    True,
    1_795_000_000.25,
    last_seq=417,
    lost=2,
    compared=1_794_990_000.5,
    disk_free=11_000_000_000,
    temperature=61.75,
    throttled=0x50005,
    models={"vehicle-damage/detector": "vehicle-damage-detector@1.0.0"},
)
QUESTIONS = {
    "compare": Compare(
        7, (Sum(Range(1, 1024), 1000, b"\x0f" * 32), Sum(Range(1025, 2048), 0, b"\xa1" * 32))
    ),
    "compare-later-fields": Compare(8, (Sum(Range(1, 16), 16, b"\x0f" * 32),), LATER),
    "check": Check(
        9,
        Range(17, 32),
        (Item(CASE, 3, Kind.CASE, SHA), Item(CASE, 3, Kind.THUMB, IMAGE)),
    ),
    "check-nothing": Check(10, Range(4, 4), ()),
}
ANSWERS = {
    "differ": Differ(7, ((0, 999), (1, 3))),
    "differ-nowhere": Differ(8, (), LATER),
    "held": Held(9, (1,), ((17, b"\x0f" * 32), (31, b"\xa1" * 32))),
    "held-later-fields": Held(10, (), (), LATER),
}
WISHES = {"wish": Wish(1_795_000_000), "wish-later-fields": Wish(7, LATER)}
HINTS = {"hint": Hint(), "hint-later-fields": Hint(LATER)}


def read(name: str) -> bytes:
    """The bytes of a message."""
    return (FILES / f"{name}.cbor").read_bytes()
