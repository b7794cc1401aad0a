"""What a classifier, a search and a training run see of a detection: the same square, always.

A model's manifest says which of two squares it was trained on (`[preprocess] crop`):

    square   the box fills it, whatever its size in the photo: what does it look like?
    scaled   a box that takes more of the photo takes more of it: how large is it, too?

A change of any byte that comes out of here is a new `models.preprocess.VERSION`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.preprocess import Image, Tensor, to_tensor

if TYPE_CHECKING:
    from models.detection import Box
    from models.release import Input, Preprocess


def expand(box: Box, margin: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Grow a box on every side by `margin` of its size, in whole pixels inside the picture.

    Args:
        box: x1, y1, x2, y2 in pixels of the picture.
        margin: share of the box's width (left, right) and height (above, below).
        width: of the picture, pixels.
        height: of the picture, pixels.

    Returns:
        left, top, right, bottom; at least one pixel, right and bottom not included.
    """
    x1, y1, x2, y2 = box
    more_x, more_y = margin * (x2 - x1), margin * (y2 - y1)
    left = min(max(0, int(np.floor(x1 - more_x))), width - 1)
    top = min(max(0, int(np.floor(y1 - more_y))), height - 1)
    right = max(left + 1, min(width, int(np.ceil(x2 + more_x))))
    bottom = max(top + 1, min(height, int(np.ceil(y2 + more_y))))
    return left, top, right, bottom


def square(image: Image, box: Box, margin: float, side: int) -> Image:
    """Cut a box with its margin out and make it a square, the missing strips by reflection.

    The cut is resized before it is padded: a strip of 20000 x 1 pixels must not first become a
    square of 400 million.

    Args:
        image: H x W x 3 uint8 RGB, upright.
        box: x1, y1, x2, y2 in pixels of `image`.
        margin: see `expand`.
        side: of the square, pixels.

    Returns:
        side x side x 3 uint8 RGB.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = expand(box, margin, width, height)
    cut = image[top:bottom, left:right]
    ratio = side / max(cut.shape[:2])
    new_w = min(side, max(1, round(cut.shape[1] * ratio)))
    new_h = min(side, max(1, round(cut.shape[0] * ratio)))
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    small = cv2.resize(cut, (new_w, new_h), interpolation=how)
    before_x, before_y = (side - new_w) // 2, (side - new_h) // 2
    padded = cv2.copyMakeBorder(
        small,
        before_y,
        side - new_h - before_y,
        before_x,
        side - new_w - before_x,
        cv2.BORDER_REFLECT_101,
    )
    return np.asarray(padded, dtype=np.uint8)


def scaled(image: Image, box: Box, margin: float, side: int, pad: int) -> Image:
    """Cut a box with its margin out and lay it on grey, larger the more of the photo it takes.

    Its longer side becomes `side * sqrt(share)`, where `share` is the cut's part of the photo's
    shorter side. So its size can be seen, a cut of a twelfth of the photo still has the pixels that
    a photo of 480 lines has of it, and the resolution of the photo makes no difference.

    Args:
        image: H x W x 3 uint8 RGB, upright, the whole photo.
        box: x1, y1, x2, y2 in pixels of `image`.
        margin: see `expand`.
        side: of the square, pixels.
        pad: the grey, 0..255.

    Returns:
        side x side x 3 uint8 RGB.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = expand(box, margin, width, height)
    cut = image[top:bottom, left:right]
    longer = max(cut.shape[:2])
    ratio = side * min(1.0, np.sqrt(longer / min(height, width))) / longer
    new_w = min(side, max(1, round(cut.shape[1] * ratio)))
    new_h = min(side, max(1, round(cut.shape[0] * ratio)))
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    canvas = np.full((side, side, 3), pad, np.uint8)
    x, y = (side - new_w) // 2, (side - new_h) // 2
    canvas[y : y + new_h, x : x + new_w] = cv2.resize(cut, (new_w, new_h), interpolation=how)
    return canvas


def crop(image: Image, box: Box, margin: float, side: int, rules: Preprocess) -> Image:
    """Cut a box out as the manifest's `[preprocess] crop` says: `square` or `scaled`.

    Args:
        image: H x W x 3 uint8 RGB, upright, the whole photo.
        box: x1, y1, x2, y2 in pixels of `image`.
        margin: see `expand`.
        side: of the square, pixels.
        rules: the manifest's.

    Returns:
        side x side x 3 uint8 RGB.
    """
    if rules.crop == "scaled":
        return scaled(image, box, margin, side, rules.pad)
    return square(image, box, margin, side)


def crop_tensor(image: Image, box: Box, margin: float, spec: Input, rules: Preprocess) -> Tensor:
    """`crop`, then what every picture goes through on its way into a network.

    Args:
        image: H x W x 3 uint8 RGB, upright.
        box: x1, y1, x2, y2 in pixels of `image`.
        margin: see `expand`.
        spec: the network's input.
        rules: the manifest's.

    Returns:
        float32 in the network's layout.
    """
    side = max(spec.width, spec.height)
    return to_tensor(crop(image, box, margin, side, rules), spec, rules)[0]
