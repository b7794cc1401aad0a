"""Crops are shown as another place and camera would, and their size and surround stay."""

import numpy as np

from tower_sync_server.training.embedding.augment import elsewhere
from tower_sync_server.training.severity.augment import drawn
from tower_sync_server.training.severity.crops import RULES, SIDE


def crop() -> np.ndarray:
    """A crop of 64 x 40 pixels on grey, with something in it."""
    image = np.full((SIDE, SIDE, 3), RULES.pad, np.uint8)
    image[44:84, 32:96] = np.random.default_rng(3).integers(30, 90, (40, 64, 3), np.uint8)
    return image


def many(count: int = 200) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [elsewhere(rng, crop(), RULES.pad) for _ in range(count)]


def test_the_same_draws_make_the_same_crop() -> None:
    one, other = (elsewhere(np.random.default_rng(4), crop(), RULES.pad) for _ in range(2))
    assert (one == other).all()


def test_the_surround_stays_grey_and_the_size_stays_nearly_the_same() -> None:
    for image in many():
        assert image.shape == (SIDE, SIDE, 3)
        assert (image[:24] == RULES.pad).all()
        longer = max(drawn(image, RULES.pad).shape)
        assert 0.9 * 64 < longer < 1.1 * 64


def test_light_colour_and_camera_differ_from_crop_to_crop() -> None:
    means = np.asarray([drawn(one, RULES.pad).mean(axis=(0, 1)) for one in many()])
    assert means.mean(axis=1).std() > 10
    assert (means.max(axis=1) - means.min(axis=1)).std() > 2


def test_what_was_given_is_not_changed() -> None:
    given = crop()
    elsewhere(np.random.default_rng(1), given, RULES.pad)
    assert (given == crop()).all()
