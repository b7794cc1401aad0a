"""From a picture, or a crop of one, to a class: calibrated, with a score for what is unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.calibration import logsumexp, softmax
from models.network_input import input_of
from models.preprocess import Image, to_tensor
from models.release import Task
from models.runner import InferenceError, RefusedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.release import ModelRelease
    from models.runner import Runner, TensorSpec

_LEAST = 1e-12  # a probability of nothing has no logarithm


@dataclass(frozen=True, slots=True)
class Classified:
    """What the classifier said of one picture."""

    label: str
    """The likeliest; the first of those that are equally likely."""
    confidence: float
    """Its calibrated probability, 0..1."""
    probabilities: tuple[float, ...]
    """Of every label, in the model's order; they add up to 1."""
    energy: float
    """-T x logsumexp(logits / T), after Liu et al. 2020, "Energy-based Out-of-distribution
    Detection": the higher, the less like anything the model learned. A model that gives
    probabilities has lost what this needs: then it is 0 at T = 1 and says nothing."""
    embedding: NDArray[np.float32] | None = None
    """The model's embedding output, flat, as it came; None where it has none."""


class Classifier:
    """A loaded classifier. Not thread-safe: one caller at a time."""

    def __init__(self, runner: Runner, release: ModelRelease) -> None:
        """Match the network with its manifest.

        Raises:
            RefusedModelError: they don't fit each other.
        """
        if release.task is not Task.CLASSIFY:
            raise RefusedModelError(f"{release.ref} doesn't classify: its task is {release.task}")
        self.release = release
        self.runner = runner
        self.input = input_of(runner, release)
        self.output = scores_output(runner.outputs, len(release.labels), release.output.embedding)
        self._logits = release.output.scores == "logits"

    def classify(self, image: Image) -> Classified:
        """Classify a picture, or a square from `models.crops.crop`.

        Args:
            image: H x W x 3 uint8 RGB, upright.

        Raises:
            InferenceError: the scores aren't finite.
        """
        tensor, _ = to_tensor(image, self.input, self.release.preprocess)
        outputs = self.runner.run(tensor)
        scores = outputs[self.output].reshape(-1).astype(np.float64)
        if not np.isfinite(scores).all():
            raise InferenceError(f"{self.release.ref} gave scores that are no numbers")
        temperature = self.release.calibration.temperature
        logits = scores if self._logits else np.log(np.maximum(scores, _LEAST))
        probabilities = softmax(logits / temperature)
        best = int(probabilities.argmax())
        embedding = outputs.get(self.release.output.embedding)
        return Classified(
            label=self.release.labels[best],
            confidence=float(probabilities[best]),
            probabilities=tuple(probabilities.tolist()),
            energy=-temperature * logsumexp(logits / temperature),
            embedding=None if embedding is None else embedding.reshape(-1),
        )

    def out_of_domain(self, said: Classified, threshold: float | None = None) -> bool:
        """True where the energy is above `threshold`, or the model's own where that is None.

        Without any threshold nothing is out of domain.
        """
        own = self.release.calibration.energy_threshold
        limit = own if threshold is None else threshold
        return limit is not None and said.energy > limit

    def possible(self, said: Classified) -> tuple[str, ...] | None:
        """Labels that can't be ruled out: the conformal prediction set, likeliest first.

        A label belongs to it from its own probability on (Mondrian conformal prediction, Vovk et
        al. 2005), so that the set holds the truth as often as the manifest's `coverage` says, for
        each label. It may be empty: then nothing fits well enough.

        Returns:
            None where the manifest has no threshold for every label.
        """
        least = self.release.calibration.conformal
        if any(label not in least for label in self.release.labels):
            return None
        both = sorted(zip(said.probabilities, self.release.labels, strict=True), key=_falling)
        return tuple(label for probability, label in both if probability >= least[label])


def _falling(one: tuple[float, str]) -> float:
    return -one[0]


def scores_output(outputs: Sequence[TensorSpec], classes: int, embedding: str = "") -> str:
    """The name of the output that holds one score a label.

    Args:
        outputs: what the file declares.
        classes: how many labels there are.
        embedding: name of the output that holds an embedding, "" where there is none.

    Raises:
        RefusedModelError: there is none, or more than one, or the embedding is missing.
    """
    if embedding and embedding not in {spec.name for spec in outputs}:
        raise RefusedModelError(
            f"there is no output {embedding!r} for the embedding",
            "Correct [output] embedding in model.toml.",
        )
    fits = [s for s in outputs if s.name != embedding and _size(s) in (classes, None)]
    exact = [s for s in fits if _size(s) == classes]
    if len(exact or fits) != 1:
        shapes = ", ".join(f"{s.name} {list(s.shape)}" for s in outputs)
        raise RefusedModelError(
            f"{classes} labels, and the outputs are {shapes}",
            "Compare the number of labels with what the network was trained on.",
        )
    return (exact or fits)[0].name


def _size(spec: TensorSpec) -> int | None:
    """Numbers of one answer; None where the file doesn't say."""
    size = 1
    for dimension in spec.shape[1:]:
        if dimension is None:
            return None
        size *= dimension
    return size
