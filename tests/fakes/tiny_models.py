"""Tiny ONNX networks whose answers are known: what is red is `red`, what is blue is `blue`.

A cell of the head (16 x 16 pixels) has the logit 12 x (red - green - blue) - 6 for the first label
and 12 x (blue - red - green) - 6 for the second: 6 where a cell is purely of that colour, -6 on
black, -18 on white. Its box is the cell itself.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.release import (
    File,
    Format,
    HeadLayout,
    Input,
    ModelRelease,
    Output,
    Preprocess,
    Task,
)

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("red", "blue")
SIZE = 64
STRIDE = 16
CANVAS = Input(SIZE, SIZE)
SURE = 1 / (1 + np.exp(-6.0))
"""The confidence of a cell that is purely of one colour."""

_WEIGHTS = np.array([[12, -12, -12], [-12, -12, 12]], np.float32).reshape(2, 3, 1, 1)
_BIAS = np.array([-6, -6], np.float32)
_DTYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}


class Graph:
    """Collects nodes and constants of one ONNX graph."""

    def __init__(self, dtype: str = "float32") -> None:
        self.dtype = dtype
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        cast = values.astype(self.dtype) if values.dtype == np.float32 else values
        self.constants.append(numpy_helper.from_array(cast, name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def input(self, name: str, shape: list[object], kind: int | None = None) -> str:
        kind = _DTYPES[self.dtype] if kind is None else kind
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, shape: list[object], kind: int | None = None) -> str:
        kind = _DTYPES[self.dtype] if kind is None else kind
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def save(self, path: Path, metadata: dict[str, str] | None = None) -> Path:
        graph = helper.make_graph(self.nodes, "tiny", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        helper.set_model_props(model, metadata or {})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString())
        return path


def picture(width: int = SIZE, height: int = SIZE, **cells: tuple[int, int, int]) -> np.ndarray:
    """A black picture with whole cells coloured: `c12=(255, 0, 0)` is column 1, row 2."""
    image = np.zeros((height, width, 3), np.uint8)
    for name, colour in cells.items():
        x, y = int(name[1]) * STRIDE, int(name[2]) * STRIDE
        image[y : y + STRIDE, x : x + STRIDE] = colour
    return image


def raw(
    path: Path,
    *,
    joint: bool = False,
    dtype: str = "float32",
    dynamic: bool = False,
    bins: int = 1,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Raw heads of one stride: box_16 and cls_16, or head_16."""
    g = Graph(dtype)
    sides: list[object] = ["height", "width"] if dynamic else [SIZE, SIZE]
    grid: list[object] = ["rows", "columns"] if dynamic else [SIZE // STRIDE] * 2
    x = g.input("images", [1, 3, *sides])
    pooled = _pool(g, x)
    box, scores = _box_map(g, pooled, bins), _score_map(g, pooled)
    if joint:
        g.node("Concat", [box, scores], "head_16", axis=1)
        g.output("head_16", [1, 4 * bins + 2, *grid])
    else:
        g.output("box_16", [1, 4 * bins, *grid])
        g.output("cls_16", [1, 2, *grid])
    return g.save(path, metadata)


def v8(
    path: Path,
    *,
    dtype: str = "float32",
    boxes_last: bool = True,
    normalised: bool = False,
    logits: bool = False,
    dynamic: bool = False,
    metadata: dict[str, str] | None = None,
) -> Path:
    """One table of [1, 4+C, N], or [1, N, 4+C]."""
    g = Graph(dtype)
    table = _table(g, _input(g, dynamic), normalised, [], logits)
    return _save_table(g, table, 6, boxes_last, path, metadata)


def v5(path: Path, *, objectness: float = 0.5, metadata: dict[str, str] | None = None) -> Path:
    """One table of [1, N, 5+C]; every cell has the same objectness."""
    g = Graph()
    cells = (SIZE // STRIDE) ** 2
    there = g.constant("objectness", np.full((1, 1, cells), objectness, np.float32))
    table = _table(g, _input(g), False, [there])
    return _save_table(g, table, 7, False, path, metadata)


def end_to_end(path: Path, rows: int = 5, metadata: dict[str, str] | None = None) -> Path:
    """[1, K, 6]: the K surest cells as x1, y1, x2, y2, score, class."""
    g = Graph()
    scores = _scores(g, _pool(g, _input(g)))
    g.node("ReduceMax", [scores], "best", axes=[1], keepdims=0)
    g.node("ArgMax", [scores], "which", axis=1, keepdims=0)
    g.node("Cast", ["which"], "which_float", to=TensorProto.FLOAT)
    g.constant("k", np.array([rows], np.int64))
    g.nodes.append(helper.make_node("TopK", ["best", "k"], ["top", "index"], axis=1))
    corners = _cells()
    corners[:, 2:] += corners[:, :2]
    g.constant("corners", corners)
    g.node("Gather", ["corners", "index"], "boxes", axis=0)
    g.node("GatherElements", ["which_float", "index"], "classes", axis=1)
    g.constant("last", np.array([2], np.int64))
    g.node("Unsqueeze", ["top", "last"], "top_column")
    g.node("Unsqueeze", ["classes", "last"], "class_column")
    g.node("Concat", ["boxes", "top_column", "class_column"], "output0", axis=2)
    g.output("output0", [1, rows, 6])
    return g.save(path, metadata)


def classifier(
    path: Path,
    *,
    probabilities: bool = False,
    embedding: bool = False,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Logits 4 x (mean red, mean blue); the embedding is the mean colour."""
    g = Graph()
    x = _input(g)
    g.node("GlobalAveragePool", [x], "mean")
    g.node("Flatten", ["mean"], "features", axis=1)
    g.constant("weights", np.array([[4, 0], [0, 0], [0, 4]], np.float32))
    g.node("MatMul", ["features", "weights"], "logits")
    if probabilities:
        g.node("Softmax", ["logits"], "probabilities", axis=1)
    g.output("probabilities" if probabilities else "logits", [1, 2])
    if embedding:
        g.output("features", [1, 3])
    return g.save(path, metadata)


def quantised(path: Path, *, kind: int = TensorProto.UINT8) -> Path:
    """`v8` that takes and gives whole numbers; the scales are those of its own Q/DQ nodes."""
    g = Graph()
    unsigned = kind == TensorProto.UINT8
    whole = np.uint8 if unsigned else np.int8
    x = g.input("images", [1, 3, SIZE, SIZE], kind)
    g.constant("in_scale", np.array(1 / 255, np.float32))
    g.constant("in_zero", np.array(0 if unsigned else -128, whole))
    g.node("DequantizeLinear", [x, "in_scale", "in_zero"], "real")
    table = _table(g, "real", True, [])
    g.constant("out_scale", np.array(1 / 250, np.float32))
    g.constant("out_zero", np.array(2 if unsigned else -126, whole))
    g.node("QuantizeLinear", [table, "out_scale", "out_zero"], "output0")
    g.output("output0", [1, 6, (SIZE // STRIDE) ** 2], kind)
    return g.save(path)


def release_of(
    weights: Path,
    *,
    task: Task = Task.DETECT,
    head: HeadLayout | None = None,
    labels: tuple[str, ...] = LABELS,
    canvas: Input | None = CANVAS,
    output: Output | None = None,
    **others: object,
) -> ModelRelease:
    """A manifest for a file on the disk."""
    data = weights.read_bytes()
    file = File(weights.name, hashlib.sha256(data).hexdigest(), len(data))
    values: dict[str, object] = {
        "id": "tiny", "version": "1.0.0", "task": task,
        "format": Format(weights.suffix[1:]), "files": (file,), "labels": labels,
        "input": canvas, "preprocess": Preprocess(), "output": output or Output(head=head),
    }  # fmt: skip
    return ModelRelease(**(values | others))  # type: ignore[arg-type]


def _input(g: Graph, dynamic: bool = False) -> str:
    shape = ["batch", 3, "height", "width"] if dynamic else [1, 3, SIZE, SIZE]
    return g.input("images", list(shape))


def _pool(g: Graph, x: str) -> str:
    return g.node(
        "AveragePool", [x], "pooled", kernel_shape=[STRIDE, STRIDE], strides=[STRIDE, STRIDE]
    )


def _score_map(g: Graph, pooled: str) -> str:
    g.constant("score_weights", _WEIGHTS)
    g.constant("score_bias", _BIAS)
    return g.node("Conv", [pooled, "score_weights", "score_bias"], "cls_16")


def _box_map(g: Graph, pooled: str, bins: int) -> str:
    channels = 4 * bins
    bias = np.full(4, 0.5, np.float32)
    if bins > 1:  # half of the mass on bin 0, half on bin 1: a distance of 0.5
        bias = np.tile(np.where(np.arange(bins) < 2, 20.0, -20.0), 4).astype(np.float32)
    g.constant("box_weights", np.zeros((channels, 3, 1, 1), np.float32))
    g.constant("box_bias", bias)
    return g.node("Conv", [pooled, "box_weights", "box_bias"], "box_16")


def _cells() -> np.ndarray:
    """x, y, width, height of every cell, row by row; N x 4 float32."""
    side = SIZE // STRIDE
    rows, columns = np.divmod(np.arange(side * side), side)
    corner = np.stack([columns, rows], axis=1) * STRIDE
    return np.concatenate([corner, np.full_like(corner, STRIDE)], axis=1).astype(np.float32)


def _scores(g: Graph, pooled: str, logits: bool = False) -> str:
    flat = g.constant("flat", np.array([1, 2, -1], np.int64))
    g.node("Reshape", [_score_map(g, pooled), flat], "flat_logits")
    return "flat_logits" if logits else g.node("Sigmoid", ["flat_logits"], "scores")


def _table(g: Graph, x: str, normalised: bool, more: list[str], logits: bool = False) -> str:
    cells = _cells()
    cells[:, :2] += cells[:, 2:] / 2
    boxes = (cells / SIZE if normalised else cells).T[None]
    g.constant("boxes", boxes.astype(np.float32))
    scores = _scores(g, _pool(g, x), logits)
    return g.node("Concat", ["boxes", *more, scores], "table", axis=1)


def _save_table(
    g: Graph, table: str, width: int, boxes_last: bool, path: Path, metadata: dict[str, str] | None
) -> Path:
    cells = (SIZE // STRIDE) ** 2
    g.node("Transpose", [table], "output0", perm=[0, 1, 2] if boxes_last else [0, 2, 1])
    g.output("output0", [1, width, cells] if boxes_last else [1, cells, width])
    return g.save(path, metadata)
