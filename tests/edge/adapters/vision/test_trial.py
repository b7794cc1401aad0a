"""A model in its trial: it has the time of several photos, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.adapters.vision import start
from edge.adapters.vision.trial import try_eyes
from edge.config import VisionSettings
from models.runner import RefusedModelError
from tests.edge.adapters.vision.support import HOSTILE
from tests.fakes.tiny_models import raw, release_of


def test_a_step_of_a_start_has_a_minute_at_least() -> None:
    assert [start.step_s(photo) for photo in (0.1, 10, 30)] == [60, 60, 180]


def test_a_trial_may_take_longer_than_a_photo_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "STEP_S", 0.0)
    release = release_of(raw(tmp_path / "m.onnx"))
    settings = VisionSettings(deadline_s=1)
    try_eyes(settings, Path("sleep 2"), release, command=HOSTILE)
    with pytest.raises(RefusedModelError, match="no answer within 6 s"):
        try_eyes(settings, Path("loop"), release, command=HOSTILE)
