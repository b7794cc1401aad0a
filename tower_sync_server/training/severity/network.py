"""The severity classifier's network: the detector's first stages, which already know damage."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from tower_sync_server.training.network import ConvUnit, SplitStage


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


class Graded(nn.Module):
    """Tells the severity alone by a network that was trained to tell severity and kind at once.

    A severity is as likely as all kinds of it together: its logit is the logarithm of the sum of
    their exponentials. So a network learns six easy orders and not one that has to fit all.
    """

    def __init__(self, network: nn.Module, kinds: int) -> None:
        """Wrap `network`, whose classes are severity x `kinds` + kind."""
        super().__init__()
        self.network, self.kinds = network, kinds

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (B, severities) of crops (B, 3, S, S)."""
        both = self.network(x)
        return both.view(both.shape[0], -1, self.kinds).logsumexp(dim=2)  # type: ignore[no-any-return]


@torch.no_grad()
def level(network: nn.Module, images: Tensor) -> None:
    """Let each normalisation expect what reaches it, without changing what the network computes.

    Weights out of an exported file have their normalisation multiplied in; as soon as such a
    network is trained, its first batch would be normalised as if nothing had been.

    Args:
        network: of `ConvUnit`s.
        images: (B, 3, S, S), 0..1, some to measure on; 100 are plenty.
    """
    units = [one for one in network.modules() if isinstance(one, ConvUnit)]
    seen: dict[int, tuple[Tensor, Tensor]] = {}

    def note(module: nn.Module, _: object, output: Tensor) -> None:
        seen[id(module)] = output.mean((0, 2, 3)), output.var((0, 2, 3), unbiased=False)

    hooks = [one[0].register_forward_hook(note) for one in units]
    network.eval()(images)
    for hook in hooks:
        hook.remove()
    for unit in units:
        (mean, variance), norm = seen[id(unit[0])], cast("Any", unit[1])
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        norm.bias += (mean - norm.running_mean) * scale
        norm.weight.copy_(scale * (variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
