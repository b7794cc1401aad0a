"""The sample photos of the demo: `python -m tower_sync_server.render.samples FOLDER`.

Each is one seed and one wish, so that they can be made again and are named for what they show.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tower_sync_server.render.scene import Wish, render_photo

if TYPE_CHECKING:
    from tower_sync_server.render.arrays import U8

_SIZE = (1280, 960)
_MOST_BYTES = 250_000

SAMPLES: dict[str, tuple[int, Wish]] = {
    "dented-door": (9007, Wish(kinds=("dent",), severity="severe", damaged=True)),
    "scratched-door": (9005, Wish(kinds=("scratch",), severity="moderate", damaged=True)),
    "rusty-door": (9005, Wish(kinds=("rust", "paint_chip"), damaged=True)),
    "chipped-paint": (9002, Wish(kinds=("paint_chip",), damaged=True)),
    "cracked-bumper": (9010, Wish(kinds=("crack",), damaged=True)),
    "cracked-windscreen": (9004, Wish(kinds=("crack",), damaged=True)),
    "broken-headlamp": (9010, Wish(kinds=("broken_lamp",), damaged=True)),
    "undamaged-door": (9003, Wish(damaged=False)),
    "blurred-door": (9005, Wish(kinds=("scratch",), damaged=True, blurred=True)),
    "dark-door": (9007, Wish(kinds=("dent",), damaged=True, exposure=-4.5)),
    "not-a-vehicle": (9001, Wish(something_else=True)),
}
"""Name of the file → seed in the `plain` split and what it is to show."""


def write_samples(folder: Path) -> list[Path]:
    """Write all sample photos as JPEG files of at most 250 kB into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (seed, wish) in SAMPLES.items():
        photo = render_photo(seed, split="plain", width=_SIZE[0], height=_SIZE[1], wish=wish)
        path = folder / f"{name}.jpg"
        path.write_bytes(encode_picture(photo.image))
        paths.append(path)
    return paths


def encode_picture(image: U8, most_bytes: int = _MOST_BYTES) -> bytes:
    """Encode a picture (HxWx3, red first) as JPEG, as well as fits into `most_bytes`."""
    picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    data = b""
    for quality in (90, 84, 76, 66, 50):
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(data) <= most_bytes:
            break
    return data


def decode_jpeg(data: bytes) -> U8:
    """Decode a JPEG file to HxWx3, red first."""
    picture = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
