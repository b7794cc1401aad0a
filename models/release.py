"""A model's manifest, `model.toml`: what it is, what it takes and gives, where it comes from."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath

from models.case import SHA256
from models.jsonable import InvalidWordError, from_json, require

MANIFEST = "model.toml"


class Task(StrEnum):
    """What a model does."""

    DETECT = "detect"
    CLASSIFY = "classify"
    WRITE = "write"


class Format(StrEnum):
    """Which runner loads it."""

    ONNX = "onnx"
    TFLITE = "tflite"
    GGUF = "gguf"


class HeadLayout(StrEnum):
    """How a detector's output is laid out."""

    V5 = "v5"
    """[1, N, 5+C]: cx, cy, w, h, objectness, class scores; N boxes."""
    V8 = "v8"
    """[1, 4+C, N]: cx, cy, w, h, class scores (v8, v11)."""
    END_TO_END = "end2end"
    """[1, K, 6]: x1, y1, x2, y2, score, class; already without overlaps."""
    RAW = "raw"
    """Per stride S: `box_S` [1, 4, H, W] (l, t, r, b in strides), `cls_S` [1, C, H, W] (logits)."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of the model's folder."""

    path: str
    """Relative to the folder, with /; never outside it."""
    sha256: str
    """64 hex digits."""
    size: int
    """Bytes."""
    role: str = "weights"
    """`weights`, `data` (more of them, beside), `golden` or `card`."""

    def __post_init__(self) -> None:
        """Refuse paths that leave the folder."""
        parts = PurePosixPath(self.path).parts
        inside = bool(parts) and parts[0] != "/" and ".." not in parts and "\\" not in self.path
        require(inside, "path", "a path inside the model's folder", self.path)
        require(bool(SHA256.fullmatch(self.sha256)), "sha256", "64 hex digits", self.sha256)
        require(self.size >= 0, "size", "bytes", self.size)


@dataclass(frozen=True, slots=True)
class Input:
    """What the network's input tensor holds."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    layout: str = "NCHW"
    """NCHW (ONNX) or NHWC (TFLite)."""
    channels: str = "RGB"
    """RGB or BGR."""

    def __post_init__(self) -> None:
        """Refuse layouts nobody knows."""
        require(0 < self.width <= 4096 and 0 < self.height <= 4096, "width, height", "1..4096")
        require(self.layout in ("NCHW", "NHWC"), "layout", "NCHW or NHWC", self.layout)
        require(self.channels in ("RGB", "BGR"), "channels", "RGB or BGR", self.channels)


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a picture becomes the input tensor; `models.preprocess` does it."""

    version: int = 1
    """Of `models.preprocess`; vectors of different versions can't be compared."""
    fit: str = "letterbox"
    """`letterbox` (keep the aspect, pad) or `stretch`."""
    pad: int = 114
    """Grey level of the padding, 0..255."""
    scale: float = 1 / 255
    """Multiplied with the 0..255 values first."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Subtracted after `scale`, per channel."""
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Divided by last, per channel."""
    crop: str = "square"
    """What a classifier of crops is shown: `square` (the box fills it) or `scaled` (as large as the
    box is in the photo); `models.crops` has both."""

    def __post_init__(self) -> None:
        """Refuse what can't be computed."""
        require(self.crop in ("square", "scaled"), "crop", "square or scaled", self.crop)
        require(self.fit in ("letterbox", "stretch"), "fit", "letterbox or stretch", self.fit)
        require(0 <= self.pad <= 255, "pad", "0..255", self.pad)
        require(all(s > 0 for s in self.std), "std", "above 0", self.std)


