"""Rendered photos are kept, found again, and lie on the canvas as on the device."""

from pathlib import Path

import numpy as np

from tower_sync_server.render.scene import render_photo
from tower_sync_server.training.cache import CacheSpec, letterboxed, open_cache, photo_size

SPEC = CacheSpec("train", 0, 6, size=96, longer_side=160)


def test_a_cache_is_rendered_once(tmp_path: Path) -> None:
    first = open_cache(tmp_path, SPEC, workers=1)
    written = (tmp_path / SPEC.name / "images.npy").stat().st_mtime_ns
    again = open_cache(tmp_path, SPEC, workers=1)
    assert (tmp_path / SPEC.name / "images.npy").stat().st_mtime_ns == written
    assert np.array_equal(first.images, again.images)
    assert len(again.truths) == SPEC.count


def test_the_cache_holds_what_was_rendered(tmp_path: Path) -> None:
    cache = open_cache(tmp_path, SPEC, workers=1)
    for seed, truth in enumerate(cache.truths):
        width, height = photo_size(seed, SPEC.longer_side)
        photo = render_photo(seed, split="train", width=width, height=height)
        canvas, boxes = letterboxed(photo, SPEC.size)
        assert np.array_equal(cache.images[seed], canvas)
        assert np.allclose(truth.boxes, boxes)


def test_boxes_on_the_canvas_stay_inside_it() -> None:
    photo = render_photo(4, split="train", width=120, height=160)
    _, boxes = letterboxed(photo, 96)
    assert boxes.min(initial=0.0) >= 0.0
    assert boxes.max(initial=0.0) <= 96.0
