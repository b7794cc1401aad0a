"""Which picture a network takes: what the manifest says, checked against the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.jsonable import InvalidWordError
from models.release import Input
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.release import ModelRelease
    from models.runner import Runner, TensorSpec

_DTYPES = ("float32", "float16", "int8", "uint8")
_CORRECT = "Correct [input] in model.toml."


class NoSizeError(RefusedModelError):
    """The network takes any size, and nothing says which one to use."""


def input_of(runner: Runner, release: ModelRelease) -> Input:
    """The input of a loaded network; see `match_input`."""
    return match_input(runner.inputs, release.input)


def match_input(inputs: Sequence[TensorSpec], said: Input | None) -> Input:
    """The network's input: the manifest's, checked against the file, or the file's own.

    Args:
        inputs: what the file declares.
        said: what the manifest says; None: the file alone counts.

    Raises:
        RefusedModelError: they contradict each other, or it isn't one three-channel picture.
        NoSizeError: the network takes any size, and the manifest doesn't say one.
    """
    shape = _picture(inputs)
    layout = _layout(shape, said)
    channels, height, width = (
        (shape[1], shape[2], shape[3]) if layout == "NCHW" else (shape[3], shape[1], shape[2])
    )
    if channels not in (3, None):
        raise RefusedModelError(f"the network wants {channels} colour channels instead of three")
    if said is None:
        return _own(width, height, layout)
    if width not in (said.width, None) or height not in (said.height, None):
        raise RefusedModelError(
            f"the manifest says {said.width} x {said.height}, the network takes {width} x {height}",
            _CORRECT,
        )
    return said


def _picture(inputs: Sequence[TensorSpec]) -> tuple[int | None, ...]:
    if len(inputs) != 1:
        raise RefusedModelError(f"the network has {len(inputs)} inputs instead of one picture")
    spec = inputs[0]
    if len(spec.shape) != 4 or spec.shape[0] not in (1, None):
        raise RefusedModelError(
            f"input {spec.name!r} of shape {list(spec.shape)} is no single picture"
        )
    if spec.dtype not in _DTYPES:
        raise RefusedModelError(
            f"input {spec.name!r} takes {spec.dtype}",
            "Export it with an input of float32, float16, int8 or uint8.",
        )
    return spec.shape


def _own(width: int | None, height: int | None, layout: str) -> Input:
    if width is None or height is None:
        raise NoSizeError(
            "the network takes any size, so the manifest has to say one",
            "Say in model.toml: [input] width = 640, height = 640.",
        )
    try:
        return Input(width, height, layout)
    except InvalidWordError as e:
        raise RefusedModelError(f"the network's input is {width} x {height} pixels: {e}") from e


def _layout(shape: tuple[int | None, ...], said: Input | None) -> str:
    """NCHW or NHWC: whichever axis has three channels, else what the manifest says, else NCHW."""
    fits = [name for name, axis in (("NCHW", 1), ("NHWC", 3)) if shape[axis] == 3]
    if said is None:
        return fits[0] if len(fits) == 1 else "NCHW"
    if fits and said.layout not in fits:
        raise RefusedModelError(
            f"the manifest says {said.layout}, the network's input is {list(shape)}", _CORRECT
        )
    return said.layout
