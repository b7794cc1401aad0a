"""How crops are changed so that likeness is not read off the place, the light or the camera."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from tower_sync_server.training.severity.augment import changed

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def elsewhere(rng: np.random.Generator, image: Image, pad: int) -> Image:
    """Change a scaled crop as the severity classifier's are, and as another place and camera do.

    Light that differs from place to place, another tone curve, paler and richer colours, JPEG.

    Args:
        rng: decides.
        image: (S, S, 3) from `models.crops.scaled`.
        pad: the grey around what was cut; it stays.
    """
    near = changed(rng, image, pad)
    cut = (near != pad).any(axis=2)
    far = _developed(rng, _lit(rng, near.astype(np.float32)))
    if rng.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(40, 90))]
        data = cv2.imencode(".jpg", far, quality)[1]
        far = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    far[~cut] = pad
    return far


def _lit(rng: np.random.Generator, image: Floats) -> Floats:
    """Light some parts more than others."""
    if rng.random() >= 0.4:
        return image
    light = rng.uniform(0.55, 1.5, (3, 3, 1)).astype(np.float32)
    side = (image.shape[1], image.shape[0])
    smooth = np.asarray(cv2.resize(light, side, interpolation=cv2.INTER_CUBIC), np.float32)
    return image * smooth[..., None]


def _developed(rng: np.random.Generator, image: Floats) -> Image:
    """Bend the tone curve now and then, and fade or enrich the colours."""
    if rng.random() < 0.4:
        bend = np.float32(np.exp(rng.uniform(-0.4, 0.4)))
        image = 255 * np.power(np.clip(image, 0, 255) / 255, bend)
    if rng.random() < 0.25:
        grey = image.mean(axis=2, keepdims=True)
        image = grey + (image - grey) * np.float32(rng.uniform(0.3, 1.9))
    return np.clip(image, 0, 255).astype(np.uint8)
