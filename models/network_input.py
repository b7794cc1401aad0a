"""Which picture a network takes: what the manifest says, checked against the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.release import Input
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from models.release import ModelRelease
    from models.runner import Runner


def input_of(runner: Runner, release: ModelRelease) -> Input:
    """The network's input: the manifest's, checked against the file, or the file's own.

    Raises:
        RefusedModelError: they contradict each other, or it isn't one three-channel picture.
    """
    if len(runner.inputs) != 1:
        raise RefusedModelError(
            f"the network has {len(runner.inputs)} inputs instead of one picture"
        )
    spec = runner.inputs[0]
    shape = spec.shape
    if len(shape) != 4 or shape[0] not in (1, None):
        raise RefusedModelError(f"input {spec.name!r} of shape {list(shape)} is no single picture")
    if spec.dtype not in ("float32", "float16", "int8", "uint8"):
        raise RefusedModelError(
            f"input {spec.name!r} takes {spec.dtype}",
            "Export it with an input of float32, float16, int8 or uint8.",
        )
    layout = _layout(shape, release.input)
    channels, height, width = (
        (shape[1], shape[2], shape[3]) if layout == "NCHW" else (shape[3], shape[1], shape[2])
    )
    if channels not in (3, None):
        raise RefusedModelError(f"the network wants {channels} colour channels instead of three")
    said = release.input
    if said is None:
        if width is None or height is None:
            raise RefusedModelError(
                "the network takes any size, so the manifest has to say one",
                "Say in model.toml: [input] width = 640, height = 640.",
            )
        return Input(width, height, layout)
    if width not in (said.width, None) or height not in (said.height, None):
        raise RefusedModelError(
            f"the manifest says {said.width} x {said.height}, the network takes {width} x {height}",
            "Correct [input] in model.toml.",
        )
    return said


def _layout(shape: tuple[int | None, ...], said: Input | None) -> str:
    """NCHW or NHWC: whichever axis has three channels, else what the manifest says, else NCHW."""
    fits = [name for name, axis in (("NCHW", 1), ("NHWC", 3)) if shape[axis] == 3]
    if said is None:
        return fits[0] if len(fits) == 1 else "NCHW"
    if fits and said.layout not in fits:
        raise RefusedModelError(
            f"the manifest says {said.layout}, the network's input is {list(shape)}",
            "Correct [input] layout in model.toml.",
        )
    return said.layout
