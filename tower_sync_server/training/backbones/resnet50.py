"""ResNet50 (He et al., 2016; stride in the 3x3 convolution) with the names public weights use."""

from __future__ import annotations

from torch import Tensor, nn

_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Channels inside, blocks, stride of the first of them."""
_WIDER = 4
"""Channels of a block's result over those inside."""


class Bottleneck(nn.Module):
    """Narrow, look around, widen; the input is carried around it."""

    def __init__(self, inputs: int, inside: int, stride: int) -> None:
        """Halve the size for stride 2."""
        super().__init__()
        outputs = _WIDER * inside
        self.conv1 = nn.Conv2d(inputs, inside, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv2 = nn.Conv2d(inside, inside, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inside)
        self.conv3 = nn.Conv2d(inside, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, 4 * inside, H / stride, W / stride)."""
        carried = x if self.downsample is None else self.downsample(x)
        inner = self.relu(self.bn1(self.conv1(x)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        return self.relu(self.bn3(self.conv3(inner)) + carried)  # type: ignore[no-any-return]


class ResNet50(nn.Module):
    """Maps pictures (B, 3, S, S) to logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        """Make it untrained."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels, stages = 64, []
        for inside, count, stride in _STAGES:
            blocks = []
            for number in range(count):
                blocks.append(Bottleneck(channels, inside, stride if number == 0 else 1))
                channels = _WIDER * inside
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of each picture."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))  # type: ignore[no-any-return]
