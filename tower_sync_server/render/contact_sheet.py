"""Contact sheets: many photos on one picture, with their boxes, for people to look at.

`python -m tower_sync_server.render.contact_sheet FOLDER` writes one for each look, with whatever
chance shows, and one for each kind of damage: a row for each severity, half of it in either look.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import cv2
import numpy as np
import typer

from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.samples import encode_picture
from tower_sync_server.render.scene import RenderedPhoto, Wish, render_photo
from tower_sync_server.render.styles import Split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tower_sync_server.render.arrays import U8

_WIDTH, _HEIGHT = 320, 240
"""Of one photo on a sheet, pixels."""
_MOST_BYTES = 2_000_000

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


def sheets(first: int, columns: int) -> Iterator[tuple[str, U8]]:
    """Render all sheets, each with its name: one for each look, one for each kind of damage.

    Args:
        first: seed of the first photo of each row.
        columns: photos in a row.
    """
    for split in get_args(Split):
        photos = [_photo(first + number, split) for number in range(columns * len(SEVERITIES))]
        yield split, contact_sheet(photos, columns)
    for kind in LABELS:
        rows = [
            _photo(first + number, "shift" if 2 * number >= columns else "plain", wish)
            for wish in (
                Wish(kinds=(kind,), severity=one, damaged=True, something_else=False)
                for one in SEVERITIES
            )
            for number in range(columns)
        ]
        yield kind, contact_sheet(rows, columns)


def _photo(seed: int, split: Split, wish: Wish | None = None) -> RenderedPhoto:
    """Render one photo of a sheet's size."""
    return render_photo(seed, split=split, width=_WIDTH, height=_HEIGHT, wish=wish)


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path("sheets"),
    first: Annotated[int, typer.Option(min=0, help="Seed of the first photo.")] = 600_000,
    columns: Annotated[int, typer.Option(min=2, help="Photos in a row.")] = 6,
) -> None:
    """Write contact sheets of the renderer as JPEG files, one a look and one a kind of damage."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, sheet in sheets(first, columns):
        path = folder / f"{name}.jpg"
        path.write_bytes(encode_picture(sheet, _MOST_BYTES))
        typer.echo(str(path))


if __name__ == "__main__":
    typer.run(main)
