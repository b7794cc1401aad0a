"""A tower's archive, blobs and spool in a folder of a test."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.fakes.parcels import SentCase, wire
from tower_sync_server.archive.listing import Listing
from tower_sync_server.config import StoreSettings
from tower_sync_server.ingest.ingest import Answer, Ingest, Limits
from tower_sync_server.migrations.upgrade import migrate
from tower_sync_server.parts import Keep, open_keep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sync.messages import Ack, Up

Client = TestClient[web.Request, web.Application]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIMITS = Limits(image_bytes=2_000_000, min_free_bytes=0)


@contextmanager
def opened(folder: Path, dsn: str = "") -> Iterator[Keep]:
    """Everything durable in `folder`, the rows in the database at `dsn`."""
    keep = open_keep(StoreSettings(data_dir=folder, dsn=dsn))
    migrate(keep.engine)
    try:
        yield keep
    finally:
        keep.close()


class Intake:
    """The workers, as a test wants them."""

    def __init__(self) -> None:
        self.restarts = 0
        self.reason = ""
        self.answered = Counter[str]({"stored": 3})
        self.held_back = Counter[str]()


class Bench:
    """An ingest over a folder; each call is a message of a device."""

    def __init__(self, keep: Keep, limits: Limits = LIMITS) -> None:
        self.keep = keep
        self.ingest = Ingest(keep.archive, keep.blobs, keep.spool, limits)
        self.listing = Listing(keep.engine)

    def say(self, message: Up, device: str = "gate") -> Ack:
        answer = self.ingest.take(*wire(message, device))
        assert isinstance(answer, Answer)
        assert answer.device == device
        return answer.ack

    def say_all(self, messages: Sequence[Up], device: str = "gate") -> list[Ack]:
        """Several messages in one batch."""
        answers = self.ingest.take_all([wire(message, device) for message in messages])
        return [answer.ack for answer in answers if answer is not None]

    def send(self, case: SentCase, device: str = "gate") -> list[Ack]:
        """All of a case; the last answer for each of its parcels."""
        return [
            [self.say(chunk, device) for chunk in parcel.chunks()][-1] for parcel in case.parcels()
        ]
