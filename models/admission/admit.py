"""Whether a model may serve: looked at from the outside, loaded, then tried, in that order.

`RefusedModelError` says why not and what to do. A model that never ends or eats the memory is
stopped from outside, by the deadline and the limits of the process that tries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.admission.files import check_files, check_graph
from models.admission.limits import AdmissionLimits
from models.admission.trial import check_answers
from models.classifier import Classifier
from models.detector import Detector
from models.jsonable import InvalidWordError
from models.release import ModelRelease, Task, read_manifest
from models.runner import InferenceError, RefusedModelError
from models.runners import open_runner

__all__ = ["Admitted", "AdmissionLimits", "admit", "open_model"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A model that passed."""

    folder: Path
    """Where its files are."""
    release: ModelRelease
    """Its manifest."""
    model: Detector | Classifier | None
    """Loaded and tried; None for one that writes, which is loaded elsewhere."""

    def open(self, threads: int) -> Detector | Classifier:
        """Load it once more, with another number of threads.

        Raises:
            RefusedModelError: it can't be loaded any more.
        """
        return open_model(self.folder, self.release, threads)


def admit(
    folder: Path, release: ModelRelease | None = None, limits: AdmissionLimits | None = None
) -> Admitted:
    """Decide whether a model may serve.

    Args:
        folder: where its files are.
        release: its manifest; None reads `model.toml`.
        limits: what is taken; None: the defaults.

    Raises:
        RefusedModelError: it must not serve.
    """
    limits = limits or AdmissionLimits()
    try:
        release = release or read_manifest(folder)
        check_files(folder, release, limits)
        check_graph(folder, release, limits)
    except InvalidWordError as e:
        raise RefusedModelError(str(e), "Correct model.toml, or copy the model again.") from e
    if release.task is Task.WRITE:
        return Admitted(folder, release, None)
    model = open_model(folder, release, limits.threads)
    try:
        check_answers(folder, model)
    except InferenceError as e:
        model.runner.close()
        raise RefusedModelError(f"it fails on a picture: {e}", "Export it again.") from e
    except RefusedModelError:
        model.runner.close()
        raise
    return Admitted(folder, release, model)


def open_model(folder: Path, release: ModelRelease, threads: int = 1) -> Detector | Classifier:
    """Load a vision model that was admitted before.

    Raises:
        RefusedModelError: it can't be loaded, or doesn't fit its manifest.
    """
    runner = open_runner(folder, release, threads)
    try:
        if release.task is Task.DETECT:
            return Detector(runner, release)
        return Classifier(runner, release)
    except RefusedModelError:
        runner.close()
        raise
