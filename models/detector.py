"""From a picture to detections: input tensor, network, decoding, calibration, suppression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.calibration import logit, sigmoid, temperatures
from models.detection import Detection
from models.network_input import input_of
from models.nms import non_maximum_suppression
from models.preprocess import Image, Placement, to_tensor
from models.release import HeadLayout, Task
from models.runner import RefusedModelError
from models.yolo import Candidates, decode
from models.yolo_head import resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.detection import Box
    from models.release import ModelRelease
    from models.runner import Runner


class Detector:
    """A loaded detector. Not thread-safe: one caller at a time."""

    def __init__(self, runner: Runner, release: ModelRelease) -> None:
        """Match the network with its manifest.

        Raises:
            RefusedModelError: they don't fit each other.
        """
        if release.task is not Task.DETECT:
            raise RefusedModelError(f"{release.ref} doesn't detect: its task is {release.task}")
        self.release = release
        self.runner = runner
        self.input = input_of(runner, release)
        self.head = resolve(runner.outputs, len(release.labels), self.input, release.output)
        self._temperatures = temperatures(release.calibration, release.labels)

    def detect(
        self,
        image: Image,
        keep: float,
        iou: float,
        max_detections: int,
        factor: float = 1.0,
        size: tuple[int, int] | None = None,
    ) -> tuple[Detection, ...]:
        """Find what the model knows.

        Args:
            image: H x W x 3 uint8 RGB, upright.
            keep: calibrated confidence, 0..1, from which a box counts.
            iou: overlap above which the weaker of two boxes of one label goes.
            max_detections: at most this many.
            factor: size of `image` as a share of the original's, (0..1].
            size: width and height of the original, where `factor` doesn't give them exactly; boxes
                are clipped to them.

        Returns:
            Detections, surest first; boxes in pixels of the upright original.
        """
        tensor, placement = to_tensor(image, self.input, self.release.preprocess)
        outputs = self.runner.run(tensor)
        found = decode(self.head, outputs, self._temperatures * logit(keep))
        boxes, confidences, classes = self._judge(found, placement, keep)
        if self.head.layout is HeadLayout.END_TO_END:
            chosen = np.argsort(-confidences, kind="stable")[:max_detections]
        else:
            chosen = non_maximum_suppression(boxes, confidences, classes, iou, max_detections)
        corners = _to_original(boxes[chosen], factor, size)
        return tuple(
            Detection(box, self.release.labels[classes[i]], float(confidences[i]))
            for box, i in zip(corners, chosen, strict=True)
        )

    def _judge(
        self, found: Candidates, placement: Placement, keep: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.intp]]:
        """Calibrate, take each best class, move the boxes to the picture, drop empty ones."""
        probabilities = sigmoid(found.logits / self._temperatures)
        classes = probabilities.argmax(axis=1)
        confidences = probabilities.max(axis=1, initial=0.0)
        boxes = placement.to_picture(found.boxes)
        sides = boxes[:, 2:] - boxes[:, :2]
        # NaN and infinite coordinates fail these comparisons too, or were clipped to an empty box.
        good = (confidences >= keep) & (sides > 0).all(axis=1)
        return boxes[good], confidences[good], classes[good]


def _to_original(
    boxes: NDArray[np.float32], factor: float, size: tuple[int, int] | None
) -> list[Box]:
    """The one place where boxes leave the decoded picture for the upright original."""
    moved = boxes.astype(np.float64) / factor
    if size is not None:
        moved = np.minimum(moved, np.array(size * 2, np.float64))
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in moved.tolist()]
