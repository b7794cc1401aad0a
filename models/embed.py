"""Vectors of pictures that can be compared, and that say what made them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.crops import crop
from models.jsonable import require

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.classifier import Classified, Classifier
    from models.detection import Box
    from models.preprocess import Image
    from models.release import ModelRelease

_STEPS = 127
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Embedding:
    """A direction: only vectors of one model and one way of preparing pictures can be compared."""

    vector: tuple[float, ...]
    """Of length 1."""
    model_version: str
    """id@version of the model that made it."""
    preprocess_version: int
    """Of `models.preprocess` and `models.crops`."""

    def __post_init__(self) -> None:
        """Refuse what has no direction, and what doesn't say where it comes from."""
        length = float(np.linalg.norm(np.array(self.vector)))
        require(bool(self.vector), "vector", "at least one number")
        require(abs(length - 1) < 1e-3, "vector", "length 1", length)
        require("@" in self.model_version, "model_version", "id@version", self.model_version)
        require(self.preprocess_version >= 1, "preprocess_version", "at least 1")

    def to_bytes(self) -> bytes:
        """The vector as int8, each number x 127, rounded half to even: D bytes."""
        whole = np.rint(np.array(self.vector, np.float64) * _STEPS)
        return np.clip(whole, -_STEPS, _STEPS).astype(np.int8).tobytes()

    def comparable(self, other: Embedding) -> bool:
        """True where both were made by the same model from pictures prepared the same way."""
        mine = (self.model_version, self.preprocess_version, len(self.vector))
        return mine == (other.model_version, other.preprocess_version, len(other.vector))


def normalised(vector: NDArray[np.floating], step: float = 0.0) -> NDArray[np.float32]:
    """Divide by the Euclidean length, computed in float64.

    With a step, the numbers are first turned into the whole ones that the network meant. Squares
    of those add up exactly in any order, so the result is the same wherever it is computed, and
    a last bit that one machine's arithmetic has other than another's does not matter.

    Args:
        vector: any shape.
        step: what every number is a multiple of; 0: take them as they are.

    Returns:
        Flat, of length 1.

    Raises:
        InvalidWordError: the length is 0 or no number.
    """
    wide = np.asarray(vector, np.float64).reshape(-1)
    if step:
        wide = np.rint(wide / step)
    length = float(np.sqrt(np.sum(wide * wide)))
    require(np.isfinite(length) and length > _LEAST, "vector", "a length above 0", length)
    return np.asarray(wide / length, np.float32)


def embedding_of(said: Classified, release: ModelRelease) -> Embedding | None:
    """The embedding of what was classified; None where the model gives none."""
    if said.embedding is None:
        return None
    vector = normalised(said.embedding, release.output.embedding_step)
    return Embedding(tuple(vector.tolist()), release.ref, release.preprocess.version)


def embed(classifier: Classifier, image: Image, box: Box, margin: float) -> Embedding | None:
    """Embed a box of a picture: the one way to do it, on the device, in training and in search.

    Args:
        classifier: the model.
        image: H x W x 3 uint8 RGB, upright.
        box: x1, y1, x2, y2 in pixels of `image`.
        margin: see `models.crops.expand`.
    """
    side = max(classifier.input.width, classifier.input.height)
    cut = crop(image, box, margin, side, classifier.release.preprocess)
    return embedding_of(classifier.classify(cut), classifier.release)


def from_bytes(data: bytes) -> NDArray[np.float32]:
    """The vector that `Embedding.to_bytes` wrote, of length 1 again; D float32.

    Raises:
        InvalidWordError: it has no direction.
    """
    return normalised(np.frombuffer(data, np.int8))
