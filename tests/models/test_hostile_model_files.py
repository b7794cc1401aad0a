"""Looking into somebody's model file is safe whatever its bytes are: a refusal, soon, or an answer.

No other exception, no endless loop, no memory: these walkers run before anything is trusted.
"""

from __future__ import annotations

import struct
import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from models.formats import gguf_header, onnx_graph, tflite_graph
from models.formats.protobuf import Budget, MalformedError, fields, packed, text, varint
from tests.fakes import tiny_models, tiny_tflite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARSERS: dict[str, Callable[[memoryview], object]] = {
    "onnx": onnx_graph.parse,
    "tflite": tflite_graph.parse,
    "gguf": gguf_header.parse,
}
GGUF = (
    b"GGUF" + struct.pack("<IQQ", 3, 0, 3)
    + struct.pack("<Q", 20) + b"general.architecture" + struct.pack("<IQ", 8, 5) + b"llama"
    + struct.pack("<Q", 5) + b"words" + struct.pack("<IIQ", 9, 8, 2)
    + struct.pack("<Q", 1) + b"a" + struct.pack("<Q", 2) + b"bc"
    + struct.pack("<Q", 4) + b"size" + struct.pack("<If", 6, 1.5)
)  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("sound")
    return {
        "onnx": tiny_models.quantised(folder / "m.onnx").read_bytes(),
        "tflite": tiny_tflite.v8(folder / "m.tflite", dtype=np.uint8).read_bytes(),
        "gguf": GGUF,
    }


def look(kind: str, data: bytes) -> object | None:
    """The answer, or None for a proper refusal; anything else fails the test."""
    start = time.perf_counter()
    try:
        found = PARSERS[kind](memoryview(data))
    except MalformedError:
        found = None
    if isinstance(found, onnx_graph.OnnxGraph):
        found.quantisation()
        found.producer("output0")
    assert time.perf_counter() - start < 5
    return found


@pytest.mark.parametrize("kind", PARSERS)
def test_a_sound_file_is_read(kind: str, sound: dict[str, bytes]) -> None:
    assert look(kind, sound[kind]) is not None


@pytest.mark.parametrize("kind", PARSERS)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=400))
def test_random_bytes_are_refused_or_read(kind: str, data: bytes) -> None:
    look(kind, data)
    start = {"onnx": b"\x3a", "tflite": b"\x10\0\0\0TFL3", "gguf": b"GGUF\3\0\0\0"}[kind]
    look(kind, start + data)


