"""How sharp, how bright, how rich in contrast a photo is: always on the same scale.

Everything is measured on luma whose longer side is 640 pixels, so that a phone's 12 megapixels, the
quarter-size decode of them and a small photo of the same scene are judged alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from models.quality import Measures

if TYPE_CHECKING:
    from models.detection import Box
    from models.preprocess import Image

SIDE = 640
"""Longer side of what is measured, pixels; a smaller photo is measured as it is."""
NEAR_BLACK, NEAR_WHITE = 4, 251
"""Luma, 0..255, up to and from which a pixel counts as clipped."""

FINE, COARSE = 1.0, 2.5
"""Standard deviations of the two Gaussians, pixels at that scale."""
AT_100 = 0.335
"""How far above 1 the ratio of gradients is at a score of 100."""
TOP = 10_000.0
"""Largest score."""
LEAST_STRUCTURE = 0.25
"""Gradient at the coarse scale, grey levels a pixel, from which on a frame says anything."""
FLAT = 0.01
"""Contrast below which a frame shows nothing at all: no bare panel has so little."""
LEAST_ON_SUBJECT = 2.0
"""The same on a subject's box: a dent is soft shading, and no edge of it is ever sharp."""
LEAST_DIRECTION = 0.3
"""Gradient of a direction over the strongest one's, coarse scale, from which on it counts.

A door has gaps that run along it and little across; shaken along them, only that little tells.
Measured on 1,600 rendered photos at a threshold of 140: with 0.4 ten of 800 blurred ones passed,
with 0.3 seven, and no more sharp ones were sent back. With 0.25 it would be five, but then one
sharp gap among soft reflections is called blurred."""
DIRECTIONS = 16
"""Directions that are looked along; a shaken camera's path is at most 6 degrees from one of them.

Measured on 400 rendered photos of foreign light and cameras: with four directions 94 of 100 shaken
ones were found at a threshold of 140, with sixteen 96, at the same number of sharp ones."""
LEAST_REGION = 48
"""A smaller region is widened to this side, pixels at that scale."""

STRIP = 64
"""Rows that are worked on at a time."""


Luma = NDArray[np.uint8]
"""H x W uint8."""
Plane = NDArray[np.float32]
"""H x W float32."""


def _gaussian(deviation: float) -> Plane:
    return np.asarray(cv2.getGaussianKernel(7, deviation, cv2.CV_32F), dtype=np.float32)


FINE_KERNEL = _gaussian(FINE)
COARSE_KERNEL = _gaussian(((COARSE**2 - FINE**2 - 1) / 4) ** 0.5)


def measure(image: Image, original: tuple[int, int] | None = None) -> Measures:
    """Measure a photo.

    Args:
        image: H x W x 3 uint8 RGB, upright, or what `to_luma` made of it; a scaled decode does as
            long as its longer side has at least 640 pixels or all that the photo has.
        original: width and height of the upright original, pixels, where `image` is smaller.
    """
    height, width = image.shape[:2]
    luma = to_luma(image)
    mean, deviation = cv2.meanStdDev(luma)
    score = _score(luma, LEAST_STRUCTURE)
    return Measures(
        blur_score=score or 0.0,
        brightness=min(1.0, float(mean[0, 0]) / 255),  # of white it can be a rounding above
        contrast=float(deviation[0, 0]) / 255,
        clipped_dark=cv2.countNonZero(cv2.inRange(luma, 0, NEAR_BLACK)) / luma.size,
        clipped_bright=cv2.countNonZero(cv2.inRange(luma, NEAR_WHITE, 255)) / luma.size,
        width=original[0] if original else width,
        height=original[1] if original else height,
        tellable=score is not None or float(deviation[0, 0]) / 255 < FLAT,
    )


def sharpness(image: Image, box: Box | None = None) -> float | None:
    """Measure sharpness alone, of the whole picture or of the subject's box in it.

    The scale is that of the whole picture at 640 pixels either way. The score, 0..10,000, is

        100 * (max(0, R - 1) / 0.335)**2,  R = min over d of (sum |d G1|**4 / sum |d G2.5|**4)**1/4

    with d the derivative along each of sixteen directions, and G1, G2.5 the luma
    smoothed by Gaussians of 1 and 2.5 pixels. It is the ratio of gradients of an edge blurred twice
    (Zhuo and Sim, Defocus map estimation from a single image, Pattern Recognition 44, 2011): an
    edge's contrast cancels, its width stays. The fourth power lets the strongest edges speak and
    noise be silent. The worst direction counts, as a shaken camera leaves edges along its path
    sharp, among those with edges to speak of: a door may have one gap and soft reflections.

    Args:
        image: H x W x 3 uint8 RGB, upright, or what `to_luma` made of it.
        box: in pixels of `image`; None: everything.

    Returns:
        The score; None where there is too little structure to tell sharp from blurred.
    """
    luma = to_luma(image)
    if box is None:
        return _score(luma, LEAST_STRUCTURE)
    return _score(_region(luma, box, luma.shape[1] / image.shape[1]), LEAST_ON_SUBJECT)


