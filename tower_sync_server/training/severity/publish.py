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
from tower_sync_server.training.severity.calibrate import (
    find_temperature,
)
from tower_sync_server.training.severity.crops import SIDE, Crops
from tower_sync_server.training.severity.judge import judge

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.training.severity.network import SeverityNet


def export_classifier(network: SeverityNet, pictures: npt.NDArray[np.uint8], folder: Path) -> None:
    """Write model-fp32.onnx and the INT8 model.onnx, calibrated on `pictures` (N, S, S, 3)."""
    full = folder / "model-fp32.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter deprecates itself; the new one needs more
        torch.onnx.export(
            copy.deepcopy(network).eval(), (torch.zeros(1, 3, SIDE, SIDE),), str(full),
            dynamo=False, input_names=[INPUT], output_names=["logits"], opset_version=OPSET,
        )  # fmt: skip
    export_int8(full, pictures, folder / "model.onnx")


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
        labels=SEVERITIES, input=Input(SIDE, SIDE), output=Output(scores="logits"),
        provenance=Provenance("trained", identity.data_sha256, code_hash(), identity.seed,
                              identity.created),
        licence="Apache-2.0", requires={"onnxruntime": "1.22"}, description=identity.description,
    )  # fmt: skip
    judged = judge(folder / "model.onnx", bare, known)
    temperature = find_temperature(judged.logits, judged.severities)
    # No energy threshold: until strangers are trained against, energies don't tell them (CARD.md).
    calibrated = replace(bare, calibration=Calibration(round(temperature, 4)))
    golden = _golden(folder, calibrated, known)
    return write_manifest(folder, replace(calibrated, golden=golden))


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
