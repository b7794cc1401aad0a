"""One photo from one number: the order of the steps, readable in one look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tower_sync_server.render import clutter
from tower_sync_server.render.arrays import F32, U8, bounds, linear
from tower_sync_server.render.background import make_background
from tower_sync_server.render.camera import SHARP_LIMIT, draw_shot, expose
from tower_sync_server.render.damages.base import SEVERITIES, Severity, Spot, find_centre
from tower_sync_server.render.damages.kinds import KINDS, Kind
from tower_sync_server.render.environment import SIZE, make_environment
from tower_sync_server.render.layouts import LAYOUTS
from tower_sync_server.render.other import MOTIFS
from tower_sync_server.render.pose import draw_pose, look, look_at_mask
from tower_sync_server.render.shading import View, shade
from tower_sync_server.render.styles import Split, Style, number_of, style_of
from tower_sync_server.render.surface import Surface, new_surface

VERSION = 3
"""Counts up with every change that makes the same number another photo."""
Box = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels of the photo; x2 and y2 are exclusive."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a photo is asked to show; the defaults leave it to chance."""

    blurred: bool = False
    """A photo that a person would take again."""
    damaged: bool | None = None
    """With damage, without, or (None) with damage most of the time."""
    something_else: bool | None = None
    """A photo of no vehicle at all; None: now and then."""
    kinds: tuple[str, ...] = ()
    """Labels to choose from; empty means all."""
    severity: Severity | None = None
    """Severity of all damage; None draws one for each."""
    exposure: float | None = None
    """Stops around the right exposure; None leaves it to the camera."""


@dataclass(frozen=True, slots=True)
class RenderedPhoto:
    """A photo and the truth about it; the lists belong together item by item."""

    image: U8
    """HxWx3, sRGB, red first."""
    boxes: tuple[Box, ...]
    """Tight boxes around what can be seen of each damage."""
    labels: tuple[str, ...]
    """Kind of each damage."""
    severities: tuple[Severity, ...]
    """Severity of each damage."""
    masks: tuple[U8, ...]
    """HxW mask of each damage, 0 or 255 with soft edges."""
    blur_px: float
    """Deviation of all blur in pixels of a photo with a longer side of 640."""
    sharp: bool
    """Whether a person would accept the photo."""
    vehicle: bool
    """Whether a vehicle is in it."""
    seed: int
    """The number it was made from."""


@dataclass(frozen=True, slots=True)
class _Damage:
    """Damage on the canvas, before the camera sees it."""

    label: str
    severity: Severity
    mask: U8


def render_photo(
    seed: int, *, split: Split, width: int, height: int, wish: Wish | None = None
) -> RenderedPhoto:
    """Render the photo number `seed` of `split`.

    Args:
        seed: any number from 0; the same number gives the same photo.
        split: which look, and which of three separate streams of photos.
        width: of the photo in pixels.
        height: of the photo in pixels.
        wish: what it should show.
    """
    wish = wish or Wish()
    rng = np.random.default_rng([number_of(split), seed])
    style = style_of(split)
    elsewhere = rng.random() < 0.06
    if elsewhere if wish.something_else is None else wish.something_else:
        return _photo_of_something_else(rng, style, (height, width), (seed, wish))
    surface = _build(rng, style, (height, width))
    damages = _inflict_all(rng, surface, wish)
    damages = _hide_some(rng, surface, damages)
    canvas = _light(rng, style, surface)
    pose = draw_pose(rng, style, (height, width))
    masks = tuple(look_at_mask(damage.mask, pose) for damage in damages)
    found = [
        (one, mask, box)
        for one, mask in zip(damages, masks, strict=True)
        if (box := bounds(mask)) is not None and _enough_seen(mask, one.mask)
    ]
    image, blur_px = _take(rng, style, look(canvas, pose), wish)
    return RenderedPhoto(
        image=image,
        boxes=tuple(box for _, _, box in found),
        labels=tuple(one.label for one, _, _ in found),
        severities=tuple(one.severity for one, _, _ in found),
        masks=tuple(mask for _, mask, _ in found),
        blur_px=blur_px,
        sharp=blur_px <= SHARP_LIMIT,
        vehicle=True,
        seed=seed,
    )


