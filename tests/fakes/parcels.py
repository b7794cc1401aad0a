"""Parcels as a device sends them: a case with its photos, cut into messages."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync import topics
from sync.chunks import cut
from sync.codec import encode_up
from sync.messages import Address, Ask, Chunk, Header, Kind, Up

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Parcel:
    """One payload and its address."""

    header: Header
    payload: bytes

    def chunk(self, index: int) -> Chunk:
        return Chunk(self.header, index, cut(self.payload, index))

    def chunks(self) -> Iterator[Chunk]:
        return (self.chunk(index) for index in range(self.header.count))

    def ask(self, number: int = 1) -> Ask:
        return Ask(self.header, number)


def wire(message: Up, device: str = "gate") -> tuple[str, bytes]:
    """Topic and payload."""
    return topics.up(device, message.header.address.case), encode_up(message)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that look like nothing else."""
    return random.Random(seed).randbytes(size)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "words" / "case.json").read_text()
)


@dataclass(frozen=True)
class SentCase:
    """A case with one photo; every field can be chosen."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    seq: int = 1
    rev: int = 1
    photo: bytes = field(default_factory=lambda: noise(150_000))
    thumb: bytes = field(default_factory=lambda: noise(3_000, 2))
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def image(self) -> str:
        return sha(self.photo)

    def body(self) -> dict[str, Any]:
        image = {**GOLDEN["images"][0], "sha256": self.image, "size": len(self.photo)}
        own = {"id": self.id, "seq": self.seq, "rev": self.rev, "images": [image], "clock_ok": True}
        return {**{k: v for k, v in GOLDEN.items() if k != "sync"}, **own, **self.more}

    def case(self) -> Parcel:
        return self._parcel(Kind.CASE, json.dumps(self.body()).encode(), "application/json")

    def thumbnail(self) -> Parcel:
        return self._parcel(Kind.THUMB, self.thumb, "image/jpeg")

    def original(self) -> Parcel:
        return self._parcel(Kind.IMAGE, self.photo, "image/jpeg")

    def parcels(self) -> tuple[Parcel, ...]:
        return (self.case(), self.thumbnail(), self.original())

    def _parcel(self, kind: Kind, payload: bytes, media_type: str) -> Parcel:
        image = "" if kind is Kind.CASE else self.image
        address = Address(self.id, self.rev, kind, image, sha(payload))
        return Parcel(Header(address, len(payload), media_type), payload)
