"""Export, calibrate and publish the severity classifier; measure what was published."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from models.classifier import Classifier
from models.release import (
    Calibration,
    Format,
    Golden,
    Input,
    ModelRelease,
    Output,
    Provenance,
    Task,
)
from models.runner_onnx import OnnxRunner
from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.samples import decode_jpeg, encode_picture
from tower_sync_server.training.export import INPUT, OPSET, export_int8
from tower_sync_server.training.publish import Identity, code_hash, file_entry, write_manifest
from tower_sync_server.training.severity.augment import changed
from tower_sync_server.training.severity.calibrate import (
    energies,
    find_conformal,
    find_energy_threshold,
    find_temperature,
    shares_of,
)
from tower_sync_server.training.severity.crops import RULES, SIDE, Crops, joined
from tower_sync_server.training.severity.judge import judge

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from tower_sync_server.training.severity.judge import Judged

COVERAGE = 0.95
"""How often a prediction set is to hold the truth."""
FLAGGED = 0.02
"""Part of damage like that trained on that may be called out of domain."""

_FINE = ("stem", "stage4")
"""Parts of the small network that stay in fp32: a hairline is a contrast of few levels there. They
are a tenth of its work; in 8 bits they made nine tenths of what INT8 changed in the logits."""


def export_classifier(network: nn.Module, pictures: npt.NDArray[np.uint8], folder: Path) -> None:
    """Write model-fp32.onnx and the INT8 model.onnx, calibrated on `pictures` (N, S, S, 3)."""
    full = folder / "model-fp32.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter deprecates itself; the new one needs more
        torch.onnx.export(
            copy.deepcopy(network).eval(), (torch.zeros(1, 3, SIDE, SIDE),), str(full),
            dynamo=False, input_names=[INPUT], output_names=["logits"], opset_version=OPSET,
        )  # fmt: skip
    export_int8(full, pictures, folder / "model.onnx", _FINE)


def publish_classifier(folder: Path, identity: Identity, known: Crops) -> ModelRelease:
    """Calibrate the weights in `folder` on held-out crops and write the manifest.

    Args:
        folder: holds model.onnx.
        identity: what the release is called.
        known: held-out crops of damage.
    """
    bare = ModelRelease(
        id=identity.id, version=identity.version, task=Task.CLASSIFY, format=Format.ONNX,
        files=(file_entry(folder, "model.onnx", "weights"),),
        labels=SEVERITIES, input=Input(SIDE, SIDE), preprocess=RULES,
        output=Output(scores="logits"),
        provenance=Provenance("trained", identity.data_sha256, code_hash(), identity.seed,
                              identity.created),
        licence="Apache-2.0", requires={"onnxruntime": "1.22"}, description=identity.description,
    )  # fmt: skip
    judged = judge(folder / "model.onnx", bare, widened(known, identity.seed))
    calibrated = replace(bare, calibration=calibration_of(judged))
    golden = _golden(folder, calibrated, known)
    return write_manifest(folder, replace(calibrated, golden=golden))


def widened(crops: Crops, seed: int) -> Crops:
    """Return `crops`, then all of them disturbed once, then twice.

    What ships will meet other cars and cameras than it was trained on, and is less often right on
    them. Confidences that fit the training's own world alone would promise too much there.
    """
    once = disturbed(crops.images, seed)
    twice = disturbed(once, seed + 1)
    return joined([crops, replace(crops, images=once), replace(crops, images=twice)])


def disturbed(images: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    """Return crops (N, S, S, 3) in other colours, light and sharpness than the renderer has."""
    rng = np.random.default_rng(seed)
    return np.stack([changed(rng, image, RULES.pad) for image in images])


def calibration_of(judged: Judged) -> Calibration:
    """Find temperature and thresholds on what the shipped weights say of held-out damage."""
    temperature = round(find_temperature(judged.logits, judged.severities), 4)
    shares = shares_of(judged.logits, temperature)
    thresholds = find_conformal(shares, judged.severities, COVERAGE)
    strange = find_energy_threshold(energies(judged.logits, temperature), FLAGGED)
    return Calibration(
        temperature,
        energy_threshold=round(strange, 4),
        conformal={
            label: round(least, 4) for label, least in zip(SEVERITIES, thresholds, strict=True)
        },
        coverage=COVERAGE,
    )


def _golden(folder: Path, release: ModelRelease, known: Crops) -> tuple[Golden, ...]:
    """Keep one crop of each severity with what the weights say of it."""
    (folder / "golden").mkdir(exist_ok=True)
    classifier = Classifier(OnnxRunner(folder / "model.onnx"), release)
    golden = []
    for number, name in enumerate(SEVERITIES):
        crop = known.images[int(np.flatnonzero(known.severities == number)[0])]
        data = encode_picture(crop, 20_000)
        (folder / "golden" / f"{name}.jpg").write_bytes(data)
        said = classifier.classify(decode_jpeg(data))
        expected = ((said.label, round(said.confidence, 3), (0.0, 0.0, 0.0, 0.0)),)
        golden.append(Golden(f"golden/{name}.jpg", expected))
    return tuple(golden)
