"""Runs TFLite files with LiteRT, or with its predecessor where that is what is installed."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from models.quantisation import Quantisation
from models.runner import InferenceError, RefusedModelError, TensorSpec

try:
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]

    _PACKAGE = "ai-edge-litert"
except ImportError:
    from tflite_runtime.interpreter import Interpreter  # type: ignore[import-not-found]

    _PACKAGE = "tflite-runtime"

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


class TfliteRunner:
    """One TFLite file, loaded; see `models.runner.Runner`."""

    def __init__(
        self, path: Path, threads: int = 1, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Load the file.

        Args:
            path: the .tflite file.
            threads: for one operator; more is not faster everywhere, so measure.
            metadata: what the exporter packed behind the network: `tflite_graph`.

        Raises:
            RefusedModelError: the runtime can't load it.
        """
        try:
            self._interpreter: Any = Interpreter(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as e:
            raise RefusedModelError(
                f"the TFLite runtime can't load {path.name}: {_first_line(e)}",
                "Export it again with built-in operators only.",
            ) from e
        self._in = self._interpreter.get_input_details()
        self._out = self._interpreter.get_output_details()
        self._inputs = tuple(_spec(detail) for detail in self._in)
        self._outputs = tuple(_spec(detail) for detail in self._out)
        self._metadata = dict(metadata or {})

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The network's inputs."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The network's outputs, in the file's order."""
        return self._outputs

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the exporter packed behind the network."""
        return self._metadata

    @property
    def backend(self) -> str:
        """Library and version."""
        return f"{_PACKAGE} {importlib.metadata.version(_PACKAGE)}"

    def run(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; see `models.runner.Runner.run`.

        Raises:
            InferenceError: the runtime gave up, or the input has another shape.
        """
        try:
            self._fit(tensor.shape)
            detail = self._in[0]
            feed = _quantisation(detail).quantise(tensor, np.dtype(detail["dtype"]))
            self._interpreter.set_tensor(detail["index"], feed)
            self._interpreter.invoke()
            return {
                spec.name: _quantisation(out).dequantise(self._interpreter.get_tensor(out["index"]))
                for spec, out in zip(self._outputs, self._out, strict=True)
            }
        except (ValueError, RuntimeError) as e:
            raise InferenceError(f"TFLite: {_first_line(e)}") from e

    def close(self) -> None:
        """Free the memory."""
        self._interpreter = None

    def _fit(self, shape: tuple[int, ...]) -> None:
        """Give a network with a dynamic input the shape it gets now."""
        detail = self._in[0]
        if tuple(detail["shape"]) != shape and -1 in detail["shape_signature"]:
            self._interpreter.resize_tensor_input(detail["index"], list(shape), strict=True)
            self._interpreter.allocate_tensors()
            self._in = self._interpreter.get_input_details()
            self._out = self._interpreter.get_output_details()


def _spec(detail: Mapping[str, Any]) -> TensorSpec:
    signature = detail.get("shape_signature", detail["shape"])
    signed = signature if len(signature) else detail["shape"]
    shape = tuple(int(d) if d > 0 else None for d in signed)
    return TensorSpec(str(detail["name"]), shape, np.dtype(detail["dtype"]).name)


def _quantisation(detail: Mapping[str, Any]) -> Quantisation:
    scale, zero_point = detail["quantization"]
    return Quantisation(float(scale) or 1.0, int(zero_point))


def _first_line(e: BaseException) -> str:
    return str(e).strip().splitlines()[0][:300] if str(e).strip() else type(e).__name__
