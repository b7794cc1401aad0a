"""What the detector is trained to make small: boxes, their distributions, classes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tower_sync_server.training.assigner import assign
from tower_sync_server.training.network import BINS, STRIDES

_BOX_GAIN, _BIN_GAIN, _CLASS_GAIN = 7.5, 1.5, 0.5
"""Weights of the three parts."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of all strides in one row, finest first."""

    centres: Tensor
    """(A, 2) x, y in pixels."""
    strides: Tensor
    """(A, 1) pixels."""


def make_cells(sizes: list[tuple[int, int]]) -> Cells:
    """Lay out the cells of maps of `sizes` (height, width), one for each of STRIDES."""
    centres, strides = [], []
    for (height, width), stride in zip(sizes, STRIDES, strict=True):
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        grid = torch.stack([x, y], dim=-1).reshape(-1, 2).float() + 0.5
        centres.append(grid * stride)
        strides.append(torch.full((height * width, 1), float(stride)))
    return Cells(torch.cat(centres), torch.cat(strides))


def flatten(outputs: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Join the maps of all strides: bins (B, A, 4, BINS) and class logits (B, A, C)."""
    bins = torch.cat([box.flatten(2) for box, _ in outputs], dim=2).transpose(1, 2)
    logits = torch.cat([cls.flatten(2) for _, cls in outputs], dim=2).transpose(1, 2)
    return bins.reshape(*bins.shape[:2], 4, BINS).float(), logits.float()


def decode(bins: Tensor, cells: Cells) -> Tensor:
    """Turn distance distributions (B, A, 4, BINS) into boxes (B, A, 4) in pixels."""
    sides = bins.softmax(dim=-1) @ torch.arange(BINS, dtype=bins.dtype)
    sides = sides * cells.strides
    return torch.cat([cells.centres - sides[..., :2], cells.centres + sides[..., 2:]], dim=-1)


def detection_loss(
    outputs: list[tuple[Tensor, Tensor]], truth: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, dict[str, float]]:
    """Return the loss of one batch and its parts for the log.

    Args:
        outputs: what the network gave.
        truth: classes (B, M), boxes (B, M, 4) in pixels, whether each is there (B, M).
    """
    cells = make_cells([(box.shape[2], box.shape[3]) for box, _ in outputs])
    bins, logits = flatten(outputs)
    boxes = decode(bins, cells)
    with torch.no_grad():
        target = assign(logits.sigmoid(), boxes, cells.centres, truth)
    total = target.scores.sum().clamp(min=1.0)
    wrong = functional.binary_cross_entropy_with_logits(logits, target.scores, reduction="sum")
    class_loss = wrong / total
    mine = target.foreground
    weight = target.scores.sum(dim=-1)[mine]
    overlap = complete_iou(boxes[mine], target.boxes[mine])
    box_loss = ((1.0 - overlap) * weight).sum() / total
    bin_loss = (_bin_loss(bins, target.boxes, cells, mine) * weight).sum() / total
    loss = _BOX_GAIN * box_loss + _BIN_GAIN * bin_loss + _CLASS_GAIN * class_loss
    parts = {
        "box": float(box_loss.detach()),
        "bins": float(bin_loss.detach()),
        "class": float(class_loss.detach()),
    }
    return loss, parts


def _bin_loss(bins: Tensor, boxes: Tensor, cells: Cells, mine: Tensor) -> Tensor:
    """Cross entropy of the two bins next to each true distance, (F,) for the F cells of `mine`."""
    to_low = (cells.centres - boxes[..., :2]) / cells.strides
    to_high = (boxes[..., 2:] - cells.centres) / cells.strides
    sides = torch.cat([to_low, to_high], dim=-1)[mine].clamp(0, BINS - 1 - 0.01)
    lower = sides.floor()
    share = sides - lower
    logs = bins[mine].log_softmax(dim=-1)
    left = logs.gather(-1, lower.long()[..., None])[..., 0]
    right = logs.gather(-1, lower.long()[..., None] + 1)[..., 0]
    return -(left * (1 - share) + right * share).mean(dim=-1)


def complete_iou(one: Tensor, two: Tensor) -> Tensor:
    """Complete IoU (Zheng et al., 2020) of N pairs of boxes (N, 4): overlap, distance, aspect."""
    low, high = torch.maximum(one[:, :2], two[:, :2]), torch.minimum(one[:, 2:], two[:, 2:])
    both = (high - low).clamp(min=0).prod(dim=1)
    size_one = (one[:, 2:] - one[:, :2]).clamp(min=1e-6)
    size_two = (two[:, 2:] - two[:, :2]).clamp(min=1e-6)
    iou = both / (size_one.prod(dim=1) + size_two.prod(dim=1) - both + 1e-7)
    hull = torch.maximum(one[:, 2:], two[:, 2:]) - torch.minimum(one[:, :2], two[:, :2])
    diagonal = hull.square().sum(dim=1) + 1e-7
    apart = (one[:, :2] + one[:, 2:] - two[:, :2] - two[:, 2:]).square().sum(dim=1) / 4
    angle = torch.atan(size_two[:, 0] / size_two[:, 1]) - torch.atan(
        size_one[:, 0] / size_one[:, 1]
    )
    aspect = (4 / math.pi**2) * angle.square()
    with torch.no_grad():
        trade = aspect / (1 - iou + aspect + 1e-7)
    return iou - apart / diagonal - trade * aspect
