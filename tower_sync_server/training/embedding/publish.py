"""Export the embedding with its numbers in whole steps, and put it into the zoo."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper

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
from tower_sync_server.render.samples import decode_jpeg, encode_picture
from tower_sync_server.training.embedding.loop import NAMES, shown
from tower_sync_server.training.embedding.network import DIMENSIONS
from tower_sync_server.training.export import INPUT, OPSET, export_int8, halve_weights
from tower_sync_server.training.publish import Identity, code_hash, file_entry, write_manifest
from tower_sync_server.training.severity.calibrate import find_temperature
from tower_sync_server.training.severity.crops import RULES, SIDE, Crops
from tower_sync_server.training.severity.judge import judge

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.training.embedding.network import EmbeddingNet

EMBEDDING = "embedding"
"""Name of the output."""
_GOLDEN = ("dent-moderate", "rust-severe", "scratch-minor")


def export_embedding(network: EmbeddingNet, pictures: npt.NDArray[np.uint8], folder: Path) -> float:
    """Write model-fp32.onnx and the INT8 model.onnx, calibrated on `pictures` (N, S, S, 3).

    The embedding is what the last layer of the quantised network reads, so it comes in whole
    multiples of that tensor's scale.

    Returns:
        That scale.
    """
    full = folder / "full.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter deprecates itself; the new one needs more
        torch.onnx.export(
            copy.deepcopy(network).eval(), (torch.zeros(1, 3, SIDE, SIDE),), str(full),
            dynamo=False, input_names=[INPUT], output_names=["logits"], opset_version=OPSET,
        )  # fmt: skip
    export_int8(full, pictures, folder / "model.onnx")
    halve_weights(full, folder / "model-fp32.onnx")
    full.unlink()
    give_embedding(folder / "model-fp32.onnx")
    return give_embedding(folder / "model.onnx")


def give_embedding(path: Path) -> float:
    """Make what the last layer of `path` reads an output as well.

    Returns:
        The scale of that tensor; 0 where it isn't quantised.
    """
    model = onnx.load(str(path))
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    read = makers["logits"].input[0]
    maker = makers[read]
    graph.node.append(onnx.helper.make_node("Identity", [read], [EMBEDDING], name=EMBEDDING))
    shape = [1, DIMENSIONS]
    graph.output.append(
        onnx.helper.make_tensor_value_info(EMBEDDING, onnx.TensorProto.FLOAT, shape)
    )
    onnx.save(model, str(path))
    if maker.op_type != "DequantizeLinear":
        return 0.0
    scale = next(one for one in graph.initializer if one.name == maker.input[1])
    return float(numpy_helper.to_array(scale))


def publish_embedding(folder: Path, identity: Identity, known: Crops, step: float) -> ModelRelease:
    """Write golden crops and the manifest next to the weights in `folder`.

    Args:
        folder: holds model.onnx.
        identity: what the release is called.
        known: held-out crops of damage.
        step: what `export_embedding` returned.
    """
    bare = ModelRelease(
        id=identity.id, version=identity.version, task=Task.CLASSIFY, format=Format.ONNX,
        files=(file_entry(folder, "model.onnx", "weights"),),
        labels=NAMES, input=Input(SIDE, SIDE), preprocess=RULES,
        output=Output(scores="logits", embedding=EMBEDDING, embedding_step=step),
        provenance=Provenance("trained", identity.data_sha256, code_hash(), identity.seed,
                              identity.created),
        licence="Apache-2.0", requires={"onnxruntime": "1.22"}, description=identity.description,
    )  # fmt: skip
    images, classes = shown(known)
    judged = judge(folder / "model.onnx", bare, replace(known, images=images, severities=classes))
    calibrated = replace(
        bare, calibration=Calibration(round(find_temperature(judged.logits, classes), 4))
    )
    golden = _golden(folder, calibrated, (images, classes))
    return write_manifest(folder, replace(calibrated, golden=golden))


def _golden(
    folder: Path, release: ModelRelease,
    known: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
) -> tuple[Golden, ...]:  # fmt: skip
    """Keep some crops with what the weights say of them."""
    (folder / "golden").mkdir(exist_ok=True)
    classifier = Classifier(OnnxRunner(folder / "model.onnx"), release)
    golden = []
    for name in _GOLDEN:
        place = int(np.flatnonzero(known[1] == NAMES.index(name))[0])
        data = encode_picture(known[0][place], 20_000)
        (folder / "golden" / f"{name}.jpg").write_bytes(data)
        said = classifier.classify(decode_jpeg(data))
        expected = ((said.label, round(said.confidence, 3), (0.0, 0.0, 0.0, 0.0)),)
        golden.append(Golden(f"golden/{name}.jpg", expected))
    return tuple(golden)