@dataclass(frozen=True, slots=True)
class Output:
    """What a vision model gives."""

    head: HeadLayout | None = None
    """For detectors."""
    strides: tuple[int, ...] = ()
    """For raw heads."""
    normalised: bool = False
    """True: boxes are 0..1 of the input and not pixels (TFLite exports)."""
    scores: str = "probabilities"
    """`probabilities` or `logits`."""
    embedding: str = ""
    """Name of the output that holds an embedding, "" where there is none."""
    embedding_step: float = 0.0
    """Every number of that output is a multiple of this; 0: they are no whole multiples."""

    def __post_init__(self) -> None:
        """Refuse score kinds nobody knows, and steps that lead nowhere."""
        known = ("probabilities", "logits")
        require(self.scores in known, "scores", f"one of {known}", self.scores)
        step = self.embedding_step
        require(0 <= step < float("inf"), "embedding_step", "0 or above", step)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How raw scores become probabilities that mean what they say."""

    temperature: float = 1.0
    """Logits are divided by this."""
    temperature_per_label: Mapping[str, float] = field(default_factory=dict)
    """Label → its own temperature (detectors)."""
    energy_threshold: float | None = None
    """Energy score above which an input is out of domain."""
    conformal: Mapping[str, float] = field(default_factory=dict)
    """Label → probability from which the label belongs to the prediction set; empty: no sets."""
    coverage: float = 0.0
    """How often, 0..1, the set is to hold the truth; `conformal` was chosen for that."""

    def __post_init__(self) -> None:
        """A temperature is above absolute zero, and a probability is one."""
        require(self.temperature > 0, "temperature", "above 0", self.temperature)
        require(0 <= self.coverage < 1, "coverage", "0..1", self.coverage)
        ok = all(0 <= value <= 1 for value in self.conformal.values())
        require(ok, "conformal", "probabilities", dict(self.conformal))


@dataclass(frozen=True, slots=True)
class Golden:
    """One golden image and what must come out of it."""

    image: str
    """Path of the picture inside the folder."""
    expected: tuple[tuple[str, float, tuple[float, float, float, float]], ...] = ()
    """For a detector: label, confidence, box (upright pixels) of everything at least as sure as the
    least sure one; nothing: no detection is likelier than not. For a classifier box is 0,0,0,0."""
    box_tolerance: float = 4.0
    """Pixels."""
    confidence_tolerance: float = 0.08
    """Absolute."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where it comes from."""

    source: str = ""
    """`trained` by us, or `user` for somebody's own."""
    data_sha256: str = ""
    """Of the dataset's manifest."""
    code_sha256: str = ""
    """Of the training code."""
    seed: int | None = None
    """Of the run."""
    created: str = ""
    """ISO 8601 date."""


@dataclass(frozen=True, slots=True)
class ModelRelease:
    """One version of one model: the whole content of its `model.toml`."""

    id: str
    """Name in the zoo."""
    version: str
    """Semantic version."""
    task: Task
    """What it does."""
    format: Format
    """Which runner loads it."""
    files: tuple[File, ...]
    """Everything in the folder but the manifest; the first with role `weights` is loaded."""
    labels: tuple[str, ...] = ()
    """In the order of the network's classes."""
    input: Input | None = None
    """For vision models; None: read from the weights."""
    preprocess: Preprocess = field(default_factory=Preprocess)
    """How a picture becomes the input."""
    output: Output = field(default_factory=Output)
    """What comes out."""
    calibration: Calibration = field(default_factory=Calibration)
    """How scores become probabilities."""
    golden: tuple[Golden, ...] = ()
    """Tried before it serves."""
    provenance: Provenance = field(default_factory=Provenance)
    """Where it comes from."""
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Slice → figure → value, as measured."""
    licence: str = ""
    """SPDX."""
    requires: Mapping[str, str] = field(default_factory=dict)
    """Runtime → least version."""
    description: str = ""
    """One line."""

    def __post_init__(self) -> None:
        """Refuse a manifest that can't be loaded."""
        ok = bool(re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", self.id))
        require(ok, "id", "lower-case letters, digits, . _ -", self.id)
        ok = bool(re.fullmatch(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?", self.version))
        require(ok, "version", "a semantic version", self.version)
        require(any(f.role == "weights" for f in self.files), "files", "one with role weights")
        needs_labels = self.task is not Task.WRITE
        require(not needs_labels or bool(self.labels), "labels", "names, they are missing")
        unique = len(set(self.labels)) == len(self.labels)
        require(unique, "labels", "each name once", self.labels)

    @property
    def weights(self) -> File:
        """The file that the runner loads."""
        return next(f for f in self.files if f.role == "weights")

    @property
    def ref(self) -> str:
        """id@version, as cases carry it."""
        return f"{self.id}@{self.version}"


def read_manifest(folder: Path) -> ModelRelease:
    """Read `folder/model.toml`.

    Raises:
        InvalidWordError: there is none, or it is not a manifest.
    """
    path = folder / MANIFEST
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise InvalidWordError(f"{path}: {e}") from e
    return from_json(ModelRelease, data, str(path))


def sha256_of(path: Path) -> str:
    """Hash a file without holding it in memory: language models are larger than that."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_files(folder: Path, release: ModelRelease) -> None:
    """Hash every file that the manifest names.

    Raises:
        InvalidWordError: one is missing, of another size, or has other content.
    """
    for file in release.files:
        path = folder / file.path
        try:
            size = path.stat().st_size
            digest = sha256_of(path) if size == file.size else ""
        except OSError as e:
            raise InvalidWordError(f"{path}: {e}") from e
        require(size == file.size, str(path), f"{file.size} bytes", size)
        require(digest == file.sha256, str(path), f"SHA-256 {file.sha256}", digest)
