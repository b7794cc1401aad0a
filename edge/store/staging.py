"""Checked photos that may become cases: kept for a while, not durable, named unguessably."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from edge.errors import NotFoundError
from edge.ports import Inspection, Photo
from edge.store.layout import IMAGE_ID
from models.jsonable import InvalidWordError, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.store.files import NewFiles
    from edge.store.layout import Layout


@dataclass(frozen=True, slots=True)
class Staged:
    """What is kept beside a staged photo."""

    sha256: str
    """Of the photo."""
    media_type: str
    """Of the photo."""
    width: int
    """Upright, pixels."""
    height: int
    """Upright, pixels."""
    inspection: Inspection
    """What the worker found out."""
    profile: str
    """By whose rules."""
    at: datetime
    """When."""


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_hex(16)


def put(
    files: NewFiles,
    layout: Layout,
    image_id: str,
    photo: Photo,
    inspection: Inspection,
    profile: str,
    now: datetime,
) -> None:
    """Add a photo to what `files` will publish under its id."""
    about = Staged(
        photo.sha256, photo.media_type, photo.width, photo.height, inspection, profile, now
    )
    record, data, thumb = _paths(layout, image_id)
    files.add(data, photo.data, durable=False)
    files.add(thumb, photo.thumbnail, durable=False)
    files.add(record, json.dumps(to_json(about)).encode(), durable=False)  # last: it is whole now


def get(
    layout: Layout, image_id: str, now: datetime, kept: timedelta
) -> tuple[Photo, Inspection, str]:
    """A staged photo, what was found out about it, and by whose rules.

    Raises:
        NotFoundError: there is none of this id, or its time is over.
    """
    gone = NotFoundError("This photo waits here no more.", "Send the photo itself.")
    if not IMAGE_ID.fullmatch(image_id):
        raise gone
    record, data, thumb = _paths(layout, image_id)
    try:
        about = from_json(Staged, json.loads(record.read_bytes()))
        small = thumb.read_bytes()
        photo = Photo(
            data.read_bytes(), about.sha256, about.media_type, about.width, about.height, small
        )
    except (OSError, ValueError, InvalidWordError) as e:
        raise gone from e
    if abs(now - about.at) > kept:
        raise gone
    return photo, about.inspection, about.profile


def holding(layout: Layout, sha256: str, recent: dict[str, str]) -> Path | None:
    """The staged file with these bytes, as far as this process knows of one."""
    image_id = recent.get(sha256)
    return None if image_id is None else _paths(layout, image_id)[1]


def remove(layout: Layout, image_id: str) -> None:
    """Forget a staged photo."""
    for path in _paths(layout, image_id):
        path.unlink(missing_ok=True)


def present(layout: Layout) -> Iterator[tuple[str, int, float]]:
    """Id, bytes and time of writing (seconds since 1970) of everything that is staged."""
    for path in layout.staged.glob("*.bin"):
        if IMAGE_ID.fullmatch(path.stem):
            with suppress(FileNotFoundError):  # a case has just taken it
                found = path.stat()
                yield path.stem, found.st_size, found.st_mtime


def _paths(layout: Layout, image_id: str) -> tuple[Path, Path, Path]:
    names = (f"{image_id}.json", f"{image_id}.bin", f"{image_id}.jpg")
    record, data, thumb = (layout.staged / name for name in names)
    return record, data, thumb
