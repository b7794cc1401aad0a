"""The part of admission that loads nothing: sizes, hashes, and what is written in the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.formats import gguf_header, onnx_graph, tflite_graph
from models.formats.protobuf import MalformedError
from models.release import Format, Task, verify_files
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from pathlib import Path

    from models.admission.limits import AdmissionLimits
    from models.formats.onnx_graph import External, OnnxGraph
    from models.release import ModelRelease

_BUILT_IN = "Export it again with built-in operators only."


def check_files(folder: Path, release: ModelRelease, limits: AdmissionLimits) -> None:
    """Check that every file is there, inside the folder, not too large, and what was released.

    Raises:
        RefusedModelError: the files are too large, or one is somewhere else.
        InvalidWordError: one is missing or has another content.
    """
    allowed = limits.max_writer_bytes if release.task is Task.WRITE else limits.max_bytes
    total = sum(file.size for file in release.files)
    if total > allowed:
        raise RefusedModelError(
            f"{release.ref} has {total / 1e6:.0f} megabytes, at most {allowed / 1e6:.0f} are taken",
            "Take a smaller model, or raise the limit in the settings.",
        )
    home = folder.resolve()
    for path in (*(file.path for file in release.files), *(g.image for g in release.golden)):
        if not (folder / path).resolve().is_relative_to(home):
            raise RefusedModelError(f"{path} leads out of the model's folder")
    known = {file.path for file in release.files}
    loose = [golden.image for golden in release.golden if golden.image not in known]
    if loose:
        raise RefusedModelError(
            f"the golden image {loose[0]} is not among the manifest's files",
            'Add it to model.toml as a [[files]] with role = "golden".',
        )
    verify_files(folder, release)


def check_graph(folder: Path, release: ModelRelease, limits: AdmissionLimits) -> None:
    """Check what the weights file says of itself, without any library that would load it.

    Raises:
        RefusedModelError: it isn't what it should be, or asks for what isn't given.
    """
    path = folder / release.weights.path
    try:
        if release.format is Format.ONNX:
            graph = onnx_graph.read_graph(path)
            _check_operators(graph, limits)
            for tensor in graph.external:
                _check_external(tensor, path, folder, release)
        elif release.format is Format.TFLITE:
            _check_tflite(path, limits)
        else:
            gguf_header.read_header(path)
    except (MalformedError, OSError) as e:
        raise RefusedModelError(
            f"{release.weights.path} is no whole {release.format} file: {e}",
            "Copy or export it again.",
        ) from e


def _check_operators(graph: OnnxGraph, limits: AdmissionLimits) -> None:
    used = {(node.domain, node.operator) for node in graph.nodes}
    # A function of the same name excuses nothing here: which of the two runs is up to the library.
    control = sorted({name for _, name in used} & limits.refused_operators)
    if control:
        raise RefusedModelError(
            f"it uses {', '.join(control)}: control flow, or code from elsewhere",
            "Export it without; for detectors, without the suppression inside the network.",
        )
    foreign = used - graph.functions
    custom = sorted(f"{d}.{name}" for d, name in foreign if d not in limits.domains)
    if custom:
        raise RefusedModelError(f"it uses custom operators: {', '.join(custom[:5])}", _BUILT_IN)


def _check_external(tensor: External, path: Path, folder: Path, release: ModelRelease) -> None:
    """Weights in another file are fine where that is a file of this release, and long enough."""
    home = folder.resolve()
    target = (path.parent / tensor.location).resolve()
    # "*/…" is how ONNX Runtime spells an address in its own memory.
    inside = tensor.location and not tensor.location.startswith(("*", "/", "\\"))
    if not inside or not target.is_relative_to(home):
        raise RefusedModelError(
            f"the weights of {tensor.tensor!r} are outside its folder: {tensor.location!r}",
            "Export it again with the weights inside, or in a file beside it.",
        )
    known = {(folder / file.path).resolve(): file for file in release.files}
    if target not in known:
        raise RefusedModelError(
            f"the weights of {tensor.tensor!r} are in {tensor.location!r}, "
            "which is not among the manifest's files",
            "Install the whole folder, or export the model as one file.",
        )
    end = tensor.offset + tensor.length
    if tensor.offset < 0 or tensor.length < 0 or end > known[target].size:
        raise RefusedModelError(
            f"the weights of {tensor.tensor!r} lie behind the end of their file"
        )


def _check_tflite(path: Path, limits: AdmissionLimits) -> None:
    graph = tflite_graph.read_graph(path)
    if graph.external:
        raise RefusedModelError(
            "its weights are in another file", "Export it again with the weights inside."
        )
    control = {
        tflite_graph.CONTROL[code] for code, _ in graph.operators if code in tflite_graph.CONTROL
    }
    if control and not limits.tflite_control_flow:
        raise RefusedModelError(f"it uses {', '.join(sorted(control))}: control flow", _BUILT_IN)
    custom = {name for code, name in graph.operators if code == tflite_graph.CUSTOM}
    if custom - limits.tflite_custom:
        names = ", ".join(sorted(custom - limits.tflite_custom))
        raise RefusedModelError(f"it uses custom operators: {names}", _BUILT_IN)
