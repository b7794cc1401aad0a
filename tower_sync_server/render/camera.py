"""The camera: focus and motion blur, exposure, white balance, noise, tone, JPEG."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, U8, blur
from tower_sync_server.render.noise import grain

if TYPE_CHECKING:
    from tower_sync_server.render.styles import Style

REFERENCE_SIDE = 640
"""Blur is stated in pixels of a photo whose longer side is this long."""
SHARP_LIMIT = 1.3
"""Up to this blur (deviation in reference pixels) a person accepts the photo."""
BLURRED_LIMIT = 2.6
"""From this blur on a person would ask for another photo."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The settings of one exposure."""

    focus: float
    """Deviation of the blur of a missed focus, in pixels of the photo."""
    motion: float
    """Length of the path the picture moved during the exposure, in pixels of the photo."""
    heading: float
    """Direction of that path in radians."""
    exposure: float
    """Stops above or below the right exposure."""
    balance: tuple[float, float, float]
    """Gains of red, green and blue."""
    noise: float
    """Deviation of the noise at mid grey, 1 is white."""
    vignette: float
    """Light lost in the corners, 0..1."""
    quality: int
    """JPEG quality, 1..100; 0 leaves the picture as it is."""

    def blur_px(self, longer_side: int) -> float:
        """Return focus and motion blur as one deviation in pixels of the reference size.

        A path of length m has the deviation m / sqrt(12).
        """
        both = np.hypot(self.focus, self.motion / np.sqrt(12.0))
        return float(both * REFERENCE_SIDE / longer_side)


def draw_shot(rng: np.random.Generator, style: Style, longer_side: int, blurred: bool) -> Shot:
    """Draw the settings of a photo, a sharp one or one a person would take again."""
    scale = longer_side / REFERENCE_SIDE
    amount = rng.uniform(BLURRED_LIMIT, 9.0) if blurred else rng.uniform(0.0, 0.85) ** 1.5 * 1.2
    moving = rng.random() < (0.5 if blurred else 0.25)
    share = rng.uniform(0.6, 1.0) if moving else 0.0
    balance = rng.uniform(*style.white_balance)
    dim = rng.uniform(*style.exposure)
    return Shot(
        focus=float(amount * np.sqrt(1.0 - share**2) * scale),
        motion=float(amount * share * np.sqrt(12.0) * scale),
        heading=float(rng.uniform(0, np.pi)),
        exposure=float(dim),
        balance=(float(np.sqrt(balance)), float(rng.uniform(0.97, 1.03)), float(balance**-0.5)),
        noise=float(rng.uniform(*style.noise)),
        vignette=float(rng.uniform(0.0, 0.3)),
        quality=int(rng.uniform(*style.jpeg)),
    )


def expose(rng: np.random.Generator, scene: F32, shot: Shot) -> U8:
    """Turn `scene` (HxWx3, linear light) into the photo (HxWx3, sRGB) that `shot` makes of it."""
    picture = _develop(scene, shot)
    picture += grain(rng, picture.shape) * np.float32(shot.noise * 255.0)
    return _compress(np.clip(picture, 0, 255).astype(np.uint8), shot.quality)


def enlarge(
    rng: np.random.Generator, scene: F32, shot: Shot, size: tuple[int, int]
) -> tuple[U8, int]:
    """Take a photo of `size` (width, height) of a scene that was rendered smaller.

    Blur, light and tone are worked out at the scene's size, noise at the photo's: the file is as
    large, as noisy and as blurred as that camera's. What is finer than the scene's pixels is
    missing, so this is for measures that look at the photo made smaller than the scene, and for
    nothing else.

    Args:
        rng: of the noise.
        scene: HxWx3, linear light, of the same shape as the photo.
        shot: in pixels of the photo.
        size: width and height of the photo in pixels.

    Returns:
        The photo (height x width x 3, sRGB) before JPEG, and the quality to compress it with.
    """
    scale = scene.shape[1] / size[0]
    near = replace(shot, focus=shot.focus * scale, motion=shot.motion * scale)
    picture = np.clip(_develop(scene, near), 0, 255).astype(np.uint8)
    if scale != 1:
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    noise = np.rint(grain(rng, (256, 256, 3)) * np.float32(shot.noise * 255.0)).astype(np.int16)
    times = (-(-size[1] // 256), -(-size[0] // 256), 1)
    everywhere = np.tile(noise, times)[: size[1], : size[0]]
    noisy = cv2.add(picture, everywhere, dtype=cv2.CV_8U)
    return np.asarray(noisy, np.uint8), shot.quality


def _develop(scene: F32, shot: Shot) -> F32:
    """Blur, expose and tone a scene: HxWx3, sRGB, 0..255 and a little beyond."""
    picture = blur(_move(scene, shot), shot.focus)
    gains = np.asarray(shot.balance, np.float32) * np.float32(2.0**shot.exposure)
    picture = picture * (gains * _falloff(scene.shape, shot.vignette)[..., None])
    np.clip(picture, 0.0, 8.0, out=picture)
    picture /= picture * np.float32(0.22) + np.float32(0.86)  # soft shoulder: 1 stays below 1
    picture = np.asarray(cv2.sqrt(picture), np.float32)
    picture *= np.float32(255.0)
    return picture


def _move(scene: F32, shot: Shot) -> F32:
    """Smear the scene along a straight path."""
    if shot.motion < 1.0:
        return scene
    size = int(np.ceil(shot.motion)) | 1
    kernel = np.zeros((size + 2, size + 2), np.float32)
    middle = (size + 2) / 2 - 0.5
    reach = shot.motion / 2 * np.asarray([np.cos(shot.heading), np.sin(shot.heading)])
    ends = np.round((np.asarray([middle - reach, middle + reach])) * 16).astype(np.int32)
    cv2.line(kernel, ends[0].tolist(), ends[1].tolist(), 1.0, 1, cv2.LINE_8, 4)
    return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)


def _falloff(shape: tuple[int, ...], strength: float) -> F32:
    """Return the light each pixel gets, HxW: 1 in the middle, less in the corners."""
    rows = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None] ** 2
    columns = np.linspace(-1, 1, shape[1], dtype=np.float32)[None] ** 2
    return np.asarray(1.0 - np.float32(strength / 2) * (rows + columns), np.float32)


def _compress(picture: U8, quality: int) -> U8:
    """Send the photo through JPEG and back."""
    if quality <= 0:
        return picture
    swapped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