def render_scene(
    seed: int, *, split: Split, width: int, height: int, wish: Wish | None = None
) -> F32:
    """Render what stands before the camera, for shots of one's own.

    Args:
        seed: any number from 0.
        split: which look, and which stream.
        width: of the scene in pixels.
        height: of the scene in pixels.
        wish: what it should show; what it says of the camera is nothing here.

    Returns:
        height x width x 3 float32, linear light, without blur or noise.
    """
    wish = wish or Wish()
    rng = np.random.default_rng([number_of(split), seed])
    style = style_of(split)
    if rng.random() < 0.06 if wish.something_else is None else wish.something_else:
        motif = MOTIFS[str(rng.choice(style.others))]
        return look(motif(rng, (height, width)), draw_pose(rng, style, (height, width)))
    surface = _build(rng, style, (height, width))
    _hide_some(rng, surface, _inflict_all(rng, surface, wish))
    return look(_light(rng, style, surface), draw_pose(rng, style, (height, width)))


def _enough_seen(photo: U8, canvas: U8) -> bool:
    """Tell whether a seventh of the damage is inside the photo: less is no one's to judge."""
    return int(np.count_nonzero(photo > 96)) >= max(12.0, 0.15 * np.count_nonzero(canvas > 96))


def _photo_of_something_else(
    rng: np.random.Generator, style: Style, shape: tuple[int, int], order: tuple[int, Wish]
) -> RenderedPhoto:
    """Render a photo without a vehicle; `order` is its seed and the wish."""
    seed, wish = order
    motif = MOTIFS[str(rng.choice(style.others))]
    scene = look(motif(rng, shape), draw_pose(rng, style, shape))
    image, blur_px = _take(rng, style, scene, wish)
    return RenderedPhoto(image, (), (), (), (), blur_px, blur_px <= SHARP_LIMIT, False, seed)


def _build(rng: np.random.Generator, style: Style, shape: tuple[int, int]) -> Surface:
    """Build an undamaged vehicle on a canvas of `shape` and dirty it a little."""
    paint = linear(style.paints[int(rng.integers(len(style.paints)))])
    paint = np.clip(paint * rng.uniform(0.85, 1.15) * rng.uniform(0.95, 1.05, 3), 0.002, 0.95)
    unit = min(shape) * rng.uniform(0.85, 1.25)
    surface = new_surface(shape, float(unit), paint.astype(np.float32))
    surface.gloss[:] = rng.uniform(0.10, 0.26)
    chances = np.asarray([share for _, share in LAYOUTS])
    layout = LAYOUTS[int(rng.choice(len(LAYOUTS), p=chances / chances.sum()))][0]
    layout(rng, surface)
    if rng.random() < 0.2:
        clutter.add_sticker(rng, surface)
    return surface


def _inflict_all(rng: np.random.Generator, surface: Surface, wish: Wish) -> list[_Damage]:
    """Damage the canvas as wished, or not at all."""
    damaged = rng.random() < 0.86 if wish.damaged is None else wish.damaged
    if not damaged:
        return []
    count = int(rng.choice([1, 2, 3, 4], p=[0.42, 0.33, 0.18, 0.07]))
    damages: list[_Damage] = []
    taken = np.zeros(surface.shape, np.uint8)
    for _ in range(count):
        damage = _inflict_one(rng, surface, wish, taken)
        if damage is not None:
            damages.append(damage)
            np.maximum(taken, _block(damage.mask), out=taken)
    return damages


def _block(mask: U8) -> U8:
    """Return the filled bounding box of `mask`, where the next damage mostly keeps out."""
    filled = np.zeros_like(mask)
    box = bounds(mask)
    if box is not None:
        filled[box[1] : box[3], box[0] : box[2]] = 255
    return filled


