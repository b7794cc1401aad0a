"""The photos that are measured with: rendered, so that anybody has the same."""

from __future__ import annotations

import cv2
import numpy as np

from tower_sync_server.render.scene import render_photo

TWELVE_MEGAPIXELS = (4000, 3000)
GRAIN = 5.0
"""Standard deviation of the sensor noise, grey levels: without it a rendered photo is a fifth of
the size of a camera's, and decodes faster than any that a camera takes."""


def jpeg(seed: int = 3, size: tuple[int, int] = TWELVE_MEGAPIXELS, quality: int = 90) -> bytes:
    """A rendered photo of a damaged vehicle as a camera would write it."""
    image = render_photo(seed, split="plain", width=size[0], height=size[1]).image
    grain = np.random.default_rng(seed).normal(0, GRAIN, image.shape)
    noisy = np.clip(image + grain, 0, 255).astype(np.uint8)
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise RuntimeError("the photo can't be encoded")
    return data.tobytes()
