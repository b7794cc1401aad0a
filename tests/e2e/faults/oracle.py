"""What the tower holds against what the devices hold, byte for byte.

Reads databases and files of both ends directly. No line of the code under test takes part, and no
receipt of either end is believed.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HERE = (
    "SELECT c.id, c.seq, c.rev, c.body, i.sha256, i.media_type, i.evicted"
    " FROM cases c JOIN case_images i ON i.seq = c.seq ORDER BY c.seq"
)
PARTS = ("body", "image", "thumb")
SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


@dataclass(frozen=True)
class Held:
    """A case of one photo, as one end has it."""

    seq: int
    rev: int
    body: bytes
    """SHA-256 of the JSON of this revision."""
    image: bytes
    """SHA-256 of the bytes of the photo, as they were read."""
    thumb: bytes
    """The same of the thumbnail."""


@dataclass(frozen=True)
class Comparison:
    """What came of it; each entry names a device, a case and what is wrong."""

    cases: int
    """On the devices."""
    missing: tuple[str, ...]
    """Not on the tower, or not all of it."""
    doubled: tuple[str, ...]
    """On the tower more than once, or without having been on a device."""
    different: tuple[str, ...]
    """Other bytes."""


def on_device(folder: Path) -> dict[str, Held]:
    """Case → what the device's own store has of it."""
    with closing(_open(folder / "cases.db")) as db:
        rows = db.execute(HERE).fetchall()
    found = {}
    for case, seq, rev, body, sha256, media_type, _evicted in rows:
        image = folder / "images" / sha256[:2] / f"{sha256}{SUFFIX[media_type]}"
        thumb = folder / "thumbs" / sha256[:2] / f"{sha256}.jpg"
        digests = (_digest(body.encode()), _digest_of(image), _digest_of(thumb))
        found[case] = Held(seq, rev, *digests)
    return found


@dataclass(frozen=True)
class OnTower:
    """What the tower's database and blobs have."""

    cases: Mapping[tuple[str, str], Held]
    """Device and case → what is held; b"" where a part isn't."""
    doubled: tuple[str, ...]
    """Rows that there should be one of."""
    aside: tuple[str, ...]
    """What lies in quarantine."""


def on_tower(folder: Path) -> OnTower:
    """Read the archive and every blob it names."""
    with closing(_open(folder / "archive.db")) as db:
        rows = db.execute("SELECT device, case_id, seq, rev FROM cases ORDER BY no").fetchall()
        keys = ("device", "case_id", "rev")
        bodies = {
            tuple(row[:3]): row[3]
            for row in db.execute(f"SELECT {', '.join(keys)}, body FROM revisions")
        }
        photos = db.execute(
            "SELECT device, case_id, kind, sha256 FROM parcels WHERE kind <> 'case'"
        ).fetchall()
        aside = db.execute("SELECT device, case_id, kind FROM quarantine").fetchall()
    blobs: dict[tuple[str, str, str], bytes] = {}
    doubled = []
    for device, case, kind, sha256 in photos:
        if (device, case, kind) in blobs:
            doubled.append(f"{device} {case}: {kind} twice")
        path = folder / "blobs" / sha256[:2] / sha256
        blobs[device, case, kind] = _digest_of(path)
    cases: dict[tuple[str, str], Held] = {}
    for device, case, seq, rev in rows:
        if (device, case) in cases:
            doubled.append(f"{device} {case}: listed twice")
        body = bodies.get((device, case, rev))
        image, thumb = (blobs.get((device, case, kind), b"") for kind in ("image", "thumb"))
        held = Held(seq, rev, b"" if body is None else _digest(bytes(body)), image, thumb)
        cases[device, case] = held
    return OnTower(cases, tuple(doubled), tuple(" ".join(row) for row in aside))


