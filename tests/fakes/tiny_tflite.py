"""Tiny TFLite networks, written with FlatBuffers directly: no TensorFlow is needed.

They answer what `tiny_models` answer: a cell that is purely red or blue has the logit 6.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl

from tests.fakes.tiny_models import SIZE, STRIDE

if TYPE_CHECKING:
    from pathlib import Path

CELLS = (SIZE // STRIDE) ** 2
_TYPES = {
    np.dtype(np.float32): tfl.TensorType.FLOAT32,
    np.dtype(np.int8): tfl.TensorType.INT8,
    np.dtype(np.uint8): tfl.TensorType.UINT8,
    np.dtype(np.int32): tfl.TensorType.INT32,
}
Scale = tuple[float, int]
"""Scale and zero point of a tensor of whole numbers."""


@dataclass
class Graph:
    """Collects the tensors and operators of one TFLite file."""

    tensors: list[tfl.TensorT] = field(default_factory=list)
    buffers: list[tfl.BufferT] = field(default_factory=lambda: [tfl.BufferT()])
    codes: list[tfl.OperatorCodeT] = field(default_factory=list)
    operators: list[tfl.OperatorT] = field(default_factory=list)

    def tensor(
        self,
        name: str,
        shape: list[int],
        dtype: type = np.float32,
        scale: Scale | None = None,
        dynamic: list[int] | None = None,
    ) -> int:
        made = tfl.TensorT()
        made.name, made.shape = name.encode(), shape
        made.type = _TYPES[np.dtype(dtype)]
        made.shapeSignature = dynamic
        made.buffer = 0
        if scale is not None:
            made.quantization = tfl.QuantizationParametersT()
            made.quantization.scale, made.quantization.zeroPoint = [scale[0]], [scale[1]]
        self.tensors.append(made)
        return len(self.tensors) - 1

    def constant(self, name: str, values: np.ndarray) -> int:
        buffer = tfl.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.buffers.append(buffer)
        index = self.tensor(name, list(values.shape), values.dtype.type)
        self.tensors[index].buffer = len(self.buffers) - 1
        return index

    def operator(
        self,
        code: int,
        inputs: list[int],
        output: int,
        kind: int = 0,
        options: object = None,
        custom: str = "",
    ) -> int:
        made = tfl.OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode = code, min(code, 127)
        made.customCode = custom.encode() or None
        made.version = 1
        self.codes.append(made)
        node = tfl.OperatorT()
        node.opcodeIndex = len(self.codes) - 1
        node.inputs, node.outputs = inputs, [output]
        node.builtinOptionsType, node.builtinOptions = kind, options
        self.operators.append(node)
        return output

    def save(self, path: Path, inputs: list[int], outputs: list[int]) -> Path:
        graph = tfl.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = inputs, outputs
        graph.name = b"tiny"
        model = tfl.ModelT()
        model.version = 3
        model.operatorCodes, model.subgraphs, model.buffers = self.codes, [graph], self.buffers
        builder = flatbuffers.Builder(4096)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(builder.Output()))
        return path


def v8(
    path: Path, *, dtype: type = np.float32, dynamic: bool = False, normalised: bool = True
) -> Path:
    """[1, 6, N] from [1, 64, 64, 3], boxes 0..1; uint8 or int8 in and out where asked for."""
    g = Graph()
    whole = dtype is not np.float32
    zero = -128 if dtype is np.int8 else 0
    signature = [1, -1, -1, 3] if dynamic else None
    scale = (1 / 255, zero)
    images = g.tensor("images", [1, SIZE, SIZE, 3], dtype, scale if whole else None, signature)
    real = images
    if whole:
        real = g.tensor("real", [1, SIZE, SIZE, 3])
        g.operator(
            tfl.BuiltinOperator.DEQUANTIZE, [images], real,
            tfl.BuiltinOptions.DequantizeOptions, tfl.DequantizeOptionsT(),
        )  # fmt: skip
    scores = _scores(g, _pooled(g, real))
    boxes = g.constant("boxes", _boxes(normalised))
    join = tfl.ConcatenationOptionsT()
    join.axis = 1
    table = g.tensor("table" if whole else "output0", [1, 6, CELLS])
    g.operator(
        tfl.BuiltinOperator.CONCATENATION, [boxes, scores], table,
        tfl.BuiltinOptions.ConcatenationOptions, join,
    )  # fmt: skip
    if whole:
        real = table
        table = g.tensor("output0", [1, 6, CELLS], dtype, (1 / 250, zero + 2))
        g.operator(
            tfl.BuiltinOperator.QUANTIZE, [real], table,
            tfl.BuiltinOptions.QuantizeOptions, tfl.QuantizeOptionsT(),
        )  # fmt: skip
    return g.save(path, [images], [table])


def classifier(path: Path) -> Path:
    """Softmax of 4 x (mean red, mean blue)."""
    g = Graph()
    images = g.tensor("images", [1, SIZE, SIZE, 3])
    mean = g.tensor("mean", [1, 3])
    axes = g.constant("axes", np.array([1, 2], np.int32))
    g.operator(
        tfl.BuiltinOperator.MEAN, [images, axes], mean,
        tfl.BuiltinOptions.ReducerOptions, tfl.ReducerOptionsT(),
    )  # fmt: skip
    weights = g.constant("weights", np.array([[4, 0, 0], [0, 0, 4]], np.float32))
    logits = g.tensor("logits", [1, 2])
    g.operator(
        tfl.BuiltinOperator.FULLY_CONNECTED, [mean, weights, -1], logits,
        tfl.BuiltinOptions.FullyConnectedOptions, tfl.FullyConnectedOptionsT(),
    )  # fmt: skip
    softmax = tfl.SoftmaxOptionsT()
    softmax.beta = 1.0
    out = g.tensor("probabilities", [1, 2])
    kind = tfl.BuiltinOptions.SoftmaxOptions
    g.operator(tfl.BuiltinOperator.SOFTMAX, [logits], out, kind, softmax)
    return g.save(path, [images], [out])


def with_operator(path: Path, code: int, custom: str = "") -> Path:
    """A network that lists this operator; it need not run."""
    g = Graph()
    images = g.tensor("images", [1, SIZE, SIZE, 3])
    out = g.tensor("output0", [1, 6, CELLS])
    g.operator(code, [images], out, custom=custom)
    return g.save(path, [images], [out])


def pack(path: Path, names: dict[str, str]) -> Path:
    """Append files behind the network as a zip archive, the way the common exporters do."""
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in names.items():
            archive.writestr(name, text)
    return path


def ultralytics(labels: list[str], task: str = "detect") -> str:
    """What one common exporter packs: JSON with its keys."""
    names = {str(i): label for i, label in enumerate(labels)}
    return json.dumps({"names": names, "imgsz": [SIZE, SIZE], "stride": 32, "task": task})


def _pooled(g: Graph, x: int) -> int:
    pool = tfl.Pool2DOptionsT()
    pool.padding = tfl.Padding.VALID
    pool.strideH = pool.strideW = pool.filterHeight = pool.filterWidth = STRIDE
    side = SIZE // STRIDE
    out = g.tensor("pooled", [1, side, side, 3])
    kind = tfl.BuiltinOptions.Pool2DOptions
    return g.operator(tfl.BuiltinOperator.AVERAGE_POOL_2D, [x], out, kind, pool)


def _scores(g: Graph, pooled: int) -> int:
    side = SIZE // STRIDE
    weights = np.array([[12, -12, -12], [-12, -12, 12]], np.float32).reshape(2, 1, 1, 3)
    conv = tfl.Conv2DOptionsT()
    conv.padding = tfl.Padding.VALID
    conv.strideH = conv.strideW = 1
    logits = g.tensor("logits", [1, side, side, 2])
    inputs = [pooled, g.constant("w", weights), g.constant("b", np.array([-6, -6], np.float32))]
    kind = tfl.BuiltinOptions.Conv2DOptions
    g.operator(tfl.BuiltinOperator.CONV_2D, inputs, logits, kind, conv)
    first = g.tensor("first", [1, 2, side, side])
    order = g.constant("order", np.array([0, 3, 1, 2], np.int32))
    g.operator(tfl.BuiltinOperator.TRANSPOSE, [logits, order], first)
    flat = g.tensor("flat", [1, 2, CELLS])
    shape = g.constant("shape", np.array([1, 2, CELLS], np.int32))
    g.operator(tfl.BuiltinOperator.RESHAPE, [first, shape], flat)
    return g.operator(tfl.BuiltinOperator.LOGISTIC, [flat], g.tensor("scores", [1, 2, CELLS]))


def _boxes(normalised: bool) -> np.ndarray:
    side = SIZE // STRIDE
    rows, columns = np.divmod(np.arange(CELLS), side)
    centre = (np.stack([columns, rows]) + 0.5) * STRIDE
    boxes = np.concatenate([centre, np.full_like(centre, STRIDE)])[None]
    return (boxes / SIZE if normalised else boxes).astype(np.float32)
