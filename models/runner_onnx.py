"""Runs ONNX files with ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from models.formats.onnx_graph import read_graph
from models.processor import sums_saturate
from models.quantisation import Quantisation
from models.runner import InferenceError, RefusedModelError, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_PLAIN = Quantisation()
_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


class OnnxRunner:
    """One ONNX file, loaded; see `models.runner.Runner`."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load the file.

        Args:
            path: the .onnx file.
            threads: for one operator; more is not faster everywhere, so measure.

        Raises:
            RefusedModelError: ONNX Runtime can't load it.
        """
        try:
            self._session = ort.InferenceSession(
                str(path), sess_options=_options(threads), providers=["CPUExecutionProvider"]
            )
        except MemoryError:  # says nothing about the model
            raise
        except Exception as e:  # noqa: BLE001 - its errors share no root but Exception
            raise RefusedModelError(
                f"ONNX Runtime can't load {path.name}: {_first_line(e)}",
                "Export it again with an operator set that this ONNX Runtime knows.",
            ) from e
        self._inputs = tuple(_spec(node) for node in self._session.get_inputs())
        self._outputs = tuple(_spec(node) for node in self._session.get_outputs())
        self._metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self._quantised = _quantised(path, self._inputs + self._outputs)

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
        """The file's metadata_props."""
        return self._metadata

    @property
    def backend(self) -> str:
        """Library and version."""
        return f"onnxruntime {ort.__version__}"

    def run(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the network once; see `models.runner.Runner.run`.

        Raises:
            InferenceError: ONNX Runtime gave up.
        """
        spec = self._inputs[0]
        feed = self._quantised.get(spec.name, _PLAIN).quantise(tensor, np.dtype(spec.dtype))
        try:
            results = self._session.run(None, {spec.name: feed})
        except MemoryError:
            raise
        except Exception as e:  # noqa: BLE001 - its errors share no root but Exception
            raise InferenceError(f"ONNX Runtime: {_first_line(e)}") from e
        return {
            out.name: self._quantised.get(out.name, _PLAIN).dequantise(np.asarray(value))
            for out, value in zip(self._outputs, results, strict=True)
        }

    def close(self) -> None:
        """Free the memory."""
        del self._session


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    # A thread that spins while it waits takes the core away from HTTP and from the other threads.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if sums_saturate():  # exact at half the speed; elsewhere it would only cost the speed
        options.add_session_config_entry("session.x64quantprecision", "1")
    # Without the arena a nano detector rests 7 MB lower once malloc_trim ran, and then takes 1400
    # page faults for the next photo instead of 17 (measured with 320 pixels, 7.5 MB of weights).
    options.enable_cpu_mem_arena = True
    return options


def _quantised(path: Path, specs: tuple[TensorSpec, ...]) -> dict[str, Quantisation]:
    """Scales of the inputs and outputs of whole numbers; the library doesn't tell them."""
    if not any(spec.dtype in ("int8", "uint8") for spec in specs):
        return {}
    return read_graph(path).quantisation()


def _spec(node: Any) -> TensorSpec:
    shape = tuple(d if isinstance(d, int) and d > 0 else None for d in node.shape)
    return TensorSpec(node.name, shape, _TYPES.get(node.type, str(node.type)))


def _first_line(e: BaseException) -> str:
    return str(e).strip().splitlines()[0][:300] if str(e).strip() else type(e).__name__