def compare(
    tower: Path, devices: Mapping[str, Path], promised: Iterable[tuple[str, str]] = ()
) -> Comparison:
    """Compare the tower's folder with the folders of all devices that ever sent to it.

    Args:
        tower: its data directory.
        devices: name → data directory.
        promised: device and case of what a device said is durable; the case has to be there.
    """
    held = on_tower(tower)
    here = {name: on_device(folder) for name, folder in devices.items()}
    wanted = {(name, case): mine for name, cases in here.items() for case, mine in cases.items()}
    lost = [place for place in promised if place not in wanted]
    missing = [f"{device} {case}: promised, and not even on the device" for device, case in lost]
    different = []
    for place, own in wanted.items():
        gone, wrong = _against(own, held.cases.get(place))
        missing += [f"{' '.join(place)}: {what}" for what in gone]
        different += [f"{' '.join(place)}: {what}" for what in wrong]
    doubled = [*held.doubled, *(f"quarantine: {row}" for row in held.aside)]
    strange = sorted(held.cases.keys() - wanted.keys())
    doubled += [f"{' '.join(place)}: no device has it" for place in strange]
    return Comparison(len(wanted), tuple(missing), tuple(doubled), tuple(different))


def _against(own: Held, there: Held | None) -> tuple[list[str], list[str]]:
    """What of a case is not on the tower, and what is otherwise."""
    if there is None:
        return ["all of it"], []
    if (there.rev, there.seq) != (own.rev, own.seq):
        return [f"revision {own.rev}, there is {there.rev}"], []
    gone = [part for part in PARTS if not getattr(there, part)]
    wrong = [part for part in PARTS if getattr(there, part) != getattr(own, part)]
    return gone, [part for part in wrong if part not in gone]


def parts(folder: Path) -> set[tuple[str, str, str]]:
    """Case, kind and photo of each payload whose bytes are there and are what they should be."""
    with closing(_open(folder / "archive.db")) as db:
        photos = db.execute("SELECT case_id, kind, image, sha256 FROM parcels WHERE kind <> 'case'")
        found = {
            (case, kind, image)
            for case, kind, image, sha256 in photos
            if _digest_of(folder / "blobs" / sha256[:2] / sha256).hex() == sha256
        }
        bodies = db.execute("SELECT case_id, body FROM revisions WHERE body IS NOT NULL")
        return found | {(case, "case", "") for case, body in bodies if body}


def lacking(tower: Path, devices: Mapping[str, Path]) -> int:
    """Cases that the tower has not in their last revision with photo and thumbnail; looks at rows
    alone, which is quick. `compare` looks at bytes.
    """
    with closing(_open(tower / "archive.db")) as db:
        rows = db.execute(
            "SELECT c.device, c.case_id, c.rev, count(*) FROM cases c JOIN parcels p"
            " ON p.device = c.device AND p.case_id = c.case_id AND p.kind <> 'case'"
            " GROUP BY c.no"
        )
        there = {(device, case): (rev, parts) for device, case, rev, parts in rows}
    lacks = 0
    for name, folder in devices.items():
        with closing(_open(folder / "cases.db")) as db:
            own = db.execute("SELECT id, rev FROM cases").fetchall()
        lacks += sum(there.get((name, case)) != (rev, 2) for case, rev in own)
    return lacks


def photos(tower: Path) -> int:
    """Rows of photos that the tower holds."""
    with closing(_open(tower / "archive.db")) as db:
        sql = "SELECT count(*) FROM parcels WHERE kind = 'image'"
        return int(db.execute(sql).fetchone()[0])


def waiting(folder: Path) -> int:
    """Things that wait in a device's outbox, or that the tower refused."""
    with closing(_open(folder / "cases.db")) as db:
        return int(db.execute("SELECT count(*) FROM outbox WHERE state <> 'stored'").fetchone()[0])


def made(folder: Path) -> int:
    """Cases that a device has."""
    with closing(_open(folder / "cases.db")) as db:
        return int(db.execute("SELECT count(*) FROM cases").fetchone()[0])


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    connection.execute("PRAGMA query_only = 1")
    return connection


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _digest_of(path: Path) -> bytes:
    """Of a file's bytes; b"" where there is none."""
    return _digest(path.read_bytes()) if path.is_file() else b""
