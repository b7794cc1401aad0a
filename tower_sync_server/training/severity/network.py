"""The severity classifier's network: the detector's first stages, which already know damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tower_sync_server.training.network import ConvUnit, SplitStage

if TYPE_CHECKING:
    from pathlib import Path


class SeverityNet(nn.Module):
    """Maps crops (B, 3, S, S), 0..1, to logits (B, classes)."""

    def __init__(self, classes: int, widths: tuple[int, ...] = (12, 24, 48, 96, 128)) -> None:
        """Make a network; `widths` are the detector's channels at strides 2, 4, 8 and 16."""
        super().__init__()
        stem, second, third, fourth = widths[:4]
        self.stem = nn.Sequential(ConvUnit(3, stem, stride=2), ConvUnit(stem, second, stride=2))
        self.stage4 = SplitStage(second, second, 1)
        self.stage8 = nn.Sequential(ConvUnit(second, third, stride=2), SplitStage(third, third, 2))
        self.stage16 = nn.Sequential(
            ConvUnit(third, fourth, stride=2), SplitStage(fourth, fourth, 2)
        )
        self.mean, self.peak = nn.AdaptiveAvgPool2d(1), nn.AdaptiveMaxPool2d(1)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(2 * fourth, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of each crop."""
        deep = self.stage16(self.stage8(self.stage4(self.stem(x))))
        return self.head(torch.cat([self.mean(deep), self.peak(deep)], dim=1))  # type: ignore[no-any-return]


def start_from_detector(network: SeverityNet, weights: Path) -> int:
    """Copy the stages both have from a detector's state; return how many tensors were copied."""
    theirs = torch.load(weights, weights_only=True)
    mine = network.state_dict()
    shared = {name: value for name, value in theirs.items() if name in mine}
    network.load_state_dict({**mine, **shared})
    return len(shared)
