"""Opens the right runner for a manifest; each runner's library is imported only when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.formats.tflite_graph import read_packed
from models.release import Format, ModelRelease
from models.runner import RefusedModelError, Runner

if TYPE_CHECKING:
    from pathlib import Path


def open_runner(folder: Path, release: ModelRelease, threads: int = 1) -> Runner:
    """Load the weights of a release.

    Args:
        folder: where its files are.
        release: its manifest.
        threads: for one operator.

    Raises:
        RefusedModelError: the library isn't installed or can't load it, or it is no vision model.
    """
    path = folder / release.weights.path
    if release.format is Format.ONNX:
        return _open_onnx(path, threads)
    if release.format is Format.TFLITE:
        return _open_tflite(path, threads)
    raise RefusedModelError(f"{release.ref} is {release.format}: no vision model")


def _open_onnx(path: Path, threads: int) -> Runner:
    try:
        from models.runner_onnx import OnnxRunner
    except ImportError as e:
        raise RefusedModelError(
            "ONNX Runtime isn't installed", "Install the package onnxruntime."
        ) from e
    return OnnxRunner(path, threads)


def _open_tflite(path: Path, threads: int) -> Runner:
    try:
        from models.runner_tflite import TfliteRunner
    except ImportError as e:
        raise RefusedModelError(
            "no TFLite runtime is installed", "Install the package ai-edge-litert."
        ) from e
    return TfliteRunner(path, threads, read_packed(path))
