"""Contact sheets: many photos on one picture, with their boxes, for people to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from tower_sync_server.render.damages.kinds import LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tower_sync_server.render.arrays import U8
    from tower_sync_server.render.scene import RenderedPhoto

_COLOURS = (
    (255, 80, 80),
    (80, 200, 255),
    (255, 220, 60),
    (255, 150, 40),
    (90, 255, 120),
    (240, 110, 255),
)


def contact_sheet(photos: Sequence[RenderedPhoto], columns: int, *, boxes: bool = True) -> U8:
    """Lay `photos` (all of one size) out in rows of `columns`, HxWx3, with labelled boxes."""
    tiles = [_annotated(photo) if boxes else photo.image for photo in photos]
    blank = np.full_like(tiles[0], 255)
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _annotated(photo: RenderedPhoto) -> U8:
    """Draw the boxes of one photo onto a copy of it."""
    image = photo.image.copy()
    for box, label, severity in zip(photo.boxes, photo.labels, photo.severities, strict=True):
        colour = _COLOURS[LABELS.index(label) % len(_COLOURS)]
        cv2.rectangle(image, box[:2], (box[2] - 1, box[3] - 1), colour, 1)
        place = (box[0] + 1, max(10, box[1] - 3))
        text = f"{label} {severity}"
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)
    return image
