"""Which cell learns which box: the task-aligned assignment of TOOD (Feng et al., 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_ALPHA, _BETA = 0.5, 6.0
"""Exponents of the class score and of the overlap in the alignment."""
_TOP = 10
"""At most so many cells learn one box."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Assignment:
    """What every cell has to say."""

    foreground: Tensor
    """(B, A) bool: cells that learn a box."""
    boxes: Tensor
    """(B, A, 4) that box, x1 y1 x2 y2 in pixels; anything where foreground is False."""
    scores: Tensor
    """(B, A, C) the class scores to reach: 0, or how well the cell suits its box."""


def assign(
    scores: Tensor, boxes: Tensor, centres: Tensor, truth: tuple[Tensor, Tensor, Tensor]
) -> Assignment:
    """Assign every box to the cells inside it that already do best on it.

    Args:
        scores: (B, A, C) probabilities the network gives.
        boxes: (B, A, 4) boxes it gives, pixels.
        centres: (A, 2) middle of each cell, pixels.
        truth: classes (B, M) int64, boxes (B, M, 4) pixels, and whether each is there (B, M) bool.
    """
    classes, targets, present = truth
    inside = _inside(centres, targets) & present[..., None]
    overlap = pairwise_iou(targets, boxes).clamp(min=0) * inside
    index = classes[:, :, None].expand(-1, -1, scores.shape[1])
    score = scores.transpose(1, 2).gather(1, index)
    alignment = score.pow(_ALPHA) * overlap.pow(_BETA) * inside
    chosen = _top_cells(alignment) & inside
    owner = _one_owner(chosen, overlap)
    foreground = chosen.any(dim=1)
    chosen = chosen & (torch.arange(targets.shape[1])[None, :, None] == owner[:, None])
    alignment = alignment * chosen
    best_alignment = alignment.amax(dim=2, keepdim=True)
    best_overlap = (overlap * chosen).amax(dim=2, keepdim=True)
    weight = (alignment * best_overlap / (best_alignment + _TINY)).amax(dim=1)
    picked = targets.gather(1, owner[..., None].expand(-1, -1, 4))
    kinds = classes.gather(1, owner)
    wanted = torch.zeros_like(scores)
    wanted.scatter_(2, kinds[..., None], (weight * foreground)[..., None])
    return Assignment(foreground, picked, wanted)


def _inside(centres: Tensor, targets: Tensor) -> Tensor:
    """Tell which cell centres (A, 2) lie in which boxes (B, M, 4): (B, M, A) bool.

    A box smaller than the finest cells could hold no centre at all, so each is taken to be at
    least 10 pixels wide and high here.
    """
    middle = (targets[..., :2] + targets[..., 2:]) / 2
    half = ((targets[..., 2:] - targets[..., :2]) / 2).clamp(min=5.0)
    distance = (centres[None, None] - middle[:, :, None]).abs()
    return (distance < half[:, :, None]).all(dim=-1)


def _top_cells(alignment: Tensor) -> Tensor:
    """Mark the best cells of each box: (B, M, A) bool."""
    _, cells = alignment.topk(min(_TOP, alignment.shape[2]), dim=2)
    chosen = torch.zeros_like(alignment, dtype=torch.bool)
    return chosen.scatter_(2, cells, True)


def _one_owner(chosen: Tensor, overlap: Tensor) -> Tensor:
    """Give each cell to that of its boxes which it overlaps most: (B, A) index of the box."""
    return torch.where(chosen, overlap + _TINY, torch.full_like(overlap, -1.0)).argmax(dim=1)


def pairwise_iou(one: Tensor, two: Tensor) -> Tensor:
    """Overlap of every box of `one` (B, M, 4) with every one of `two` (B, A, 4): (B, M, A)."""
    low = torch.maximum(one[:, :, None, :2], two[:, None, :, :2])
    high = torch.minimum(one[:, :, None, 2:], two[:, None, :, 2:])
    both = (high - low).clamp(min=0).prod(dim=-1)
    area_one = (one[..., 2:] - one[..., :2]).clamp(min=0).prod(dim=-1)
    area_two = (two[..., 2:] - two[..., :2]).clamp(min=0).prod(dim=-1)
    return both / (area_one[:, :, None] + area_two[:, None] - both + _TINY)
