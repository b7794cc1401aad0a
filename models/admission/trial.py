"""The part of admission that runs the model: are its answers numbers, do they depend on the
picture, and are they the expected ones on its golden images?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models import image as images
from models.detection import intersection_over_union
from models.detector import Detector
from models.image import ImageFileError
from models.preprocess import Image, to_tensor
from models.release import HeadLayout
from models.runner import RefusedModelError, TensorSpec
from models.yolo_head import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.classifier import Classifier
    from models.detection import Detection
    from models.release import Golden

Outputs = dict[str, np.ndarray]

_IOU = 0.5
"""Overlap with which a golden image's detections are suppressed."""
_LIKELY = 0.5
"""Where nothing is expected, nothing that is likelier than this may be found."""
_SLACK = 1e-3
_UNIT = 2.0
"""Coordinates up to this can't be pixels: no detector finds boxes of two pixels only."""


def check_answers(folder: Path, model: Detector | Classifier) -> None:
    """Run the model on its golden images, or on a made-up picture where it has none.

    Raises:
        RefusedModelError: it must not serve.
        InferenceError: it can't be run.
    """
    goldens = [(golden, _read(folder / golden.image)) for golden in model.release.golden]
    made_up = synthetic(model.input.width, model.input.height)
    pictures = [picture for _, picture in goldens] or [made_up]
    answers = [_run(model, picture) for picture in pictures]
    for answer in answers:
        _check_numbers(answer)
        _check_shapes(model, answer)
        _check_ranges(model, answer)
    _check_not_constant(model, answers[0], _run(model, 255 - pictures[0][:, ::-1]))
    for golden, picture in goldens:
        if isinstance(model, Detector):
            _check_detections(model, golden, picture)
        else:
            _check_class(model, golden, picture)


