"""A device's archive in a folder, as `edgecase cases export` makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync import portable
from sync.messages import Kind
from sync.portable import MANIFEST, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.fakes.parcels import SentCase

NAMES = {Kind.CASE: "revision-{rev}.json", Kind.THUMB: "thumb-1.jpg", Kind.IMAGE: "photo-1.jpg"}


def export(folder: Path, cases: Iterable[SentCase], device: str = "gate") -> Path:
    """Write these cases."""
    folder.mkdir(exist_ok=True)
    lines = [portable.first_line(device)]
    for case in cases:
        (folder / case.id).mkdir(exist_ok=True)
        for parcel in case.parcels():
            kind = parcel.header.address.kind
            assert kind is not None
            name = f"{case.id}/{NAMES[kind].format(rev=case.rev)}"
            (folder / name).write_bytes(parcel.payload)
            lines.append(portable.line(Piece(parcel.header, name)))
    (folder / MANIFEST).write_text("".join(lines))
    return folder
