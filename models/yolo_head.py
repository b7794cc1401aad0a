"""Which head layout a detector has: from its manifest, else from the shapes of its outputs.

Where more than one layout fits, nothing is guessed: the model is refused, and the reason says
which layouts it could be.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.release import HeadLayout
from models.runner import RefusedModelError
from models.yolo import GridMap, Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from models.release import Input, Output
    from models.runner import TensorSpec

_NAMED = re.compile(r"(box|cls|head)_(\d+)")
_NAME = "Name the outputs of a raw head box_8 and cls_8, or head_8, and so on for each stride."
_BINS = 16
"""The bins of a distribution head, where its name doesn't say that it is one."""
_ASK = 'Say in model.toml: [output] head = "v5", "v8", "end2end" or "raw".'


class AmbiguousHeadError(RefusedModelError):
    """More than one layout fits, so somebody has to say which it is."""


def resolve(specs: Sequence[TensorSpec], classes: int, canvas: Input, output: Output) -> Head:
    """Find out how to decode these outputs.

    Args:
        specs: the network's outputs.
        classes: how many labels the model has.
        canvas: the network's input.
        output: what the manifest says; a missing head is guessed from the shapes.

    Raises:
        RefusedModelError: no layout fits.
        AmbiguousHeadError: more than one does.
    """
    if output.head is HeadLayout.RAW or (output.head is None and _looks_raw(specs)):
        maps = _grid_maps(specs, classes, canvas)
        _require_strides(maps, output.strides)
        return Head(HeadLayout.RAW, classes, canvas.width, canvas.height, maps=maps, logits=True)
    spec = _table(specs)
    fits = _fitting(spec, classes, canvas, output.head)
    if not fits:
        wanted = f"the {output.head} layout" if output.head else "any known layout"
        raise RefusedModelError(
            f"output {spec.name!r} of shape {_shape(spec)} doesn't fit {wanted}, {classes} labels",
            "Compare the number of labels with what the network was trained on. " + _ASK,
        )
    if len(fits) > 1:
        names = " or ".join(sorted({str(layout) for layout, _ in fits}))
        raise AmbiguousHeadError(
            f"output {spec.name!r} of shape {_shape(spec)} could be {names}, {classes} labels", _ASK
        )
    layout, boxes_last = fits[0]
    logits = output.scores == "logits"
    return Head(
        layout, classes, canvas.width, canvas.height, spec.name,
        boxes_last=boxes_last, normalised=output.normalised, logits=logits,
    )  # fmt: skip


