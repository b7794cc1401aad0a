"""Puts what the settings say above what a profile says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import ConfigError
from models.jsonable import InvalidWordError

if TYPE_CHECKING:
    from edge.config import Settings
    from models.profile import Profile


def apply_overrides(profile: Profile, settings: Settings) -> Profile:
    """Give the profile with the thresholds of `[quality]` and `[decision]` where they are set.

    `quality.blur_threshold` also takes the place of the subject's own threshold: who sets one
    number means blur, wherever it is measured.

    Raises:
        ConfigError: the two together make no sense (a minimum above the maximum).
    """
    quality = settings.quality.model_dump(exclude_none=True)
    if "blur_threshold" in quality:
        quality["subject_blur_threshold"] = None
    decision = settings.decision.model_dump(exclude_none=True)
    try:
        return replace(
            profile,
            quality=replace(profile.quality, **quality),
            decision=replace(profile.decision, **decision),
        )
    except InvalidWordError as e:
        raise ConfigError(
            f"[quality], [decision] do not go with profile {profile.id}: {e}",
            "change them in the settings file or the environment",
        ) from e
