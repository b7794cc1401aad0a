"""The severity classifier's network: residual, ReLU, a tenth of the detector's work."""

from __future__ import annotations

from torch import nn

from tower_sync_server.training.network import ConvUnit, Residual


class SeverityNet(nn.Sequential):
    """Maps crops (B, 3, S, S), 0..1, to logits (B, classes)."""

    def __init__(self, classes: int, widths: tuple[int, int, int, int] = (16, 32, 64, 96)) -> None:
        """Make a network; `widths` are its channels at strides 2, 4, 8 and 16."""
        first, second, third, fourth = widths
        super().__init__(
            ConvUnit(3, first, stride=2),
            ConvUnit(first, second, stride=2),
            Residual(second),
            ConvUnit(second, third, stride=2),
            Residual(third),
            Residual(third),
            ConvUnit(third, fourth, stride=2),
            Residual(fourth),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(fourth, classes),
        )