def cells(canvas: Input, strides: Iterable[int] = (8, 16, 32)) -> int:
    """How many cells a head has on this canvas, one anchor each."""
    return sum(-(-canvas.width // s) * -(-canvas.height // s) for s in strides)


def _looks_raw(specs: Sequence[TensorSpec]) -> bool:
    return any(len(spec.shape) == 4 for spec in specs)


def _table(specs: Sequence[TensorSpec]) -> TensorSpec:
    tables = [spec for spec in specs if len(spec.shape) == 3]
    if len(tables) != 1:
        shapes = ", ".join(f"{spec.name} {_shape(spec)}" for spec in specs)
        raise RefusedModelError(
            f"expected one output of three dimensions, got {shapes}",
            "Export the detector with one output, or with raw heads named box_8, cls_8, box_16, …",
        )
    return tables[0]


def _fitting(
    spec: TensorSpec, classes: int, canvas: Input, wanted: HeadLayout | None
) -> list[tuple[HeadLayout, bool]]:
    """Layouts (and whether boxes lie along the last axis) that fit the shape.

    Where several do, the number of boxes decides, if it can: a v8 head has one box a cell, a v5
    head three, an end-to-end one a few hundred whatever the canvas.
    """
    _, middle, last = spec.shape
    one = {cells(canvas), cells(canvas, (8, 16, 32, 64))}
    three = {3 * n for n in one}
    few = middle is not None and middle <= 1000 and middle not in one | three
    shapes = [
        (HeadLayout.V8, True, middle == 4 + classes, last in one),
        (HeadLayout.V8, False, last == 4 + classes and middle not in three, middle in one),
        (HeadLayout.V5, False, last == 5 + classes, middle in three),
        (HeadLayout.END_TO_END, False, last == 6, few),
    ]
    fits = [s for s in shapes if s[2] and wanted in (None, s[0])]
    exact = [s for s in fits if s[3]]
    return [s[:2] for s in (exact if len(exact) == 1 else fits)]


def _grid_maps(specs: Sequence[TensorSpec], classes: int, canvas: Input) -> tuple[GridMap, ...]:
    by_stride: dict[int, dict[str, TensorSpec]] = {}
    for spec in specs:
        if len(spec.shape) == 4:
            stride, role = _role(spec, classes, canvas)
            if role in by_stride.setdefault(stride, {}):
                raise RefusedModelError(f"two outputs are the {role} map of stride {stride}")
            by_stride[stride][role] = spec
    if not by_stride:
        raise RefusedModelError("a raw head needs outputs of four dimensions", _ASK)
    return tuple(_grid_map(s, by_stride[s], classes, canvas) for s in sorted(by_stride))


def _role(spec: TensorSpec, classes: int, canvas: Input) -> tuple[int, str]:
    named = _NAMED.fullmatch(spec.name)
    if named:
        return int(named[2]), named[1]
    channels, rows = _channels(spec, canvas), _rows(spec, canvas)
    widths = {"box": (4, 4 * _BINS), "cls": (classes,), "head": (4 + classes, 4 * _BINS + classes)}
    roles = [role for role, known in widths.items() if channels in known]
    if len(roles) != 1 or not rows or canvas.height % rows:
        what = " or ".join(roles) if roles else "nothing known"
        raise RefusedModelError(
            f"output {spec.name!r} of shape {_shape(spec)} could be {what}, {classes} labels",
            _NAME,
        )
    return canvas.height // rows, roles[0]


def _grid_map(stride: int, roles: Mapping[str, TensorSpec], classes: int, canvas: Input) -> GridMap:
    last = canvas.layout == "NHWC"
    if set(roles) == {"head"}:
        joint = roles["head"]
        bins = _bins(_channels(joint, canvas), classes)
        _require_grid(joint, 4 * bins + classes, stride, canvas)
        return GridMap(stride, joint.name, joint.name, last, bins)
    if set(roles) == {"box", "cls"}:
        box, scores = roles["box"], roles["cls"]
        bins = _bins(_channels(box, canvas), 0)
        _require_grid(box, 4 * bins, stride, canvas)
        _require_grid(scores, classes, stride, canvas)
        return GridMap(stride, box.name, scores.name, last, bins)
    raise RefusedModelError(
        f"stride {stride} has {sorted(roles)}, not box and cls, nor head", _NAME
    )


def _bins(channels: int | None, others: int) -> int:
    """Bins of each distance; 1 where the channels are the distances themselves."""
    sides = (channels or 4 + others) - others
    return sides // 4 if sides > 0 and sides % 4 == 0 else 1


def _require_grid(spec: TensorSpec, channels: int, stride: int, canvas: Input) -> None:
    expected = (channels, canvas.height // stride, canvas.width // stride)
    last = canvas.layout == "NHWC"
    got = (spec.shape[3], *spec.shape[1:3]) if last else spec.shape[1:]
    if any(g is not None and g != e for g, e in zip(got, expected, strict=True)):
        raise RefusedModelError(
            f"output {spec.name!r} of shape {_shape(spec)}: expected {channels} channels on "
            f"{expected[1]} x {expected[2]} cells",
            "Compare the labels, the input size and the strides with the training's.",
        )


def _require_strides(maps: tuple[GridMap, ...], expected: tuple[int, ...]) -> None:
    found = tuple(scale.stride for scale in maps)
    if expected and tuple(sorted(expected)) != found:
        raise RefusedModelError(
            f"the manifest says strides {expected}, the file has {found}",
            "Correct [output] strides in model.toml.",
        )


def _channels(spec: TensorSpec, canvas: Input) -> int | None:
    return spec.shape[3] if canvas.layout == "NHWC" else spec.shape[1]


def _rows(spec: TensorSpec, canvas: Input) -> int | None:
    return spec.shape[1] if canvas.layout == "NHWC" else spec.shape[2]


def _shape(spec: TensorSpec) -> str:
    return "[" + ", ".join("?" if d is None else str(d) for d in spec.shape) + "]"
