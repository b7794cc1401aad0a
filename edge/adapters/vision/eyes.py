"""What the vision worker looks with: models that passed their trial, and the profiles over them.

The only place of the worker that knows both; imported after it was locked in.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.adapters.vision.messages import Ready
from edge.drawing import draw, to_jpeg
from edge.errors import BadImageError, ImageTooLargeError, UnknownProfileError
from edge.inspection import Look, inspect
from edge.library.measure import Measurement, measure_model, settings_to_try
from edge.ports import ModelInUse
from models.admission.admit import AdmissionLimits, Admitted, admit
from models.classifier import Classifier
from models.detector import Detector
from models.image import (
    ImageFileError,
    Limits,
    TooLargeImageError,
    decode,
    read_header,
)
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from edge.adapters.vision.messages import Start
    from edge.ports import Inspection, Photo
    from models.detection import Prediction
    from models.profile import Profile

ANNOTATED_SIDE = 1600
"""Pixels of the longer side of a drawing, at most."""

Model = Detector | Classifier


class ModelEyes:
    """Implements `worker.Eyes`."""

    def __init__(self, looks: Mapping[str, Look], limits: Limits, aside: Executor) -> None:
        """Keep what each profile looks with; `aside` is what `inspect` takes."""
        self._looks = looks
        self._limits = limits
        self._aside = aside
        self._libc = ctypes.CDLL(None)

    def inspect(self, photo: bytes, profile: str) -> tuple[Inspection, Photo]:
        """Look at one photo; see `edge.inspection.inspect`."""
        look = self._looks.get(profile)
        if look is None:
            raise UnknownProfileError(
                f"There is no profile {profile!r}.", f"Known are: {', '.join(sorted(self._looks))}."
            )
        try:
            return inspect(photo, look, self._limits, self._aside)
        except ImageFileError as e:
            raise _refusal(e) from e
        except cv2.error as e:
            raise _out_of_memory(e) from e

    def annotate(self, photo: bytes, predictions: tuple[Prediction, ...]) -> bytes:
        """Draw what is shown onto a photo of at most 1600 pixels; JPEG."""
        try:
            decoded = decode(photo, read_header(photo, self._limits), ANNOTATED_SIDE)
        except ImageFileError as e:
            raise _refusal(e) from e
        except cv2.error as e:
            raise _out_of_memory(e) from e
        image, factor = decoded.image, decoded.factor
        longest = max(image.shape[:2])
        if longest > ANNOTATED_SIDE:
            scale = ANNOTATED_SIDE / longest
            size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
            factor *= scale
        return to_jpeg(draw(image, predictions, factor))

    def rest(self) -> None:
        """Give the memory of the last photos back to the system."""
        self._libc.malloc_trim(0)


def open_eyes(start: Start, trying: Callable[[str], None]) -> tuple[ModelEyes, Ready]:
    """Try the models, measure the new ones, and put the profiles over them.

    Args:
        start: what the daemon said.
        trying: called with the id of each model before it is loaded.
    """
    cv2.setNumThreads(1)
    tried = _Trial(start)
    for model_id, folder in start.models.items():
        if model_id in start.skip:
            tried.refused[model_id] = start.skip[model_id]
            continue
        trying(model_id)
        tried.take(model_id, Path(folder))
    looks = {p.id: look_of(p, tried.models) for p in start.profiles}
    limits = Limits(max_megapixels=start.max_megapixels, max_bytes=start.max_bytes)
    gc.collect()
    gc.freeze()  # what is here now stays until the end, and need not be looked through again
    eyes = ModelEyes(looks, limits, ThreadPoolExecutor(1, "aside"))
    return eyes, Ready(tried.in_use(start.profiles), tried.refused, tried.measured)


def look_of(profile: Profile, models: Mapping[str, Model]) -> Look:
    """Put together what a profile looks with from the models that serve."""
    detector = models.get(profile.detector.model) if profile.detector else None
    classifier = models.get(profile.classifier.model) if profile.classifier else None
    found = {
        use.model
        for use, model, kind in (
            (profile.detector, detector, Detector),
            (profile.classifier, classifier, Classifier),
        )
        if use is not None and isinstance(model, kind)
    }
    return Look(
        profile,
        detector if isinstance(detector, Detector) else None,
        classifier if isinstance(classifier, Classifier) else None,
        tuple(model for model in profile.model_ids if model not in found),
    )


class _Trial:
    """Takes models one after the other, and remembers what became of them."""

    def __init__(self, start: Start) -> None:
        self.models: dict[str, Model] = {}
        self.refused: dict[str, str] = {}
        self.measured: dict[str, Measurement] = {}
        self._threads = start.threads
        self._known = start.measured
        self._limits = AdmissionLimits(max_bytes=round(start.max_model_mb * 1e6))

    def take(self, model_id: str, folder: Path) -> None:
        """Let a model serve, or note why not."""
        try:
            admitted = admit(folder, limits=self._limits)
        except RefusedModelError as e:
            self.refused[_ref(model_id, folder)] = f"{e}. {e.hint}" if e.hint else str(e)
            return
        model = admitted.model
        if model is None:
            self.refused[admitted.release.ref] = "it writes and does not look"
            return
        try:
            self.models[model_id] = self._tuned(admitted, model)
        except RefusedModelError as e:
            self.refused[admitted.release.ref] = str(e)

    def in_use(self, profiles: tuple[Profile, ...]) -> tuple[ModelInUse, ...]:
        """What serves, for the status: one entry for each profile and role."""
        return tuple(
            self._in_use(role, profile.id, self.models[use.model])
            for profile in profiles
            for role, use in (("detector", profile.detector), ("classifier", profile.classifier))
            if use is not None and use.model in self.models
        )

    def _in_use(self, role: str, profile: str, model: Model) -> ModelInUse:
        measured = self.measured[self._fingerprint(model)]
        return ModelInUse(
            role=role,
            profile=profile,
            ref=model.release.ref,
            backend=measured.backend,
            threads=measured.threads,
            median_ms=measured.median_ms,
            p95_ms=measured.p95_ms,
        )

    def _tuned(self, admitted: Admitted, model: Model) -> Model:
        """The same model with the number of threads that is the fastest here."""
        fingerprint = self._fingerprint(model)
        measured = self._known.get(fingerprint) or _measure(admitted, self._threads)
        self.measured[fingerprint] = measured
        if measured.threads == self._limits.threads:
            return model
        model.runner.close()
        return admitted.open(measured.threads)

    def _fingerprint(self, model: Model) -> str:
        weights = model.release.weights.sha256[:16]
        return f"{model.release.ref} {weights} {model.runner.backend} {_machine()} {self._threads}"


def _measure(admitted: Admitted, threads: int) -> Measurement:
    def opened(n: int) -> tuple[Callable[[], object], Callable[[], None], str]:
        model = admitted.open(n)
        spec = model.input
        sides = (
            (3, spec.height, spec.width) if spec.layout == "NCHW" else (spec.height, spec.width, 3)
        )
        tensor = np.random.default_rng(0).random((1, *sides), dtype=np.float32)
        return lambda: model.runner.run(tensor), model.runner.close, model.runner.backend

    return measure_model(opened, settings_to_try(threads))


def _machine() -> str:
    """Enough of this machine to notice that the card moved to another one."""
    cores = len(os.sched_getaffinity(0))
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(("model name", "Model", "CPU part")):
            model = line.partition(":")[2].strip()
    return f"{platform.machine()} {model} x{cores}"


def _ref(model_id: str, folder: Path) -> str:
    """id@version where the manifest can be read, and the id alone where that is the trouble."""
    from models.jsonable import InvalidWordError
    from models.release import read_manifest

    try:
        return read_manifest(folder).ref
    except InvalidWordError:
        return model_id


def _refusal(e: ImageFileError) -> BadImageError | ImageTooLargeError:
    kind = ImageTooLargeError if isinstance(e, TooLargeImageError) else BadImageError
    return kind(e.message, e.hint)


def _out_of_memory(e: cv2.error) -> Exception:
    """OpenCV has its own word for it; everything else it says stays as it is."""
    return MemoryError(str(e)) if e.code == cv2.Error.StsNoMem else e
