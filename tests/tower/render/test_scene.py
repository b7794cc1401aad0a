"""The renderer keeps its promises: same number, same photo; exact boxes; strict splits."""

import numpy as np
import pytest

from tower_sync_server.render.camera import SHARP_LIMIT
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.scene import RenderedPhoto, Wish, render_photo


def shot(seed: int, **wish: object) -> RenderedPhoto:
    return render_photo(seed, split="train", width=320, height=240, wish=Wish(**wish))  # type: ignore[arg-type]


def test_the_same_number_gives_the_same_photo() -> None:
    one, two = shot(11), shot(11)
    assert np.array_equal(one.image, two.image)
    assert one.boxes == two.boxes


def test_the_splits_never_share_a_photo() -> None:
    plain = render_photo(11, split="plain", width=320, height=240)
    assert not np.array_equal(plain.image, shot(11).image)


@pytest.mark.parametrize("seed", range(12))
def test_every_box_is_the_tight_box_of_its_mask(seed: int) -> None:
    photo = shot(seed, damaged=True, something_else=False)
    for box, mask in zip(photo.boxes, photo.masks, strict=True):
        rows, columns = np.nonzero(mask > 96)
        assert box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@pytest.mark.parametrize("label", LABELS)
def test_a_wished_kind_is_the_only_kind(label: str) -> None:
    photos = [shot(seed, damaged=True, kinds=(label,), something_else=False) for seed in range(12)]
    seen = {one for photo in photos for one in photo.labels}
    assert seen == {label}


def test_an_undamaged_vehicle_has_no_boxes() -> None:
    assert shot(3, damaged=False).boxes == ()


def test_a_photo_of_something_else_has_no_vehicle_and_no_boxes() -> None:
    photo = shot(3, something_else=True)
    assert not photo.vehicle
    assert photo.boxes == ()


def rusty_pixels(severity: str) -> int:
    wish = {"damaged": True, "kinds": ("rust",), "something_else": False}
    photos = [shot(seed, severity=severity, **wish) for seed in range(6)]
    return sum(int(np.count_nonzero(mask > 96)) for photo in photos for mask in photo.masks)


def test_severe_damage_is_larger_than_minor_damage() -> None:
    assert rusty_pixels("severe") > 4 * rusty_pixels("minor") > 0


def test_photos_are_sharp_unless_wished_otherwise() -> None:
    assert all(shot(seed).sharp for seed in range(8))
    blurred = [shot(seed, blurred=True) for seed in range(8)]
    assert not any(photo.sharp for photo in blurred)
    assert all(photo.blur_px > SHARP_LIMIT for photo in blurred)


@pytest.mark.parametrize(("width", "height"), [(240, 320), (641, 479), (1600, 1200)])
def test_photos_come_in_any_size(width: int, height: int) -> None:
    photo = render_photo(5, split="shift", width=width, height=height)
    assert photo.image.shape == (height, width, 3)


@pytest.mark.parametrize("split", ["train", "shift"])
def test_all_corners_of_a_photo_are_filled(split: str) -> None:
    for seed in range(6):
        photo = render_photo(seed, split=split, width=320, height=240)  # type: ignore[arg-type]
        assert photo.image[[0, 0, -1, -1], [0, -1, 0, -1]].std() < 200
        assert photo.image.dtype == np.uint8