def to_luma(image: Image) -> Luma:
    """BT.601 luma with a longer side of at most 640 pixels.

    Args:
        image: H x W x 3 uint8 RGB; H x W is luma already.
    """
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    height, width = luma.shape
    scale = SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # Linear is eight times as fast, and from half the size on as good: all is smoothed later.
        how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        luma = cv2.resize(luma, size, interpolation=how)
    return np.asarray(luma, dtype=np.uint8)


def _region(luma: Luma, box: Box, scale: float) -> Luma:
    """Cut the box out, widened around its middle where it is too small to say anything."""
    spans = []
    for low, high, end in ((box[1], box[3], luma.shape[0]), (box[0], box[2], luma.shape[1])):
        middle, side = (low + high) / 2 * scale, max((high - low) * scale, LEAST_REGION)
        start = int(max(0, min(middle - side / 2, end - side)))
        spans.append(slice(start, min(end, start + round(side))))
    return luma[spans[0], spans[1]]


def _score(luma: Luma, least: float) -> float | None:
    if min(luma.shape) < 8:
        return None
    fine = _smooth(luma, FINE_KERNEL)
    # The coarse one at half size: a quarter of the work. Halving smooths by a pixel's variance too.
    coarse = _smooth(np.asarray(cv2.pyrDown(fine), dtype=np.float32), COARSE_KERNEL)
    strong = _WEIGHTS @ _moments(fine) / fine.size
    weak = _WEIGHTS @ _moments(coarse) / coarse.size / 2**4  # its pixels are twice as far apart
    if weak.max() < least**4:
        return None
    counts = weak >= LEAST_DIRECTION**4 * weak.max()
    least_kept = float(np.min(np.maximum(0.0, strong[counts]) / weak[counts]))
    ratio: float = least_kept**0.25
    return min(TOP, 100 * (max(0.0, ratio - 1) / AT_100) ** 2)


def _smooth(plane: Luma | Plane, kernel: Plane) -> Plane:
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_32F, kernel, kernel), dtype=np.float32)


def _moments(plane: Plane) -> NDArray[np.float64]:
    """Sums over a plane of the five products of four derivatives, x first: xxxx, xxxy, …, yyyy.

    They give the sum of the fourth powers along every direction. In strips of some rows: those stay
    in the processor's cache and in memory that is used again.
    """
    sums = np.zeros(5)
    for top in range(0, plane.shape[0] - 2, STRIP):
        rows = plane[top : top + STRIP + 2]
        dx = cv2.Sobel(rows, cv2.CV_32F, 1, 0, scale=1 / 8)[1:-1]
        dy = cv2.Sobel(rows, cv2.CV_32F, 0, 1, scale=1 / 8)[1:-1]
        xx, yy, xy = cv2.multiply(dx, dx), cv2.multiply(dy, dy), cv2.multiply(dx, dy)
        alone = [cv2.norm(one, cv2.NORM_L2SQR) for one in (xx, xy, yy)]
        # Of two planes' sum the squares are their own and twice the product that is wanted.
        across = [cv2.norm(cv2.add(one, xy), cv2.NORM_L2SQR) for one in (xx, yy)]
        xxxy, xyyy = (across[0] - alone[0] - alone[1]) / 2, (across[1] - alone[2] - alone[1]) / 2
        sums += (alone[0], xxxy, alone[1], xyyy, alone[2])
    return sums


def _fourth_powers(along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expand (x cos + y sin)**4 for DIRECTIONS angles: what weighs each moment, DIRECTIONS x 5."""
    c, s = np.cos(along)[:, None], np.sin(along)[:, None]
    power = np.arange(5)
    return np.asarray(np.array([1, 4, 6, 4, 1]) * c ** (4 - power) * s**power, np.float64)


_WEIGHTS = _fourth_powers(np.arange(DIRECTIONS) * np.pi / DIRECTIONS)
