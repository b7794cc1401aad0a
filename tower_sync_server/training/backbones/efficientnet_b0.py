"""EfficientNetB0 (Tan and Le, 2019) with the names that public weights use."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_STAGES = (
    (1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1),
)  # fmt: skip
"""Expansion, kernel, stride of the first block, channels, blocks."""
_STEM, _FEATURES = 32, 1280
_DROPPED = 0.2
"""Chance of the last block to be left out in training; the first is never."""


class ConvUnit(nn.Sequential):
    """Convolution, batch normalisation, and SiLU where it isn't the last of a block."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1,
        *, active: bool = True,
    ) -> None:  # fmt: skip
        """Keep the size for stride 1, halve it for stride 2."""
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([nn.SiLU(inplace=True)] if active else []))


class SqueezeExcitation(nn.Module):
    """Weighs channels by what all of the picture says."""

    def __init__(self, channels: int, squeezed: int) -> None:
        """Keep size and channels."""
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = nn.SiLU(inplace=True)
        self.scale_activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        weight = self.fc2(self.activation(self.fc1(self.avgpool(x))))
        return x * self.scale_activation(weight)  # type: ignore[no-any-return]


class MBConv(nn.Module):
    """Widen, look at each channel alone, weigh, narrow; the input is carried where it fits."""

    def __init__(
        self, inputs: int, outputs: int, form: tuple[int, int, int], dropped: float
    ) -> None:
        """Make a block; `form` is its expansion, kernel and stride."""
        super().__init__()
        expansion, kernel, stride = form
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(ConvUnit(inputs, hidden, 1))
        layers += [
            ConvUnit(hidden, hidden, kernel, stride, hidden),
            SqueezeExcitation(hidden, max(1, inputs // 4)),
            ConvUnit(hidden, outputs, 1, active=False),
        ]
        self.block = nn.Sequential(*layers)
        self.carried = stride == 1 and inputs == outputs
        self.dropped = dropped

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        inner: Tensor = self.block(x)
        if not self.carried:
            return inner
        if self.training and self.dropped > 0:
            kept = 1.0 - self.dropped
            inner = inner * torch.empty(len(x), 1, 1, 1).bernoulli_(kept).div_(kept).to(inner)
        return x + inner


class EfficientNetB0(nn.Module):
    """Maps pictures (B, 3, S, S) to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        """Make it untrained."""
        super().__init__()
        stages: list[nn.Module] = [ConvUnit(3, _STEM, 3, 2)]
        channels, done = _STEM, 0
        total = sum(count for *_, count in _STAGES)
        for expansion, kernel, stride, outputs, count in _STAGES:
            blocks = []
            for number in range(count):
                form = (expansion, kernel, stride if number == 0 else 1)
                blocks.append(MBConv(channels, outputs, form, _DROPPED * done / total))
                channels, done = outputs, done + 1
            stages.append(nn.Sequential(*blocks))
        stages.append(ConvUnit(channels, _FEATURES, 1))
        self.features = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(_FEATURES, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of each picture."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))  # type: ignore[no-any-return]
