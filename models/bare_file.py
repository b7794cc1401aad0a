"""What a bare ONNX or TFLite file tells about itself, in one form for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from models.formats import onnx_graph, tflite_graph
from models.quantisation import Quantisation
from models.release import Format
from models.runner import TensorSpec


@dataclass(frozen=True, slots=True)
class BareFile:
    """One file."""

    inputs: tuple[TensorSpec, ...]
    """As declared."""
    outputs: tuple[TensorSpec, ...]
    """As declared."""
    metadata: Mapping[str, str]
    """The exporter's words."""
    quantisation: Mapping[str, Quantisation]
    """Input or output → scale and zero point."""
    softmaxed: frozenset[str]
    """Outputs that come out of a softmax or a sigmoid."""
    beside: tuple[str, ...] = ()
    """Files with more of its weights, in its own folder."""


def read_bare(path: Path, kind: Format) -> BareFile:
    """Look through the file without loading it.

    Raises:
        MalformedError: it is none of its kind.
        OSError: it can't be read.
    """
    if kind is Format.ONNX:
        return _onnx(path)
    graph = tflite_graph.read_graph(path)
    ends = frozenset(n for n, code in graph.producers.items() if code in tflite_graph.ENDS)
    return BareFile(
        tuple(graph.inputs), tuple(graph.outputs), graph.metadata, graph.quantisation, ends
    )


def _onnx(path: Path) -> BareFile:
    graph = onnx_graph.read_graph(path)
    ends = {s.name for s in graph.outputs if graph.producer(s.name) in ("Softmax", "Sigmoid")}
    # Only names of the same folder: anything else is for admission to refuse.
    names = {e.location for e in graph.external if PurePosixPath(e.location).name == e.location}
    beside = tuple(sorted(name for name in names if (path.parent / name).is_file()))
    return BareFile(
        tuple(graph.inputs),
        tuple(graph.outputs),
        graph.metadata,
        graph.quantisation(),
        frozenset(ends),
        beside,
    )
