"""What is taken of somebody's model and what isn't; everything here can be set."""

from __future__ import annotations

from dataclasses import dataclass

CONTROL_FLOW = frozenset({
    "If", "Loop", "Scan", "SequenceMap", "BeamSearch", "GreedySearch", "Sampling",
    "WhisperBeamSearch",
})  # fmt: skip
"""ONNX operators that run a graph of their own, as often as they like."""
ELSEWHERE = frozenset({"EPContext", "PyOp", "PythonOp"})
"""ONNX operators that load something from outside the graph."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """What is taken."""

    max_bytes: int = 200_000_000
    """Of all files of a vision model together."""
    max_writer_bytes: int = 16_000_000_000
    """Of all files of a language model together."""
    refused_operators: frozenset[str] = CONTROL_FLOW | ELSEWHERE
    """ONNX operators that are not run, whatever their domain."""
    domains: frozenset[str] = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
    """Domains of ONNX operators that are no custom ones; the last holds ONNX Runtime's own."""
    tflite_control_flow: bool = False
    """True: TFLite's IF, WHILE and calls are run."""
    tflite_custom: frozenset[str] = frozenset()
    """Custom TFLite operators that are taken, by name."""
    threads: int = 1
    """With which it is tried."""
