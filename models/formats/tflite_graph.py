"""What a TFLite file holds, read without loading it: operators, inputs, outputs, packed metadata.

Field numbers are those of TFLite's schema, version 3.
"""

from __future__ import annotations

import mmap
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.formats import exporter_words
from models.formats.flatbuffer import Table
from models.formats.protobuf import MalformedError
from models.quantisation import Quantisation
from models.runner import TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

CUSTOM = 32
CONTROL = {
    31: "CALL", 118: "IF", 119: "WHILE", 129: "CALL_ONCE", 173: "STABLEHLO_CUSTOM_CALL",
    200: "STABLEHLO_WHILE", 206: "STABLEHLO_COMPOSITE", 209: "STABLEHLO_CASE",
}  # fmt: skip
ENDS = frozenset({25, 14})
"""SOFTMAX and LOGISTIC: what makes probabilities."""
_PASSING = frozenset({6, 22, 43, 114})
"""DEQUANTIZE, RESHAPE, SQUEEZE, QUANTIZE: what only spells a tensor otherwise."""
_DTYPES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16",
    9: "int8", 10: "float64",
}  # fmt: skip
_PACKED = 1 << 20
"""Bytes of a packed metadata file, at most."""


@dataclass(slots=True)
class TfliteGraph:
    """Everything that was found."""

    operators: list[tuple[int, str]] = field(default_factory=list)
    """Number of each operator that is used; the name of a custom one."""
    external: bool = False
    """True: weights are in another file."""
    inputs: list[TensorSpec] = field(default_factory=list)
    """Of the main graph."""
    outputs: list[TensorSpec] = field(default_factory=list)
    """Of the main graph."""
    quantisation: dict[str, Quantisation] = field(default_factory=dict)
    """Scale and zero point of the inputs and outputs of whole numbers."""
    producers: dict[str, int] = field(default_factory=dict)
    """Output → number of the operator whose answer it is."""
    metadata: dict[str, str] = field(default_factory=dict)
    """What the exporter packed behind the network; a plain list of labels is `labels`."""


def read_graph(path: Path) -> TfliteGraph:
    """Look through a TFLite file.

    Raises:
        MalformedError: it isn't one.
        OSError: it can't be read.
    """
    if path.stat().st_size < 16:
        raise MalformedError("the file is too short")
    with path.open("rb") as file:
        # Not closed here: the views into it are still alive. It goes with the last of them.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = parse(memoryview(mapped))
    found.metadata = read_packed(path)
    return found


def parse(data: memoryview) -> TfliteGraph:
    """Look through the bytes of a TFLite file, without what is packed behind it.

    Raises:
        MalformedError: they aren't one.
    """
    if len(data) < 16:
        raise MalformedError("the file is too short")
    model = Table.root(data, b"TFL3")
    graphs = model.tables(2)
    if not graphs:
        raise MalformedError("it holds no graph")
    codes = [_code(table) for table in model.tables(1)]
    external = bool(model.tables(8) or model.tables(9))
    found = TfliteGraph(operators=codes, external=external)
    _main(graphs[0], codes, found)
    return found


def read_packed(path: Path) -> dict[str, str]:
    """What the common exporters pack behind the network as a zip archive; {} without one."""
    found: dict[str, str] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist()[:16]:
                if info.file_size <= _PACKED and not info.is_dir():
                    found |= _words(info.filename, archive.read(info))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError,
            RuntimeError):  # fmt: skip
        return found
    return found


def _words(name: str, data: bytes) -> dict[str, str]:
    text = data[:_PACKED].decode("utf-8", errors="replace")
    if text.lstrip().startswith("{"):
        return exporter_words.unpack(text)
    return {"labels": text} if name.endswith(".txt") else {}


def _code(table: Table) -> tuple[int, str]:
    number = max(table.number(0, "<b"), table.number(3, "<i"))
    return number, table.text(1) if number == CUSTOM else ""


def _main(graph: Table, codes: list[tuple[int, str]], found: TfliteGraph) -> None:
    tensors = graph.tables(0)
    for specs, index in ((found.inputs, 1), (found.outputs, 2)):
        for i in graph.numbers(index, "<i"):
            if not 0 <= i < len(tensors):
                raise MalformedError("an input or output that doesn't exist")
            specs.append(_tensor(tensors[int(i)], found))
    made = _made(graph, codes)
    for i, spec in zip(graph.numbers(2, "<i"), found.outputs, strict=True):
        found.producers[spec.name] = _producer(int(i), made)


def _made(graph: Table, codes: list[tuple[int, str]]) -> dict[int, tuple[int, int]]:
    """Tensor → number of the operator that makes it, and that operator's first input."""
    made = {}
    for operator in graph.tables(3):
        index = operator.number(0, "<I")
        inputs = operator.numbers(1, "<i")
        for i in operator.numbers(2, "<i"):
            if index < len(codes):
                made[int(i)] = (codes[index][0], int(inputs[0]) if inputs else -1)
    return made


def _producer(tensor: int, made: dict[int, tuple[int, int]]) -> int:
    for _ in range(8):
        code, before = made.get(tensor, (-1, -1))
        if code not in _PASSING:
            return code
        tensor = before
    return -1


def _tensor(table: Table, found: TfliteGraph) -> TensorSpec:
    shape = table.numbers(7, "<i") or table.numbers(0, "<i")
    kind = table.number(1, "<b")
    name = table.text(3)
    rules = table.table(4)
    if rules is not None:
        scales, zeros = rules.numbers(2, "<f"), rules.numbers(3, "<q")
        if len(scales) == 1 and scales[0] > 0:
            zero = int(zeros[0]) if len(zeros) == 1 else 0
            found.quantisation[name] = Quantisation(float(scales[0]), zero)
    sizes = tuple(int(d) if d > 0 else None for d in shape)
    return TensorSpec(name, sizes, _DTYPES.get(kind, f"type {kind}"))
