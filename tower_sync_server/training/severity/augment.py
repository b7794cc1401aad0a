"""How crops are changed in training, so that a severity is not read off the paint or the light."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def changed(rng: np.random.Generator, image: Image, pad: int) -> Image:
    """Mirror, turn, resize a little, blur, recolour and grain one scaled crop.

    Its size stays within 8 %: the size is what severity is read off.

    Args:
        rng: decides.
        image: (S, S, 3) from `models.crops.scaled`.
        pad: the grey around what was cut.
    """
    side = image.shape[0]
    cut = _turned(rng, drawn(image, pad))
    grow = rng.uniform(0.94, 1.06) * rng.uniform(0.98, 1.02, 2)
    high, wide = np.clip(np.rint(cut.shape[:2] * grow), 4, side).astype(int)
    cut = np.asarray(cv2.resize(cut, (int(wide), int(high))), np.uint8)
    if rng.random() < 0.3:
        cut = np.asarray(cv2.GaussianBlur(cut, (0, 0), rng.uniform(0.3, 1.0)), np.uint8)
    canvas = np.full_like(image, pad)
    x, y = (side - wide) // 2, (side - high) // 2
    canvas[y : y + high, x : x + wide] = recoloured(rng, cut)
    return canvas


def drawn(image: Image, pad: int) -> Image:
    """Return the part of a scaled crop (S, S, 3) that is not the grey around it."""
    filled = (image != pad).any(axis=2)
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if rows.size == 0:
        return image
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _turned(rng: np.random.Generator, cut: Image) -> Image:
    """Mirror often, turn upside down or on its side now and then."""
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    if rng.random() < 0.3:
        cut = cut[::-1]
    if rng.random() < 0.15:
        cut = cut.transpose(1, 0, 2)
    return np.ascontiguousarray(cut)


def recoloured(rng: np.random.Generator, cut: Image) -> Image:
    """Swap and fade colours, change light and balance, add grain to a cut (H, W, 3)."""
    changed: Floats = cut.astype(np.float32)
    if rng.random() < 0.25:
        changed = changed[..., rng.permutation(3)]
    if rng.random() < 0.15:
        grey = changed.mean(axis=2, keepdims=True)
        changed = grey + (changed - grey) * np.float32(rng.uniform(0.0, 1.6))
    gain = np.exp(rng.uniform(-0.4, 0.35) + rng.uniform(-0.22, 0.22, 3))
    changed = changed * gain.astype(np.float32)
    if rng.random() < 0.5:
        amount = np.float32(rng.uniform(1.0, 8.0))
        changed = changed + amount * rng.standard_normal(changed.shape, np.float32)
    return np.clip(changed, 0, 255).astype(np.uint8)
