"""The photos that are measured with: rendered, so that anybody has the same."""

from __future__ import annotations

import cv2

from tower_sync_server.render.scene import render_photo

TWELVE_MEGAPIXELS = (4000, 3000)


def jpeg(seed: int = 3, size: tuple[int, int] = TWELVE_MEGAPIXELS, quality: int = 90) -> bytes:
    """A rendered photo of a damaged vehicle as a camera would write it."""
    image = render_photo(seed, split="plain", width=size[0], height=size[1]).image
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise RuntimeError("the photo can't be encoded")
    return data.tobytes()
