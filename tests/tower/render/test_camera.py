"""The camera blurs, exposes and counts its blur as it says."""

from dataclasses import replace

import numpy as np
import pytest

from tower_sync_server.render.camera import Shot, expose

STILL = Shot(
    focus=0.0, motion=0.0, heading=0.0, exposure=0.0,
    balance=(1.0, 1.0, 1.0), noise=0.0, vignette=0.0, quality=0,
)  # fmt: skip


def edge() -> np.ndarray:
    scene = np.zeros((64, 64, 3), np.float32)
    scene[:, 32:] = 0.8
    return scene


def taken(**settings: float) -> np.ndarray:
    return expose(np.random.default_rng(0), edge(), replace(STILL, **settings)).astype(float)


def test_a_still_camera_keeps_an_edge() -> None:
    assert np.abs(np.diff(taken()[:, :, 0], axis=1)).max() > 150


@pytest.mark.parametrize("settings", [{"focus": 3.0}, {"motion": 12.0}])
def test_blur_softens_an_edge(settings: dict[str, float]) -> None:
    steepest = np.abs(np.diff(taken(**settings)[:, :, 0], axis=1)).max()
    assert steepest < 80


def test_motion_along_an_edge_leaves_it_sharp() -> None:
    assert np.abs(np.diff(taken(motion=12.0, heading=np.pi / 2)[:, :, 0], axis=1)).max() > 120


def test_more_exposure_is_brighter() -> None:
    assert taken(exposure=0.5).mean() > taken().mean() > taken(exposure=-2.0).mean()


def test_blur_is_stated_at_the_reference_size() -> None:
    assert replace(STILL, focus=4.0).blur_px(1280) == pytest.approx(2.0)
