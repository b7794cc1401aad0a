"""Makes a dataset of the cases that people have judged, with the photos that the tower holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.case import Case
from models.jsonable import InvalidWordError, from_json
from tower_sync_server.archive.listing import Filter
from tower_sync_server.dataset.truth import split_of, truth_of
from tower_sync_server.dataset.words import Labelled
from tower_sync_server.dataset.writer import MANIFEST, DatasetWriter
from tower_sync_server.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.archive.listing import Listing

PAGE = 200
SUFFIX = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of the cases."""

    photos: int
    """Written."""
    splits: Mapping[str, int]
    """Split → photos."""
    labels: tuple[str, ...]
    """Everything that is on them, in the order of YOLO's classes."""
    unjudged: int
    """Cases of which no person has said what is on them."""
    missing: int
    """Photos that have not arrived here yet."""
    doubles: int
    """Photos that are in another case too: only the newest word counts."""
    unreadable: int
    """Cases that this version can't read: a newer device wrote them."""


def export(folder: Path, listing: Listing, blobs: Blobs, profile: str | None = None) -> Exported:
    """Write all judged cases of a profile (None: of all) into an empty or new folder.

    Raises:
        ConflictError: there is a dataset already.
        NotFoundError: nobody has judged any case.
    """
    if (folder / MANIFEST).exists():
        raise ConflictError(f"{folder} holds a dataset already.", "Name another folder.")
    lost: Counter[str] = Counter()
    photos = {photo.origin["image"]: photo for photo in _judged(listing, profile, lost)}
    if not photos:
        hint = "Say of some cases what is on them: POST /cases/{id}/feedback on their device."
        said = "No case with a photo has been judged by a person."
        if unreadable := lost["unreadable"]:
            said += f" {unreadable} of a newer device can't be read: upgrade the tower."
        raise NotFoundError(said, hint)
    labels = tuple(sorted({mark.label for photo in photos.values() for mark in photo.marks}))
    writer, splits = DatasetWriter(folder, labels), Counter[str]()
    for sha256, photo in sorted(photos.items()):
        writer.add(photo, b"".join(blobs.read(sha256)))
        splits[photo.split] += 1
    writer.finish({"profile": profile or ""})
    judged = sum(splits.values())
    return Exported(
        judged,
        splits,
        labels,
        lost["unjudged"],
        lost["missing"],
        lost["double"],
        lost["unreadable"],
    )


def _judged(listing: Listing, profile: str | None, lost: Counter[str]) -> Iterator[Labelled]:
    """Every judged case whose photo is here, newest first; counts the others."""
    seen: set[str] = set()
    for body, here in _cases(listing, profile):
        try:
            case = from_json(Case, body)
        except InvalidWordError:
            lost["unreadable"] += 1
            continue
        marks, image = truth_of(case), case.images[0]
        if marks is None:
            lost["unjudged"] += 1
        elif not here:
            lost["missing"] += 1
        elif image.sha256 in seen:
            lost["double"] += 1
        else:
            seen.add(image.sha256)
            yield Labelled(
                name=image.sha256[:16],
                split=split_of(image.sha256),
                width=image.width,
                height=image.height,
                marks=marks,
                suffix=SUFFIX.get(image.media_type, ".jpg"),
                origin={"image": image.sha256, "case": case.id, "device": case.device},
            )


def _cases(listing: Listing, profile: str | None) -> Iterator[tuple[dict[str, Any], bool]]:
    """Body of every case, and whether its first photo is here."""
    cursor = None
    while True:
        page = listing.page(Filter(profile=profile), cursor, PAGE)
        for entry in page.entries:
            yield dict(entry.body), entry.receipt.images[0].original
        if (cursor := page.next) is None:
            return
