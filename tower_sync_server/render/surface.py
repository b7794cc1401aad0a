"""The canvas on which a vehicle is built: colour, slopes, gloss and shade of every pixel.

The canvas is the panel seen straight on, as large as the photo. Parts and damage write to its
maps; it is lit once, at the end (shading.py), so that everything bends the same reflections.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from tower_sync_server.render.arrays import F32, U8, polygon_mask, window


@dataclass(frozen=True, slots=True)
class Lamp:
    """A head or tail lamp that damage may break."""

    outline: F32
    """N corner points (x, y) in pixels, shape (N, 2)."""
    kind: str
    """`head` or `tail`."""


@dataclass(frozen=True, slots=True)
class Surface:
    """The maps of one canvas; the arrays are written to, the fields are not replaced."""

    albedo: F32
    """HxWx3, linear colour below the lacquer."""
    slope_x: F32
    """HxW, height gained per pixel to the right (pixel per pixel)."""
    slope_y: F32
    """HxW, height gained per pixel downwards; above 0 the surface faces the sky."""
    gloss: F32
    """HxW, share of mirrored light seen head on, 0..1."""
    shade: F32
    """HxW, light that reaches the surface, 1 = all of it."""
    body: U8
    """HxW, painted metal."""
    glass: U8
    """HxW, panes."""
    trim: U8
    """HxW, plastic: bumpers, mouldings."""
    outside: U8
    """HxW, not the vehicle: the background is seen here."""
    unit: float
    """Pixels of the panel's short side; every size on the canvas is a part of it."""
    paint: F32
    """Colour of the lacquer, 3 values, linear."""
    lamps: list[Lamp] = field(default_factory=list)
    """Lamps in the picture."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.albedo.shape[0], self.albedo.shape[1]


def new_surface(shape: tuple[int, int], unit: float, paint: F32) -> Surface:
    """Make a canvas of shape (height, width) covered with nothing but lacquer of colour `paint`."""
    flat = (np.zeros(shape, np.float32) for _ in range(2))
    albedo = np.empty((*shape, 3), np.float32)
    albedo[:] = paint
    return Surface(
        albedo=albedo,
        slope_x=next(flat),
        slope_y=next(flat),
        gloss=np.full(shape, 0.2, np.float32),
        shade=np.ones(shape, np.float32),
        body=np.full(shape, 255, np.uint8),
        glass=np.zeros(shape, np.uint8),
        trim=np.zeros(shape, np.uint8),
        outside=np.zeros(shape, np.uint8),
        unit=unit,
        paint=paint,
    )


def cover(surface: Surface, mask: U8, colour: F32, gloss: float | None = None) -> None:
    """Paint `colour` (3 values, or an HxWx3 picture) wherever `mask` (HxW) says so."""
    area = window(mask)
    if area is None:
        return
    share = mask[area].astype(np.float32) * np.float32(1 / 255)
    source = colour[area] if colour.ndim == 3 else colour
    target = surface.albedo[area]
    target += (source - target) * share[..., None]
    if gloss is not None:
        surface.gloss[area] += (np.float32(gloss) - surface.gloss[area]) * share


def set_slopes(surface: Surface, mask: U8, slope_x: F32 | float, slope_y: F32 | float) -> None:
    """Replace the slopes under `mask` (HxW); maps are cut to the mask's window by this function."""
    area = window(mask)
    if area is None:
        return
    share = mask[area].astype(np.float32) * np.float32(1 / 255)
    for target, value in ((surface.slope_x, slope_x), (surface.slope_y, slope_y)):
        source = value[area] if isinstance(value, np.ndarray) else np.float32(value)
        target[area] += (source - target[area]) * share


def add_relief(surface: Surface, area: tuple[slice, slice], height: F32) -> None:
    """Add a height map (pixels, towards the viewer) that fills the window `area`."""
    surface.slope_x[area] += cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    surface.slope_y[area] += cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)


def darken(surface: Surface, mask: U8, strength: float) -> None:
    """Take away up to `strength` (0..1) of the light under `mask` (HxW)."""
    area = window(mask)
    if area is not None:
        surface.shade[area] *= 1.0 - mask[area].astype(np.float32) * np.float32(strength / 255)


def region(surface: Surface, outline: F32, kind: str) -> U8:
    """Cut the polygon `outline` out and give it to `kind`: glass, trim, outside or none."""
    mask = polygon_mask(surface.shape, outline)
    area = window(mask)
    if area is None:
        return mask
    for name in ("body", "glass", "trim", "outside"):
        target = getattr(surface, name)[area]
        if name == kind:
            np.maximum(target, mask[area], out=target)
        else:
            np.minimum(target, 255 - mask[area], out=target)
    return mask
