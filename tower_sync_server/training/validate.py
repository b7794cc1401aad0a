"""Figures of a network between two epochs, decoded by the device's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from models.nms import non_maximum_suppression
from models.release import HeadLayout
from models.yolo import GridMap, Head, decode
from tower_sync_server.average_precision import (
    Found,
    Precision,
    There,
    mean_average_precision,
)
from tower_sync_server.training.network import BINS, STRIDES

if TYPE_CHECKING:
    from tower_sync_server.training.cache import Cache

KEEP = 0.01
"""Confidence from which detections are kept for measuring."""
OVERLAP = 0.6
"""Overlap above which the weaker of two boxes of one class is dropped."""
MOST = 100
"""Detections kept of one photo."""


def raw_head(classes: int, side: int, bins: int = BINS) -> Head:
    """Describe this network's outputs to `models.yolo.decode`."""
    maps = tuple(GridMap(one, f"box_{one}", f"cls_{one}", bins=bins) for one in STRIDES)
    return Head(HeadLayout.RAW, classes, side, side, maps=maps, logits=True)


def validate(network: nn.Module, cache: Cache) -> Precision:
    """Measure `network` on the cached photos, on their canvas."""
    network.eval()
    head = raw_head(len(cache.labels), cache.images.shape[1])
    found = [_detect(network, head, np.asarray(image)) for image in cache.images]
    there = [There(one.boxes.astype(np.float64), one.classes) for one in cache.truths]
    return mean_average_precision(found, there, len(cache.labels))


@torch.no_grad()
def _detect(network: nn.Module, head: Head, image: npt.NDArray[np.uint8]) -> Found:
    """Run the network on one canvas (S x S x 3)."""
    tensor = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255.0
    outputs = {}
    for stride, (box, cls) in zip(STRIDES, network(tensor), strict=True):
        outputs[f"box_{stride}"] = box.numpy()
        outputs[f"cls_{stride}"] = cls.numpy()
    limit = np.full(head.classes, np.log(KEEP / (1 - KEEP)))
    candidates = decode(head, outputs, limit)
    scores = 1 / (1 + np.exp(-candidates.logits.max(axis=1, initial=-50.0)))
    classes = candidates.logits.argmax(axis=1) if len(scores) else np.zeros(0, np.int64)
    boxes = candidates.boxes.clip(0, image.shape[0])
    kept = non_maximum_suppression(boxes, scores, classes, OVERLAP, MOST)
    return Found(boxes[kept].astype(np.float64), classes[kept].astype(np.int64), scores[kept])
