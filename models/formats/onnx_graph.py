"""What an ONNX file holds, read without loading it: operators, external data, inputs, outputs.

Field numbers are those of onnx.proto. Messages that appear more than once are taken together, as
protocol buffers merge them, so that nothing can hide in the second copy of a field.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.formats.protobuf import Budget, MalformedError, fields, message, packed, text
from models.quantisation import Quantisation
from models.runner import TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

_DEPTH = 16
_LONGEST_NUMBER = 10
"""Bytes of a varint."""
_SMALL = 256
"""Bytes of a constant up to which its value is looked at."""
_FLOAT, _FLOAT16 = 1, 10
_PASSING = frozenset({
    "Cast", "DequantizeLinear", "Flatten", "Identity", "QuantizeLinear", "Reshape", "Squeeze",
})  # fmt: skip
_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class External:
    """A tensor whose values are in another file."""

    tensor: str
    """Its name."""
    location: str
    """Where the file says they are, relative to itself."""
    offset: int
    """Bytes from the other file's start; -1 where it isn't a number."""
    length: int
    """Bytes; 0: up to the end; -1 where it isn't a number."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operator at work."""

    domain: str
    """ "" for ONNX's own."""
    operator: str
    """Its type."""
    inputs: tuple[str, ...]
    """Names of tensors."""
    outputs: tuple[str, ...]
    """Names of tensors."""


@dataclass(slots=True)
class OnnxGraph:
    """Everything that was found."""

    nodes: list[Node] = field(default_factory=list)
    """Of the graph, its subgraphs and the file's own functions."""
    functions: set[tuple[str, str]] = field(default_factory=set)
    """Domain and name of each function the file brings along."""
    external: list[External] = field(default_factory=list)
    """Tensors that are elsewhere."""
    inputs: list[TensorSpec] = field(default_factory=list)
    """Of the main graph, without its constants."""
    outputs: list[TensorSpec] = field(default_factory=list)
    """Of the main graph."""
    metadata: dict[str, str] = field(default_factory=dict)
    """The exporter's own words."""
    constants: dict[str, float] = field(default_factory=dict)
    """Values of scalar constants."""

    def quantisation(self) -> dict[str, Quantisation]:
        """Scale and zero point of the inputs and outputs that are quantised, by their own nodes."""
        wanted = {spec.name for spec in self.inputs + self.outputs}
        found = {}
        for node in self.nodes:
            ends = {"DequantizeLinear": node.inputs[:1], "QuantizeLinear": node.outputs[:1]}
            for name in ends.get(node.operator, ()):
                scale = self.constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
                zero = self.constants.get(node.inputs[2], 0) if len(node.inputs) > 2 else 0
                if name in wanted and scale is not None and scale > 0:
                    found[name] = Quantisation(scale, int(zero))
        return found

    def producer(self, output: str) -> str:
        """The operator whose answer this tensor is, or ""; looks through casts and reshapes."""
        made = {name: node for node in reversed(self.nodes) for name in node.outputs}
        for _ in range(8):
            node = made.get(output)
            if node is None or node.operator not in _PASSING or not node.inputs:
                return node.operator if node else ""
            output = node.inputs[0]
        return ""


def read_graph(path: Path) -> OnnxGraph:
    """Look through an ONNX file.

    Raises:
        MalformedError: it isn't one.
        OSError: it can't be read.
    """
    if path.stat().st_size == 0:
        raise MalformedError("the file is empty")
    with path.open("rb") as file:
        # Not closed here: the views into it are still alive. It goes with the last of them.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return parse(memoryview(mapped))


def parse(data: memoryview) -> OnnxGraph:
    """Look through the bytes of an ONNX file (a ModelProto).

    Raises:
        MalformedError: they aren't one.
    """
    walker = _Walker()
    found = False
    for number, value in fields(data, walker.budget):
        if number == 7:
            walker.graph(message(value), main=True)
            found = True
        elif number == 14:
            key, said = walker.entry(message(value))
            walker.found.metadata[key] = said
        elif number == 25:
            walker.function(message(value))
        elif number == 20:
            raise MalformedError("it holds a training graph")
    if not found:
        raise MalformedError("it holds no graph")
    return walker.finish()