def _inflict_one(
    rng: np.random.Generator, surface: Surface, wish: Wish, taken: U8
) -> _Damage | None:
    """Add one damage where there is room for it; None where there is none."""
    kind = _choose_kind(rng, surface, wish.kinds)
    severity = wish.severity or SEVERITIES[int(rng.integers(len(SEVERITIES)))]
    zone = _choose_zone(rng, surface, kind)
    if zone is None:
        return None
    overlapping = rng.random() < 0.08 and kind.name != "broken_lamp"
    free = zone if overlapping else np.minimum(zone, 255 - taken)
    centre = find_centre(rng, free, kind.margin * surface.unit * 0.8)
    if centre is None:
        return None
    mask = kind.inflict(rng, surface, Spot(centre, severity, zone))
    seen = np.count_nonzero(mask > 96)
    return _Damage(kind.name, severity, mask) if seen > 12 else None


def _choose_kind(rng: np.random.Generator, surface: Surface, allowed: tuple[str, ...]) -> Kind:
    """Draw a kind of damage that the canvas has room for; a lamp in sight often is the victim."""
    possible = [kind for kind in KINDS if not allowed or kind.name in allowed]
    if not surface.lamps and len(possible) > 1:
        possible = [kind for kind in possible if kind.name != "broken_lamp"]
    weights = np.asarray([2.2 if kind.name == "broken_lamp" else 1.0 for kind in possible])
    return possible[int(rng.choice(len(possible), p=weights / weights.sum()))]


def _choose_zone(rng: np.random.Generator, surface: Surface, kind: Kind) -> U8 | None:
    """Return the mask of where `kind` may happen, None if the canvas has no such place."""
    if kind.zones == ("lamp",):
        return _lamp_zone(rng, surface)
    zones = [getattr(surface, name) for name in kind.zones]
    wide = [zone for zone in zones if np.count_nonzero(zone[::8, ::8]) > 0.04 * zone[::8, ::8].size]
    return wide[int(rng.integers(len(wide)))] if wide else None


def _lamp_zone(rng: np.random.Generator, surface: Surface) -> U8 | None:
    """Return a small disc in the middle of one of the lamps."""
    if not surface.lamps:
        return None
    lamp = surface.lamps[int(rng.integers(len(surface.lamps)))]
    x, y = lamp.outline.mean(axis=0)
    zone = np.zeros(surface.shape, np.uint8)
    reach = max(3, int(np.ptp(lamp.outline, axis=0).min() / 3))
    zone[max(0, int(y) - reach) : int(y) + reach, max(0, int(x) - reach) : int(x) + reach] = 255
    return zone


def _hide_some(rng: np.random.Generator, surface: Surface, damages: list[_Damage]) -> list[_Damage]:
    """Dirty the canvas, put something in front now and then, and cut it out of the masks."""
    for chance, add in (
        (0.35, clutter.add_dust), (0.12, clutter.add_mud),
        (0.08, clutter.add_drops), (0.18, clutter.add_shadow),
    ):  # fmt: skip
        if rng.random() < chance:
            add(rng, surface)
    if rng.random() > 0.12:
        return damages
    hidden = clutter.occluder(rng, surface)
    visible = [replace(one, mask=np.minimum(one.mask, 255 - hidden)) for one in damages]
    return [one for one in visible if np.count_nonzero(one.mask > 96) > 20]


def _light(rng: np.random.Generator, style: Style, surface: Surface) -> F32:
    """Light the canvas and put the background where the vehicle is not."""
    environment = make_environment(rng, str(rng.choice(style.environments)))
    view = View(
        azimuth=float(rng.uniform(0.3, 0.7) * SIZE),
        elevation=float(SIZE / 2 + rng.uniform(-12, 34)),
        spread=float(rng.uniform(24, 60)),
    )
    lit = shade(surface, environment, view)
    name = str(rng.choice(style.backgrounds))
    if surface.outside.any():
        share = (surface.outside * np.float32(1 / 255))[..., None]
        place = make_background(rng, name, surface.shape) * environment.ambient * np.float32(1.1)
        lit += (place - lit) * share
    return lit


def _take(rng: np.random.Generator, style: Style, scene: F32, wish: Wish) -> tuple[U8, float]:
    """Photograph `scene`; return the photo and its blur in pixels of the reference size."""
    longer = max(scene.shape[:2])
    shot = draw_shot(rng, style, longer, wish.blurred)
    if wish.exposure is not None:
        shot = replace(shot, exposure=wish.exposure)
    return expose(rng, scene, shot), shot.blur_px(longer)
