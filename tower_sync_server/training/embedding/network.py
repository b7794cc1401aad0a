"""The embedding's network: the detector's first stages, and a head that points somewhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tower_sync_server.training.severity.network import SeverityNet

DIMENSIONS = 128
"""Numbers in an embedding."""
SHARPNESS = 16.0
"""What cosines are multiplied with to be logits."""


class EmbeddingNet(nn.Module):
    """Maps crops (B, 3, S, S), 0..1, to logits (B, classes) by way of an embedding."""

    def __init__(self, classes: int, widths: tuple[int, ...] = (12, 24, 48, 96, 128)) -> None:
        """Make a network with one direction for each class; `widths` are the detector's."""
        super().__init__()
        stages, features = SeverityNet(classes, widths), 2 * widths[3]
        self.stem, self.stage4 = stages.stem, stages.stage4
        self.stage8, self.stage16 = stages.stage8, stages.stage16
        self.mean, self.peak = stages.mean, stages.peak
        self.point = nn.Conv2d(features, DIMENSIONS, 1)
        self.flat = nn.Flatten()
        self.directions = nn.Parameter(torch.randn(classes, DIMENSIONS))

    def embed(self, x: Tensor) -> Tensor:
        """Return the embeddings (B, DIMENSIONS), of any length."""
        deep = self.stage16(self.stage8(self.stage4(self.stem(x))))
        pooled = torch.cat([self.mean(deep), self.peak(deep)], dim=1)
        return self.flat(self.point(pooled))  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Return how far each embedding reaches along each class's direction, (B, classes)."""
        return functional.linear(self.embed(x), functional.normalize(self.directions))


def embedding_loss(network: EmbeddingNet, images: Tensor, classes: Tensor) -> Tensor:
    """Pull crops of one class to its direction and to each other, and away from the rest.

    The sum of a softmax over the cosines with the classes' directions (proxies) and half of the
    supervised contrastive loss among the batch (Khosla et al., 2020).

    Args:
        network: being trained.
        images: (B, 3, S, S), 0..1.
        classes: (B,).
    """
    pointed = functional.normalize(network.embed(images).float())
    cosines = functional.linear(pointed, functional.normalize(network.directions))
    to_classes = functional.cross_entropy(SHARPNESS * cosines, classes, label_smoothing=0.05)
    itself = torch.eye(len(classes), dtype=torch.bool)
    logs = (pointed @ pointed.T / 0.1).masked_fill(itself, -1e9).log_softmax(dim=1)
    alike = (classes[:, None] == classes[None]) & ~itself
    several = alike.any(dim=1)
    if not several.any():
        return to_classes
    each = -(logs * alike).sum(dim=1)[several] / alike.sum(dim=1)[several]
    return to_classes + 0.5 * each.mean()
