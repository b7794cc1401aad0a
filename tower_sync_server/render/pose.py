"""Where the camera stands: the perspective that carries the flat canvas into the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tower_sync_server.render.arrays import F32, U8
    from tower_sync_server.render.styles import Style


def draw_pose(
    rng: np.random.Generator, style: Style, shape: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Draw a 3x3 homography, canvas pixels to photo pixels (both of `shape`).

    Every corner of the canvas lands outside the photo or on its edge, so that no part of the
    photo stays empty.
    """
    height, width = shape
    corners = np.asarray([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)
    angle = np.deg2rad(rng.uniform(*style.roll) * rng.choice([-1.0, 1.0]))
    ratio = max(width / height, height / width)
    cover = np.cos(angle) + ratio * abs(np.sin(angle))
    pushed = corners * (cover + 2 * rng.uniform(*style.tilt, (4, 2)))
    pushed = pushed * (width / 2, height / 2)
    turn = np.asarray([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    target = pushed @ turn + (width / 2, height / 2)
    source = (corners + 1) * (width / 2, height / 2)
    matrix = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    return np.asarray(matrix, np.float64)


def look(picture: F32, pose: npt.NDArray[np.float64]) -> F32:
    """Return the canvas `picture` (HxWx3) as the camera at `pose` sees it."""
    size = (picture.shape[1], picture.shape[0])
    seen = cv2.warpPerspective(
        picture, pose, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(seen, np.float32)


def look_at_mask(mask: U8, pose: npt.NDArray[np.float64]) -> U8:
    """Return a canvas `mask` (HxW) as the camera at `pose` sees it; outside it is empty."""
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(cv2.warpPerspective(mask, pose, size, flags=cv2.INTER_LINEAR), np.uint8)
