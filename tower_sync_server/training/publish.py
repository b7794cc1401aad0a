"""Put a trained network into the zoo: weights, golden photos, manifest, card."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models import manifest_writer
from models.detector import Detector
from models.release import (
    MANIFEST,
    Calibration,
    File,
    Format,
    Golden,
    HeadLayout,
    Input,
    ModelRelease,
    Output,
    Provenance,
    Task,
    read_manifest,
)
from models.runner_onnx import OnnxRunner
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.samples import decode_jpeg, encode_picture
from tower_sync_server.render.scene import Wish, render_photo
from tower_sync_server.training.network import STRIDES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.detection import Box
    from models.preprocess import Image
    from tower_sync_server.evaluate import Figure

_GOLDEN = {
    "dent": (71, Wish(kinds=("dent",), damaged=True)),
    "rust": (72, Wish(kinds=("rust", "crack"), damaged=True)),
    "nothing": (73, Wish(damaged=False)),
}
"""Golden photos: name → seed of the `plain` split and what it shows."""
_GOLDEN_KEEP, _GOLDEN_OVERLAP = 0.5, 0.5


@dataclass(frozen=True, slots=True)
class Identity:
    """What a release is called and where it comes from."""

    id: str
    """Name in the zoo."""
    version: str
    """Semantic version."""
    seed: int
    """Of the run."""
    data_sha256: str
    """Of the training photos."""
    created: str
    """ISO 8601 date."""
    description: str
    """One line."""
    labels: tuple[str, ...] = LABELS
    """In the order of the network's classes."""


def publish(
    folder: Path, identity: Identity, side: int, golden: Mapping[str, bytes] | None = None
) -> ModelRelease:
    """Write golden photos and the manifest next to the weights that already lie in `folder`.

    Args:
        folder: holds model.onnx and perhaps model-fp32.onnx.
        identity: what the release is called.
        side: of the network's input in pixels.
        golden: JPEG files by their names; None: rendered ones.
    """
    (folder / "golden").mkdir(exist_ok=True)
    for name, data in (_rendered_golden() if golden is None else golden).items():
        (folder / "golden" / name).write_bytes(data)
    bare = ModelRelease(
        id=identity.id,
        version=identity.version,
        task=Task.DETECT,
        format=Format.ONNX,
        files=(file_entry(folder, "model.onnx", "weights"),),
        labels=identity.labels,
        input=Input(side, side),
        output=Output(HeadLayout.RAW, STRIDES, scores="logits"),
        provenance=Provenance(
            "trained", identity.data_sha256, code_hash(), identity.seed, identity.created
        ),
        licence="Apache-2.0",
        requires={"onnxruntime": "1.22"},
        description=identity.description,
    )
    release = replace(bare, golden=_golden(folder, bare))
    return write_manifest(folder, release)


def publish_calibrated(folder: Path, calibration: Calibration) -> ModelRelease:
    """Put a calibration into the manifest in `folder`, with golden photos as it shows them."""
    release = replace(read_manifest(folder), calibration=calibration)
    return write_manifest(folder, replace(release, golden=_golden(folder, release)))


def write_manifest(folder: Path, release: ModelRelease) -> ModelRelease:
    """List the files that are in `folder` and write model.toml; return what it says."""
    entries = [file_entry(folder, "model.onnx", "weights")]
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (MANIFEST, "model.onnx"):
            role = {".onnx": "reference", ".md": "card"}.get(path.suffix, "golden")
            entries.append(file_entry(folder, name, role))
    complete = replace(release, files=tuple(entries))
    manifest_writer.write_manifest(folder, complete)
    return complete


def file_entry(folder: Path, name: str, role: str) -> File:
    """Describe the file `name` in `folder`."""
    content = (folder / name).read_bytes()
    return File(name, hashlib.sha256(content).hexdigest(), len(content), role)


def _rendered_golden() -> dict[str, bytes]:
    """Render the golden photos; JPEG files by their names."""
    drawn = {
        name: render_photo(seed, split="plain", width=640, height=480, wish=wish)
        for name, (seed, wish) in _GOLDEN.items()
    }
    return {f"{name}.jpg": encode_picture(photo.image, 60_000) for name, photo in drawn.items()}


def _golden(folder: Path, release: ModelRelease) -> tuple[Golden, ...]:
    """Note what the shipped weights find on the golden photos in `folder`."""
    detector = Detector(OnnxRunner(folder / "model.onnx"), release)
    return tuple(
        Golden(f"golden/{path.name}", expected_of(detector, decode_jpeg(path.read_bytes())))
        for path in sorted((folder / "golden").iterdir())
    )


def expected_of(detector: Detector, image: Image) -> tuple[tuple[str, float, Box], ...]:
    """Return what `detector` is sure of on `image`, rounded for people to read."""
    found = detector.detect(image, _GOLDEN_KEEP, _GOLDEN_OVERLAP, 50)
    rounded: list[tuple[str, float, Box]] = []
    for one in found:
        x1, y1, x2, y2 = (round(value, 1) for value in one.box)
        rounded.append((one.label, round(one.confidence, 3), (x1, y1, x2, y2)))
    return tuple(rounded)


def figures_by_slice(figures: Sequence[Figure]) -> Mapping[str, Mapping[str, float]]:
    """Arrange figures as a manifest holds them: slice (INT8) or slice-fp32 → name → value."""
    table: dict[str, dict[str, float]] = {}
    for one in figures:
        key = one.slice if one.precision == "int8" else f"{one.slice}-{one.precision}"
        table.setdefault(key, {})[one.name] = round(one.value, 4)
    return table


def code_hash() -> str:
    """Return the SHA-256 over the renderer's and the training's source files."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for part in ("render", "training"):
        for path in sorted((root / part).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def data_hash(folder: Path) -> str:
    """Return the SHA-256 over a cache of rendered photos, its pictures sampled every hundredth."""
    digest = hashlib.sha256((folder / "truth.npz").read_bytes())
    images = np.load(folder / "images.npy", mmap_mode="r")
    digest.update(np.ascontiguousarray(images[::100]).tobytes())
    return digest.hexdigest()
