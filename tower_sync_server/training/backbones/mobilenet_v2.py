"""MobileNetV2 (Sandler et al., 2018) with the names that public weights use."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
"""Expansion, channels, blocks, stride of the first of them."""
_STEM, _FEATURES = 32, 1280


class ConvUnit(nn.Sequential):
    """Convolution, batch normalisation, ReLU up to 6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1
    ) -> None:
        """Keep the size for stride 1, halve it for stride 2."""
        super().__init__(
            nn.Conv2d(
                inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False
            ),
            nn.BatchNorm2d(outputs),
            nn.ReLU6(inplace=True),
        )  # fmt: skip


class InvertedResidual(nn.Module):
    """Widen, look at each channel alone, narrow; around it the input is carried where it fits."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        """Halve the size for stride 2."""
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(ConvUnit(inputs, hidden, kernel=1))
        layers += [
            ConvUnit(hidden, hidden, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers)
        self.carried = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        return x + self.conv(x) if self.carried else self.conv(x)  # type: ignore[no-any-return]


class MobileNetV2(nn.Module):
    """Maps pictures (B, 3, S, S) to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        """Make it untrained."""
        super().__init__()
        layers: list[nn.Module] = [ConvUnit(3, _STEM, stride=2)]
        channels = _STEM
        for expansion, outputs, count, stride in _STAGES:
            for number in range(count):
                first = stride if number == 0 else 1
                layers.append(InvertedResidual(channels, outputs, first, expansion))
                channels = outputs
        layers.append(ConvUnit(channels, _FEATURES, kernel=1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(_FEATURES, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of each picture."""
        pooled = functional.adaptive_avg_pool2d(self.features(x), 1).flatten(1)
        return self.classifier(pooled)  # type: ignore[no-any-return]
