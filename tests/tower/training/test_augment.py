"""Boxes stay on what they mark, whatever is done to the picture."""

import numpy as np
import pytest

from tower_sync_server.training.augment import Strength, augment

STRONG = Strength(zoom=(0.6, 1.4), shift=0.15, colour=0.0)


def marked(box: tuple[int, int, int, int]) -> np.ndarray:
    image = np.zeros((160, 160, 3), np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 255
    return image


@pytest.mark.parametrize("seed", range(10))
def test_a_box_follows_its_pixels(seed: int) -> None:
    box = (60, 70, 100, 95)
    boxes = np.asarray([box], np.float32)
    rng = np.random.default_rng(seed)
    picture, moved, kept = augment(rng, marked(box), boxes, (128, STRONG))
    assert kept.all()
    rows, columns = np.nonzero(picture[:, :, 0] == 255)
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(moved[0] - seen).max() <= 2.0


def test_a_box_that_is_mostly_cut_off_is_not_learned() -> None:
    boxes = np.asarray([[0, 0, 20, 20]], np.float32)
    closer = Strength(zoom=(1.8, 1.8), shift=0.0, colour=0.0)
    _, _, kept = augment(np.random.default_rng(0), marked((0, 0, 20, 20)), boxes, (160, closer))
    assert not kept.any()


def test_a_photo_without_boxes_stays_one() -> None:
    none = np.zeros((0, 4), np.float32)
    _, moved, kept = augment(np.random.default_rng(0), marked((1, 1, 9, 9)), none, (128, STRONG))
    assert moved.shape == (0, 4)
    assert kept.shape == (0,)


def test_colours_change_only_when_asked_to() -> None:
    boxes = np.zeros((0, 4), np.float32)
    still = Strength(zoom=(1.0, 1.0), shift=0.0, colour=0.0)
    image = np.full((160, 160, 3), 77, np.uint8)
    same, _, _ = augment(np.random.default_rng(0), image, boxes, (160, still))
    assert (same == 77).all()
    other = Strength(zoom=(1.0, 1.0), shift=0.0, colour=0.5)
    changed, _, _ = augment(np.random.default_rng(0), image, boxes, (160, other))
    assert not (changed == 77).all()