def synthetic(width: int, height: int) -> Image:
    """A picture with all colours, edges of all sizes, and noise; always the same one.

    Returns:
        height x width x 3 uint8 RGB.
    """
    y, x = np.mgrid[0:height, 0:width]
    ramps = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], -1)
    patch = max(8, min(width, height) // 4)
    colours = np.array(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [255, 255, 0]]
    )
    tiles = colours[(x // patch + 2 * (y // patch)) % len(colours)]
    noise = np.random.default_rng(7).integers(-24, 25, (height, width, 3))
    where = ((x // patch + y // patch) % 2 == 0)[..., None]
    mixed = np.where(where, tiles, ramps + noise)
    return np.asarray(np.clip(mixed, 0, 255), dtype=np.uint8)


def _run(model: Detector | Classifier, picture: Image) -> Outputs:
    tensor, _ = to_tensor(np.ascontiguousarray(picture), model.input, model.release.preprocess)
    return dict(model.runner.run(tensor))


def _read(path: Path) -> Image:
    try:
        data = path.read_bytes()
        return images.decode(data, images.read_header(data)).image
    except (OSError, ImageFileError) as e:
        raise RefusedModelError(
            f"the golden image {path.name} can't be read: {e}", "Replace it, or leave it out."
        ) from e


def _check_numbers(answer: Outputs) -> None:
    for name, values in answer.items():
        if not np.isfinite(values).all():
            raise RefusedModelError(
                f"output {name!r} holds NaN or infinity",
                "Export it again; half precision and a wrong operator set are common causes.",
            )


def _check_shapes(model: Detector | Classifier, answer: Outputs) -> None:
    """What came out, against what the file declared and the manifest says."""
    specs = tuple(TensorSpec(name, v.shape, "float32") for name, v in answer.items())
    if isinstance(model, Detector):
        output = model.release.output
        head = resolve(specs, len(model.release.labels), model.input, output)
        if head.layout is not model.head.layout:
            raise RefusedModelError("the outputs have other shapes than the file declares")
    elif answer[model.output].size != len(model.release.labels):
        raise RefusedModelError(
            f"{len(model.release.labels)} labels, and {answer[model.output].size} scores come out",
            "Compare the number of labels with what the network was trained on.",
        )


def _check_ranges(model: Detector | Classifier, answer: Outputs) -> None:
    if isinstance(model, Detector):
        if model.head.layout is not HeadLayout.RAW:
            _check_table(model, answer[model.head.output][0])
    elif model.release.output.scores == "probabilities":
        scores = answer[model.output]
        if scores.min() < -_SLACK or abs(float(scores.sum()) - 1) > 0.05:
            raise RefusedModelError(
                f"the scores are no probabilities: they add up to {float(scores.sum()):.3g}",
                'Say in model.toml: [output] scores = "logits".',
            )


def _check_table(model: Detector, table: NDArray[np.float32]) -> None:
    rows = table.T if model.head.boxes_last else table
    if not rows.size:
        return  # an end-to-end head of variable length that found nothing
    boxes, rest = rows[:, :4], rows[:, 4:]
    scores = rest[:, :1] if model.head.layout is HeadLayout.END_TO_END else rest
    if not model.head.logits and (scores.min() < -_SLACK or scores.max() > 1 + _SLACK):
        raise RefusedModelError(
            f"the scores are no probabilities: {scores.min():.3g} to {scores.max():.3g}",
            'Say in model.toml: [output] scores = "logits".',
        )
    reach = float(np.abs(boxes).max())
    normalised = model.head.normalised
    if reach > 4 * _UNIT if normalised else 0 < reach <= _UNIT:
        raise RefusedModelError(
            f"the boxes reach {reach:.3g}: {'pixels' if normalised else '0..1'}",
            f"Say in model.toml: [output] normalised = {str(not normalised).lower()}.",
        )


def _check_not_constant(model: Detector | Classifier, one: Outputs, other: Outputs) -> None:
    if any(not np.array_equal(one[name], other[name]) for name in one):
        return
    nothing = all(not values.any() for values in one.values())
    end_to_end = isinstance(model, Detector) and model.head.layout is HeadLayout.END_TO_END
    if end_to_end and nothing and not model.release.golden:
        return  # it found nothing in two made-up pictures, and has nothing else to say
    raise RefusedModelError(
        "its answer is the same whatever the picture", "Export it again from the trained weights."
    )


def _check_detections(model: Detector, golden: Golden, picture: Image) -> None:
    least = min((confidence for _, confidence, _ in golden.expected), default=_LIKELY)
    keep = max(0.01, least - golden.confidence_tolerance)
    found = list(model.detect(picture, keep, _IOU, 300))
    for label, confidence, box in golden.expected:
        match = next((d for d in found if _matches(d, label, confidence, box, golden)), None)
        if match is None:
            raise RefusedModelError(
                f"{golden.image}: expected {label} {confidence:.2f} at "
                f"{tuple(round(v) for v in box)}, found {_nearest(found, box)}",
                "The file is not the one that was released, or the manifest describes another.",
            )
        found.remove(match)
    # Whoever wrote the manifest listed everything as sure as the least sure; allow for machines.
    limit = min(least + golden.confidence_tolerance, (1 + least) / 2)
    more = [d for d in found if d.confidence > limit]
    if more:
        raise RefusedModelError(
            f"{golden.image}: found {_nearest(more, more[0].box)}, which is not expected",
            "The file is not the one that was released, or the manifest describes another.",
        )


def _matches(
    found: Detection,
    label: str,
    confidence: float,
    box: tuple[float, float, float, float],
    golden: Golden,
) -> bool:
    near = all(abs(a - b) <= golden.box_tolerance for a, b in zip(found.box, box, strict=True))
    sure = abs(found.confidence - confidence) <= golden.confidence_tolerance
    return found.label == label and near and sure


def _nearest(found: list[Detection], box: tuple[float, float, float, float]) -> str:
    if not found:
        return "nothing"
    best = max(found, key=lambda d: intersection_over_union(d.box, box))
    return f"{best.label} {best.confidence:.2f} at {tuple(round(v) for v in best.box)}"


def _check_class(model: Classifier, golden: Golden, picture: Image) -> None:
    said = model.classify(picture)
    shares = dict(zip(model.release.labels, said.probabilities, strict=True))
    for label, confidence, _ in golden.expected:
        if abs(shares.get(label, -1.0) - confidence) > golden.confidence_tolerance:
            raise RefusedModelError(
                f"{golden.image}: expected {label} {confidence:.2f}, "
                f"found {said.label} {said.confidence:.2f}",
                "The file is not the one that was released, or the manifest describes another.",
            )
