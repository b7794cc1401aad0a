"""The settings' thresholds above the profile's."""

from __future__ import annotations

import pytest

from edge.config import DecisionSettings, QualitySettings, Settings
from edge.errors import ConfigError
from edge.overrides import apply_overrides
from models.profile import DetectorUse, Profile, QualityRules

PROFILE = Profile(
    id="test",
    title="Test",
    quality=QualityRules(blur_threshold=10, subject_blur_threshold=20, min_brightness=0.1),
    detector=DetectorUse(model="some"),
)


def test_without_overrides_the_profile_stays_as_it_is() -> None:
    assert apply_overrides(PROFILE, Settings()) == PROFILE


def test_the_blur_threshold_counts_for_the_subject_too() -> None:
    settings = Settings(quality=QualitySettings(blur_threshold=55))
    quality = apply_overrides(PROFILE, settings).quality
    assert (quality.blur_threshold, quality.subject_blur_threshold) == (55, None)


def test_zero_is_an_override_and_not_an_absence() -> None:
    settings = Settings(
        quality=QualitySettings(blur_threshold=0), decision=DecisionSettings(conf_threshold=0)
    )
    changed = apply_overrides(PROFILE, settings)
    assert (changed.quality.blur_threshold, changed.decision.conf_threshold) == (0, 0)


def test_every_override_reaches_the_profile() -> None:
    quality = QualitySettings(blur_threshold=1, min_brightness=0.2, max_brightness=0.8, min_side=9)
    changed = apply_overrides(PROFILE, Settings(quality=quality)).quality
    for name, value in quality.model_dump().items():
        assert getattr(changed, name) == value


def test_overrides_that_make_no_sense_are_the_operators_error() -> None:
    settings = Settings(quality=QualitySettings(min_brightness=0.95))
    with pytest.raises(ConfigError, match="profile test"):
        apply_overrides(PROFILE, settings)
