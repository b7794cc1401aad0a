"""Originals and thumbnails, named by the SHA-256 of the original."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import BadImageError, NotFoundError
from edge.store.cases import Presence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.ports import Photo
    from edge.store.cases import Reference
    from edge.store.files import NewFiles
    from edge.store.layout import Layout
    from models.case import ImageRecord

JPEG_BEGIN, JPEG_END = b"\xff\xd8", b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A picture on the disk."""

    path: Path
    """Where; it never changes, so it may be sent from there."""
    media_type: str
    """image/jpeg, image/png or image/webp."""


def put(files: NewFiles, layout: Layout, photo: Photo, staged: Path | None = None) -> None:
    """Add a photo and its thumbnail to what `files` will publish, unless they are there already.

    Args:
        files: the batch.
        layout: where.
        photo: what.
        staged: a file that holds the same bytes and never changes, where there is one.

    Raises:
        BadImageError: its bytes are not what its SHA-256 says.
    """
    if hashlib.sha256(photo.data).hexdigest() != photo.sha256:
        raise BadImageError("The photo is not what its SHA-256 says.", "Send it again.")
    target = layout.image(photo.sha256, photo.media_type)
    if _holds(target, photo.data):
        files.settle(target.parent)  # it may have got its name a moment before a crash
    elif staged is not None and _holds(staged, photo.data):
        files.link(target, staged)
    else:
        files.add(target, photo.data)
    # A thumbnail can be made again: it isn't worth two journal commits of an SD card.
    if not is_whole_jpeg(layout.thumb(photo.sha256)):
        files.add(layout.thumb(photo.sha256), photo.thumbnail, durable=False)


def original(layout: Layout, reference: Reference) -> ImageFile:
    """The file of an original.

    Raises:
        NotFoundError: it made room for newer ones, or is lost.
    """
    path = layout.image(reference.sha256, reference.media_type)
    if reference.evicted or not path.is_file():
        hint = "The tower holds it." if reference.evicted else "Run `edgecase doctor`."
        raise NotFoundError("This photo is not on the device any more.", hint)
    return ImageFile(path, reference.media_type)


def thumbnail(layout: Layout, reference: Reference) -> ImageFile:
    """The file of a thumbnail; the original's, where a power cut took the thumbnail.

    Raises:
        NotFoundError: neither is there.
    """
    path = layout.thumb(reference.sha256)
    if is_whole_jpeg(path):
        return ImageFile(path, "image/jpeg")
    return original(layout, reference)


def presence(layout: Layout, images: Iterable[ImageRecord]) -> dict[str, Presence]:
    """SHA-256 → what of each image is on the disk."""
    found = {}
    for image in images:
        original_here = layout.image(image.sha256, image.media_type).is_file()
        thumb = layout.thumb(image.sha256)
        size = thumb.stat().st_size if is_whole_jpeg(thumb) else 0
        found[image.sha256] = Presence(original_here, size)
    return found


def whole_jpeg(path: Path) -> bytes | None:
    """The bytes of a file that begins and ends as a JPEG does; None where it doesn't."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if data.startswith(JPEG_BEGIN) and data.endswith(JPEG_END) else None


def is_whole_jpeg(path: Path) -> bool:
    """True for a file that begins and ends as a JPEG does."""
    try:
        with path.open("rb") as file:
            begin = file.read(2)
            file.seek(-2, 2)
            return begin == JPEG_BEGIN and file.read() == JPEG_END
    except OSError:
        return False


def unlink(layout: Layout, sha256: str, media_type: str) -> None:
    """Remove an original and its thumbnail."""
    layout.image(sha256, media_type).unlink(missing_ok=True)
    layout.thumb(sha256).unlink(missing_ok=True)


def _holds(path: Path, data: bytes) -> bool:
    """True where the file is there with just these bytes."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False
