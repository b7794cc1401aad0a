"""The detector's network: small, anchor-free, ReLU only, so that INT8 keeps what it learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
"""Pixels between two neighbouring cells of each output."""
BINS = 16
"""Bins of the distribution over each side's distance, one stride apart (generalised focal loss)."""
BATCH_NORM_EPSILON = 1e-3
"""Added to each variance."""


class ConvUnit(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        """Keep the size for stride 1, halve it for stride 2."""
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two 3x3 convolutions around which the input is carried."""

    def __init__(self, channels: int) -> None:
        """Keep size and channels."""
        super().__init__()
        self.first = ConvUnit(channels, channels)
        self.second = ConvUnit(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        return x + self.second(self.first(x))  # type: ignore[no-any-return]


class SplitStage(nn.Module):
    """Half of the channels pass through `depth` residual blocks, all results are joined (CSP)."""

    def __init__(self, inputs: int, outputs: int, depth: int) -> None:
        """Keep the size."""
        super().__init__()
        half = outputs // 2
        self.entry = ConvUnit(inputs, 2 * half, kernel=1)
        self.blocks = nn.ModuleList(Residual(half) for _ in range(depth))
        self.exit = ConvUnit((2 + depth) * half, outputs, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        parts = list(self.entry(x).chunk(2, dim=1))
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.exit(torch.cat(parts, dim=1))  # type: ignore[no-any-return]


class WideView(nn.Module):
    """Three poolings in a row see a large part of the picture at little cost (SPPF)."""

    def __init__(self, channels: int) -> None:
        """Keep size and channels."""
        super().__init__()
        self.entry = ConvUnit(channels, channels // 2, kernel=1)
        self.exit = ConvUnit(channels * 2, channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        parts = [self.entry(x)]
        for _ in range(3):
            parts.append(functional.max_pool2d(parts[-1], 5, 1, 2))
        return self.exit(torch.cat(parts, dim=1))  # type: ignore[no-any-return]


class Head(nn.Module):
    """The two outputs at one stride: distance distributions and class logits."""

    def __init__(self, channels: int, classes: int, hidden: int) -> None:
        """Start with sides of about two strides and every class improbable."""
        super().__init__()
        self.box = nn.Sequential(ConvUnit(channels, hidden), nn.Conv2d(hidden, 4 * BINS, 1))
        self.cls = nn.Sequential(
            ConvUnit(channels, hidden), ConvUnit(hidden, hidden, 1), nn.Conv2d(hidden, classes, 1)
        )
        nn.init.constant_(self.cls[-1].bias, -4.6)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (B, 4 * BINS, H, W) and (B, classes, H, W)."""
        return self.box(x), self.cls(x)


class DetectorNet(nn.Module):
    """Backbone, top-down and bottom-up neck, three heads."""

    def __init__(self, classes: int, widths: tuple[int, ...] = (12, 24, 48, 96, 128)) -> None:
        """Make a network; `widths` are its channels at strides 2, 4, 8, 16 and 32."""
        super().__init__()
        stem, second, third, fourth, fifth = widths
        neck = third
        self.stem = nn.Sequential(ConvUnit(3, stem, stride=2), ConvUnit(stem, second, stride=2))
        self.stage4 = SplitStage(second, second, 1)
        self.stage8 = nn.Sequential(ConvUnit(second, third, stride=2), SplitStage(third, third, 2))
        self.stage16 = nn.Sequential(
            ConvUnit(third, fourth, stride=2), SplitStage(fourth, fourth, 2)
        )
        self.stage32 = nn.Sequential(
            ConvUnit(fourth, fifth, stride=2), SplitStage(fifth, fifth, 1), WideView(fifth)
        )
        self.down16 = SplitStage(fifth + fourth, neck + neck // 2, 1)
        self.down8 = SplitStage(neck + neck // 2 + third, neck, 1)
        self.to16 = ConvUnit(neck, neck, stride=2)
        self.up16 = SplitStage(neck + neck + neck // 2, neck + neck // 2, 1)
        self.to32 = ConvUnit(neck + neck // 2, neck, stride=2)
        self.up32 = SplitStage(neck + fifth, neck * 2, 1)
        channels = (neck, neck + neck // 2, neck * 2)
        self.heads = nn.ModuleList(Head(count, classes, neck) for count in channels)

    def forward(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Map pictures (B, 3, S, S), 0..1, to box and class maps at each of STRIDES."""
        eight = self.stage8(self.stage4(self.stem(x)))
        sixteen = self.stage16(eight)
        deep = self.stage32(sixteen)
        mid = self.down16(torch.cat([_double(deep), sixteen], dim=1))
        fine = self.down8(torch.cat([_double(mid), eight], dim=1))
        mid = self.up16(torch.cat([self.to16(fine), mid], dim=1))
        deep = self.up32(torch.cat([self.to32(mid), deep], dim=1))
        return [head(level) for head, level in zip(self.heads, (fine, mid, deep), strict=True)]


def _double(x: Tensor) -> Tensor:
    """Enlarge (B, C, H, W) twofold by repetition."""
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def parameter_count(network: nn.Module) -> int:
    """Return how many numbers the network has learned."""
    return sum(parameter.numel() for parameter in network.parameters())
