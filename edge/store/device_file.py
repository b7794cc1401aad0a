"""What the database knows besides the cases, as a file, so that it isn't lost with it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.store import settings, tokens
from edge.store.files import NewFiles
from edge.store.tokens import Token
from models.jsonable import from_json, require, to_json

if TYPE_CHECKING:
    from sqlite_utils import Database

    from edge.store.layout import Layout


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """The content of `sidecars/device.json`."""

    device_id: str
    """A UUID that is this device's for good."""
    next_seq: int
    """At least this is the number of the next case, whatever was purged."""
    tokens: tuple[Token, ...] = ()
    """Hashed, as in the database."""

    def __post_init__(self) -> None:
        """A device has an id."""
        require(bool(self.device_id), "device_id", "a UUID")
        require(self.next_seq >= 1, "next_seq", "at least 1", self.next_seq)


def save(db: Database, layout: Layout) -> None:
    """Write what the database knows now; durable when this returns."""
    known = DeviceFile(
        device_id=settings.get(db, settings.DEVICE_ID) or "",
        next_seq=int(settings.get(db, settings.NEXT_SEQ) or 1),
        tokens=tuple(tokens.list_all(db)),
    )
    with NewFiles(layout.tmp) as files:
        files.add(layout.device, json.dumps(to_json(known)).encode())
        files.publish()


def load(layout: Layout) -> DeviceFile:
    """Read it.

    Raises:
        OSError: there is none.
        ValueError: it is none.
    """
    return from_json(DeviceFile, json.loads(layout.device.read_bytes()), str(layout.device))


def restore(db: Database, known: DeviceFile) -> None:
    """Put what the file knows into an empty database."""
    settings.put(db, settings.DEVICE_ID, known.device_id)
    settings.put(db, settings.NEXT_SEQ, str(known.next_seq))
    for token in known.tokens:
        tokens.keep(db, token)


def ensure_identity(db: Database, layout: Layout) -> str:
    """This device's id, made on the first start."""
    known = settings.get(db, settings.DEVICE_ID)
    if known is None:
        known = str(uuid.uuid4())
        settings.put(db, settings.DEVICE_ID, known)
    if not layout.device.exists():
        save(db, layout)
    return known