class _Walker:
    """Goes down the tree and notes what it finds."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.found = OnnxGraph()
        self._initialised: set[str] = set()

    def finish(self) -> OnnxGraph:
        """Leave out the inputs that are constants, as files of old versions list them too."""
        found = self.found
        found.inputs = [spec for spec in found.inputs if spec.name not in self._initialised]
        return found

    def graph(self, data: memoryview, depth: int = 0, main: bool = False) -> None:
        if depth > _DEPTH:
            raise MalformedError("graphs within graphs without end")
        for number, value in fields(data, self.budget):
            if number == 1:
                self.node(message(value), depth)
            elif number == 5:
                name = self.tensor(message(value))
                self._initialised |= {name} if main else set()
            elif number == 15:
                self.sparse(message(value))
            elif main and number in (11, 12):
                spec = self.value_info(message(value))
                (self.found.inputs if number == 11 else self.found.outputs).append(spec)

    def function(self, data: memoryview) -> None:
        name = domain = ""
        for number, value in fields(data, self.budget):
            if number == 1:
                name = text(value)
            elif number == 10:
                domain = text(value)
            elif number == 7:
                self.node(message(value), 1)
            elif number == 11:
                self.attribute(message(value), 1, "")
        self.found.functions.add((domain, name))

    def node(self, data: memoryview, depth: int) -> None:
        said = {4: "", 7: ""}
        inputs, outputs, attributes = [], [], []
        for number, value in fields(data, self.budget):
            if number == 1:
                inputs.append(text(value))
            elif number == 2:
                outputs.append(text(value))
            elif number == 5:
                attributes.append(message(value))
            elif number in said:
                said[number] = text(value)
        self.found.nodes.append(Node(said[7], said[4], tuple(inputs), tuple(outputs)))
        constant = outputs[0] if said[4] == "Constant" and outputs else ""
        for attribute in attributes:
            self.attribute(attribute, depth, constant)

    def attribute(self, data: memoryview, depth: int, constant: str) -> None:
        for number, value in fields(data, self.budget):
            if number in (6, 11):
                self.graph(message(value), depth + 1)
            elif number in (5, 10):
                self.tensor(message(value), constant)
            elif number in (22, 23):
                self.sparse(message(value))

    def sparse(self, data: memoryview) -> None:
        for number, value in fields(data, self.budget):
            if number in (1, 2):
                self.tensor(message(value))

    def tensor(self, data: memoryview, constant: str = "") -> str:
        name, external, elsewhere = constant, {}, False
        for number, value in fields(data, self.budget):
            if number == 8:
                name = constant or text(value)
            elif number == 13:
                key, said = self.entry(message(value))
                external[key] = said
            elif number == 14:
                elsewhere = elsewhere or value == 1
        if external or elsewhere:
            place = external.get("location", "")
            offset, length = (_number(external.get(key, "0")) for key in ("offset", "length"))
            self.found.external.append(External(name, place, offset, length))
        elif len(data) <= _SMALL:
            scalar = _scalar(data, self.budget)
            self.found.constants.update({} if scalar is None else {name: scalar})
        return name

    def entry(self, data: memoryview) -> tuple[str, str]:
        said = {1: "", 2: ""}
        for number, value in fields(data, self.budget):
            if number in said:
                said[number] = text(value)
        return said[1], said[2]

    def value_info(self, data: memoryview) -> TensorSpec:
        name, dtype, shape = "", "", ()  # type: str, str, tuple[int | None, ...]
        for number, value in fields(data, self.budget):
            if number == 1:
                name = text(value)
            elif number == 2:
                dtype, shape = self.type(message(value))
        return TensorSpec(name, shape, dtype)

    def type(self, data: memoryview) -> tuple[str, tuple[int | None, ...]]:
        dtype, shape = "none", []  # type: str, list[int | None]
        for number, value in fields(data, self.budget):
            if number != 1:
                continue
            for inner, said in fields(message(value), self.budget):
                if inner == 1 and isinstance(said, int):
                    dtype = _DTYPES.get(said, f"type {said}")
                elif inner == 2:
                    dims = [v for n, v in fields(message(said), self.budget) if n == 1]
                    shape = [self.dimension(message(dim)) for dim in dims]
        return dtype, tuple(shape)

    def dimension(self, data: memoryview) -> int | None:
        sizes = [v for n, v in fields(data, self.budget) if n == 1 and isinstance(v, int)]
        return sizes[-1] if sizes and 0 < sizes[-1] < 1 << 31 else None


def _number(said: str) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else -1


def _scalar(data: memoryview, budget: Budget) -> float | None:
    """The value of a TensorProto of one element, where it is a common type."""
    dims: list[int] = []
    dtype, raw, floats, wholes = 0, b"", b"", []  # type: int, bytes, bytes, list[int]
    for number, value in fields(data, budget):
        if number == 1:
            dims += packed(value)
        elif number == 2 and isinstance(value, int):
            dtype = value
        elif number == 9:
            raw = bytes(message(value))
        elif number == 4:
            floats = bytes(message(value))
        elif number == 5:
            wholes += _if_one(value)
    if any(d != 1 for d in dims):
        return None
    return _from_raw(dtype, raw or floats) if raw or floats else _from_list(dtype, wholes)


def _if_one(value: int | memoryview) -> list[int]:
    """The numbers of a list that may hold only one; a longer one is read over."""
    one = isinstance(value, int) or len(value) <= _LONGEST_NUMBER
    return packed(value) if one else []


def _from_raw(dtype: int, raw: bytes) -> float | None:
    form = {_FLOAT: "<f", _FLOAT16: "<e", 2: "<B", 3: "<b", 6: "<i"}.get(dtype)
    if form is None or len(raw) != struct.calcsize(form):
        return None
    value = float(struct.unpack(form, raw)[0])
    return value if math.isfinite(value) else None


def _from_list(dtype: int, wholes: list[int]) -> float | None:
    if len(wholes) != 1 or dtype not in (2, 3, 6):
        return None
    value = wholes[0]
    return float(value - (1 << 64) if value >= 1 << 63 else value)
