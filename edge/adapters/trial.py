"""Tries a model before it may serve: what looks on its golden images, what writes on facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.adapters.control_groups import NO_GROUPS
from edge.adapters.vision.process import COMMAND as LOOK
from edge.adapters.vision.trial import try_eyes
from edge.adapters.writer.process import COMMAND as WRITE
from edge.adapters.writer.trial import try_writer
from models.release import Task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.config import VisionSettings, WriterSettings
    from edge.library.library import Trial
    from edge.ports import ChildGroups
    from models.release import ModelRelease


def trial_with(
    vision: VisionSettings,
    writer: WriterSettings,
    budgets: Mapping[str, float] | None = None,
    groups: ChildGroups = NO_GROUPS,
) -> Trial:
    """Make the trial of a device with these settings.

    Args:
        vision: how it looks.
        writer: how it writes.
        budgets: id of a model → how long a photo may take; one inference alone must not be over it.
        groups: that its children are kept in.

    Returns:
        Takes a model's folder and manifest. Raises RefusedModelError where the model must not
        serve, and VisionFailedError where no worker starts.
    """

    def trial(folder: Path, release: ModelRelease) -> None:
        if release.task is Task.WRITE:
            try_writer(writer, folder, release, groups.inside("writer", WRITE))
        else:
            budget = (budgets or {}).get(release.id)
            try_eyes(vision, folder, release, budget, groups.inside("vision", LOOK))

    return trial
