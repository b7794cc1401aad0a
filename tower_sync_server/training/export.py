"""From a trained network to ONNX files: fp32 as it is, INT8 calibrated on rendered photos."""

from __future__ import annotations

import copy
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from onnxruntime.quantization import (  # type: ignore[import-untyped]
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import (  # type: ignore[import-untyped]
    quant_pre_process,
)
from torch import Tensor, nn

from tower_sync_server.training.network import STRIDES, DetectorNet

if TYPE_CHECKING:
    from collections.abc import Iterator

OPSET = 17
"""Operator set of the files; ONNX Runtime 1.15 and later know it."""
INPUT = "image"
"""Name of the input: (1, 3, S, S) float32, RGB, 0..1."""


class _Flat(nn.Module):
    """The network with its outputs in one row: box_8, cls_8, box_16, …"""

    def __init__(self, network: nn.Module) -> None:
        """Wrap `network`."""
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return box and class maps in turn, finest first."""
        return [part for level in self.network(image) for part in level]


def export_fp32(network: DetectorNet, side: int, path: Path) -> None:
    """Write `network` for pictures of `side` x `side` pixels as ONNX, batch of one."""
    plain = copy.deepcopy(network).eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    names = [f"{kind}_{stride}" for stride in STRIDES for kind in ("box", "cls")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter deprecates itself; the new one needs more
        torch.onnx.export(
            _Flat(plain), (torch.zeros(1, 3, side, side),), str(path), dynamo=False,
            input_names=[INPUT], output_names=names, opset_version=OPSET,
        )  # fmt: skip


def export_int8(
    fp32: Path, pictures: npt.NDArray[np.uint8], path: Path, keep: tuple[str, ...] = ()
) -> None:
    """Quantise `fp32` to 8 bits: signed weights per channel, unsigned activations, QDQ form.

    Activations are unsigned because every one of them follows a ReLU, and because ONNX Runtime has
    no kernel for signed ones on x86: there the signed form ran slower than fp32 (docs/adr).

    Args:
        fp32: what `export_fp32` wrote.
        pictures: (N, S, S, 3) canvases that show what activations to expect; 100 are plenty.
        path: where the result goes.
        keep: names of parts of the network that go on computing in 32 bits.
    """
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        quant_pre_process(str(fp32), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(path), _Reader(pictures),
            quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
nodes_to_exclude=_last_convolutions(prepared) + _nodes_of(prepared, keep),
        )  # fmt: skip


def _pack(path: Path) -> None:
    """Store every constant of the file as raw bytes: smaller, and quicker to check."""
    model = onnx.load(str(path))
    for weight in model.graph.initializer:
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight), weight.name))
    onnx.save(model, str(path))


def _last_convolutions(path: Path) -> list[str]:
    """Name what computes the outputs, from the last weights on: it stays in fp32, which costs 2 %.

    A logit has no ReLU above it, and its rare high values are the ones that matter.
    """
    graph = onnx.load(str(path)).graph
    makers = {name: node for node in graph.node for name in node.output}
    names = []
    for output in graph.output:
        node = makers.get(output.name)
        while node is not None:
            names.append(node.name)
            weighted = node.op_type in ("Conv", "Gemm", "MatMul")
            node = None if weighted else makers.get(node.input[0])
    return names


def _nodes_of(path: Path, parts: tuple[str, ...]) -> list[str]:
    """Name the nodes of these parts; the exporter puts the part's name into each node's path."""
    nodes = onnx.load(str(path)).graph.node
    return [node.name for node in nodes if set(parts).intersection(node.name.split("/"))]


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands the calibration pictures out one by one."""

    def __init__(self, pictures: npt.NDArray[np.uint8]) -> None:
        """Start with the first of `pictures`."""
        self._feeds = _feeds(pictures)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """Return the next picture, None after the last."""
        return next(self._feeds, None)


def _feeds(
    pictures: npt.NDArray[np.uint8],
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Turn canvases into input tensors."""
    for picture in pictures:
        tensor = np.asarray(picture).transpose(2, 0, 1)[None].astype(np.float32) / 255.0
        yield {INPUT: np.ascontiguousarray(tensor)}


def halve_weights(fp32: Path, path: Path) -> None:
    """Store the weights of `fp32` in 16 bits and compute in 32 all the same: half the size."""
    model = onnx.load(str(fp32))
    casts, kept = [], []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 256:
            kept.append(weight)
            continue
        short = weight.name + "_16"
        kept.append(numpy_helper.from_array(values.astype(np.float16), short))
        to = onnx.TensorProto.FLOAT
        casts.append(onnx.helper.make_node("Cast", [short], [weight.name], to=to))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(path))
