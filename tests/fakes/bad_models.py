"""Detectors that a careless keyholder might sign: each is a good one, spoilt in one way."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.manifest_writer import write_manifest
from models.release import Golden
from tests.fakes import tiny_models
from tests.fakes.vision_models import jpeg, scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def spoilt(
    folder: Path,
    version: str,
    spoil: Callable[[onnx.ModelProto], None] | None = None,
    **manifest: object,
) -> Path:
    """A detector whose network went through `spoil`, with a manifest that fits the file."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = tiny_models.v8(folder / "weights.onnx")
    if spoil is not None:
        network = onnx.load(weights)
        spoil(network)
        onnx.save(network, weights)
    write_manifest(folder, tiny_models.release_of(weights, version=version, **manifest))
    return folder


def nan(network: onnx.ModelProto) -> None:
    """Not a number, whatever it sees."""
    _set(network, "score_bias", np.full(2, np.nan, np.float32))


def constant(network: onnx.ModelProto) -> None:
    """The same, whatever it sees."""
    _set(network, "score_weights", np.zeros((2, 3, 1, 1), np.float32))


def endless(network: onnx.ModelProto) -> None:
    """A loop whose condition stays true."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Identity", ["x"], ["y"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("n", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
        ],
    )
    graph = network.graph
    graph.initializer.append(numpy_helper.from_array(np.array(True), "for_ever"))
    _behind_the_input(
        network, helper.make_node("Loop", ["", "for_ever", "images"], [""], body=body)
    )


def greedy(network: onnx.ModelProto) -> None:
    """Wants some gigabytes for every picture."""
    size = np.array([700_000_000], np.int64)
    network.graph.initializer.append(numpy_helper.from_array(size, "huge"))
    network.graph.initializer.append(numpy_helper.from_array(np.float32(0.0), "zero"))
    _add_nothing(
        network,
        [
            helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
            helper.make_node("Expand", ["mean", "huge"], ["much"]),
            helper.make_node("ReduceMax", ["much"], ["drop"], keepdims=0),
        ],
    )


def slow(network: onnx.ModelProto) -> None:
    """Ten times the work and more, for nothing."""
    side, times = 700, 24
    matrix = np.random.default_rng(0).normal(0, 1 / side**0.5, (side, side)).astype(np.float32)
    network.graph.initializer.append(numpy_helper.from_array(matrix, "matrix"))
    network.graph.initializer.append(numpy_helper.from_array(np.float32(0.0), "zero"))
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "matrix"], ["work_0"]),
    ]
    nodes += [
        helper.make_node("MatMul", [f"work_{n}", "matrix"], [f"work_{n + 1}"]) for n in range(times)
    ]
    nodes.append(helper.make_node("ReduceMax", [f"work_{times}"], ["drop"], keepdims=0))
    _add_nothing(network, nodes)


def worse(folder: Path, version: str) -> Path:
    """Good, but not as good on its golden image as its manifest says."""
    made = spoilt(folder, version)
    (made / "golden.jpg").write_bytes(jpeg(scene()))
    golden = Golden("golden.jpg", (("blue", 0.9, (0.0, 0.0, 100.0, 100.0)),))
    release = tiny_models.release_of(made / "weights.onnx", version=version, golden=(golden,))
    photo = (made / "golden.jpg").read_bytes()
    file = replace(
        release.files[0],
        path="golden.jpg",
        sha256=hashlib.sha256(photo).hexdigest(),
        size=len(photo),
    )
    write_manifest(made, replace(release, files=(*release.files, file)))
    return made


def _set(network: onnx.ModelProto, name: str, values: np.ndarray) -> None:
    (found,) = [each for each in network.graph.initializer if each.name == name]
    found.CopyFrom(numpy_helper.from_array(values, name))


def _add_nothing(network: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Put `nodes` first, and add zero times what comes out of them (`drop`) to the scores."""
    graph = network.graph
    (conv,) = [node for node in graph.node if node.output[0] == "cls_16"]
    conv.output[0] = "true_scores"
    last = [
        helper.make_node("Mul", ["drop", "zero"], ["nothing"]),
        helper.make_node("Add", ["true_scores", "nothing"], ["cls_16"]),
    ]
    everything = list(graph.node)
    place = everything.index(conv) + 1
    del graph.node[:]
    graph.node.extend([*everything[:place], *nodes, *last, *everything[place:]])


def _behind_the_input(network: onnx.ModelProto, node: onnx.NodeProto) -> None:
    """Let everything read what `node` makes of the input."""
    graph = network.graph
    for other in graph.node:
        for i, name in enumerate(other.input):
            if name == "images":
                other.input[i] = "looped"
    node.output[0] = "looped"
    everything = list(graph.node)
    del graph.node[:]
    graph.node.extend([node, *everything])


KINDS = {
    "not a number": lambda folder: spoilt(folder, "1.1.0", nan),
    "constant": lambda folder: spoilt(folder, "1.1.0", constant),
    "wrong shape": lambda folder: spoilt(folder, "1.1.0", labels=("a", "b", "c")),
    "endless loop": lambda folder: spoilt(folder, "1.1.0", endless),
    "gigabytes": lambda folder: spoilt(folder, "1.1.0", greedy),
    "worse than it says": lambda folder: worse(folder, "1.1.0"),
}
"""What is wrong with it → how to make it, in a folder, as version 1.1.0."""