@pytest.mark.parametrize("kind", PARSERS)
@settings(max_examples=800, deadline=None)
@given(data=st.data())
def test_a_sound_file_with_changed_bytes_is_refused_or_read(
    kind: str, data: st.DataObject, sound: dict[str, bytes]
) -> None:
    changed = bytearray(sound[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(
            st.sampled_from([0, 1, 0x7F, 0x80, 0xFE, 0xFF]) | st.integers(0, 255)
        )
    look(kind, bytes(changed))


@pytest.mark.parametrize("kind", PARSERS)
def test_a_sound_file_cut_anywhere_is_refused_or_read(kind: str, sound: dict[str, bytes]) -> None:
    data = sound[kind]
    for end in range(0, len(data), max(1, len(data) // 500)):
        look(kind, data[:end])


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for reader in (onnx_graph.read_graph, tflite_graph.read_graph, gguf_header.read_header):
        with pytest.raises(MalformedError):
            reader(tmp_path / "empty")


def test_a_file_of_nothing_but_tiny_fields_is_given_up_soon() -> None:
    """40 MB of two-byte fields would keep a naive walker busy for half a minute."""
    start = time.perf_counter()
    with pytest.raises(MalformedError, match="more fields"):
        onnx_graph.parse(memoryview(b"\x08\x00" * 20_000_000))
    assert time.perf_counter() - start < 10


def test_graphs_within_graphs_without_end_are_refused() -> None:
    inner = b""
    for _ in range(200):  # attribute(g=graph) in node in graph, 200 deep
        attribute = b"\x32" + _length(inner)
        node = b"\x2a" + _length(attribute)
        inner = b"\x0a" + _length(node)
    with pytest.raises(MalformedError, match="without end"):
        onnx_graph.parse(memoryview(b"\x3a" + _length(inner)))


def test_a_size_that_the_file_does_not_have_allocates_nothing() -> None:
    huge = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 62)
    tracemalloc.start()
    for kind, data in (("gguf", huge), ("onnx", b"\x3a\xff\xff\xff\xff\x7f")):
        assert look(kind, data) is None
    array = struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 4, 1 << 60)
    assert look("gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + array) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_what_is_hidden_in_a_second_copy_of_the_graph_is_found() -> None:
    """Protocol buffers merge repeated copies of a message; so must whoever looks for operators."""
    good = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", [], [])
    bad = helper.make_graph([helper.make_node("Loop", ["a"], ["c"])], "g", [], [])
    first, second = (helper.make_model(g).SerializeToString() for g in (good, bad))
    merged = onnx.ModelProto.FromString(first + second)
    assert [n.op_type for n in merged.graph.node] == ["Relu", "Loop"]
    seen = onnx_graph.parse(memoryview(first + second))
    assert [n.operator for n in seen.nodes] == ["Relu", "Loop"]


def test_operators_of_functions_and_of_the_deepest_subgraph_are_found() -> None:
    inner = helper.make_graph([helper.make_node("Scan", [], ["x"])], "i", [], [])
    body = helper.make_graph([helper.make_node("A", [], ["x"], body=inner)], "b", [], [])
    graph = helper.make_graph([helper.make_node("B", [], ["y"], graphs=[body])], "g", [], [])
    model = helper.make_model(graph)
    node = helper.make_node("Loop", ["a"], ["b"])
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("mine", "F", ["a"], ["b"], [node], opset))
    seen = onnx_graph.parse(memoryview(model.SerializeToString()))
    assert {"A", "B", "Scan", "Loop"} == {n.operator for n in seen.nodes}
    assert seen.functions == {("mine", "F")}


def test_external_data_is_found_wherever_a_tensor_can_be() -> None:
    def outside(name: str) -> onnx.TensorProto:
        tensor = TensorProto(name=name, data_type=1, dims=[1], data_location=1)
        tensor.external_data.append(onnx.StringStringEntryProto(key="location", value=name))
        return tensor

    inner = helper.make_graph([], "i", [], [], [outside("in a subgraph")])
    aside = onnx.SparseTensorProto(values=outside("in a sparse attribute"))
    nodes = [
        helper.make_node("Constant", [], ["x"], value=outside("in an attribute")),
        helper.make_node("B", [], ["y"], body=inner),
        helper.make_node("Constant", [], ["z"], sparse_value=aside),
    ]
    graph = helper.make_graph(nodes, "g", [], [], [outside("in an initialiser")])
    sparse = graph.sparse_initializer.add()
    sparse.values.CopyFrom(outside("in a sparse tensor"))
    sparse.indices.CopyFrom(outside("in its indices"))
    seen = onnx_graph.parse(memoryview(helper.make_model(graph).SerializeToString()))
    assert {e.location for e in seen.external} == {
        "in a subgraph", "in an attribute", "in an initialiser", "in a sparse tensor",
        "in its indices", "in a sparse attribute",
    }  # fmt: skip


def test_the_walk_sees_what_the_onnx_package_sees(tmp_path: Path) -> None:
    path = tiny_models.end_to_end(tmp_path / "m.onnx", metadata={"names": "{0: 'é'}", "b": ""})
    model, seen = onnx.load(path), onnx_graph.read_graph(path)
    assert [n.operator for n in seen.nodes] == [n.op_type for n in model.graph.node]
    assert [n.inputs for n in seen.nodes] == [tuple(n.input) for n in model.graph.node]
    assert seen.metadata == {"names": "{0: 'é'}", "b": ""}
    assert [(s.name, s.shape, s.dtype) for s in seen.inputs] == [
        ("images", (1, 3, 64, 64), "float32")
    ]
    assert [(s.name, s.shape) for s in seen.outputs] == [("output0", (1, 5, 6))]


def _length(data: bytes) -> bytes:
    size, out = len(data), b""
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return out + bytes([size]) + data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00", "field number 0"),
        (b"\x0b", "wire type 3"),
        (b"\x0a\x05abc", "longer than its message"),
        (b"\x08", "ends early"),
        (b"\x08" + b"\xff" * 11, "longer than ten bytes"),
        (b"\x09abc", "longer than its message"),
    ],
)
def test_a_malformed_field_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        list(fields(memoryview(data), Budget()))


def test_fields_are_read() -> None:
    data = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x1d\0\0\0\0" + b"\x21" + bytes(8)
    found = [
        (n, v if isinstance(v, int) else bytes(v)) for n, v in fields(memoryview(data), Budget())
    ]
    assert found == [(1, 150), (2, b"hi"), (3, bytes(4)), (4, bytes(8))]
    assert varint(memoryview(b"\xff" * 9 + b"\x01"), 0) == (2**64 - 1, 10)
    assert packed(memoryview(b"\x01\x96\x01")) == [1, 150]
    assert packed(7) == [7]
    with pytest.raises(MalformedError):
        packed(memoryview(b"\x01" * 65))
    with pytest.raises(MalformedError):
        text(7)


def test_gguf_metadata_is_read() -> None:
    assert gguf_header.parse(memoryview(GGUF)) == {"general.architecture": "llama", "size": 1.5}
    for bad in (GGUF[:-1], b"GGUF" + struct.pack("<IQQ", 1, 0, 0), b"GGML" + GGUF[4:]):
        assert look("gguf", bad) is None


def test_a_list_of_zero_points_is_read_over_however_long_it_is() -> None:
    """One number for each channel: what the common quantiser writes."""
    points = helper.make_tensor("zero_points", TensorProto.INT8, [200], [1] * 200)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [points],
    )
    found = onnx_graph.parse(memoryview(helper.make_model(graph).SerializeToString()))
    assert [node.operator for node in found.nodes] == ["Identity"]
