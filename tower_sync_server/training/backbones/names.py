"""Backbones by name, and how public weights get into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tower_sync_server.training.backbones.efficientnet_b0 import EfficientNetB0
from tower_sync_server.training.backbones.mobilenet_v2 import MobileNetV2
from tower_sync_server.training.backbones.resnet50 import ResNet50
from tower_sync_server.training.severity.network import SeverityNet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

BACKBONES: dict[str, Callable[[int], nn.Module]] = {
    "small": SeverityNet,
    "mobilenet_v2": MobileNetV2,
    "resnet50": ResNet50,
    "efficientnet_b0": EfficientNetB0,
}
"""Name → what makes it for a number of classes: (B, 3, S, S) to logits (B, classes)."""
_HEADS = ("classifier.", "fc.", "head.")
"""How the names of the last layer's tensors begin."""
_COUNT = ".num_batches_tracked"
"""What a normalisation counts and nobody needs."""


class UnknownBackboneError(Exception):
    """There is no backbone of that name; the message says which there are."""


class ForeignWeightsError(Exception):
    """These weights belong to another network; the message names the first tensors that differ."""


def make_backbone(name: str, classes: int) -> nn.Module:
    """Make the network called `name`, untrained.

    Raises:
        UnknownBackboneError: there is none.
    """
    if name not in BACKBONES:
        raise UnknownBackboneError(f"no backbone {name!r}: there are {', '.join(BACKBONES)}")
    return BACKBONES[name](classes)


def load_public(network: nn.Module, weights: Path) -> None:
    """Load a file of public weights, all but the last layer, which knows other classes.

    Args:
        network: what `make_backbone` made.
        weights: a state dict that torch saved; nothing in it is run.

    Raises:
        ForeignWeightsError: a tensor is missing, too many, or of another shape.
    """
    take_state(network, torch.load(weights, map_location="cpu", weights_only=True))


def take_state(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy a state dict into `network`, all but the last layer; see `load_public`."""
    mine = {name: one for name, one in network.state_dict().items() if _wanted(name)}
    theirs = {name: one for name, one in state.items() if _wanted(name)}
    shapes = {name: one.shape for name, one in theirs.items()}
    wrong = sorted(set(mine) ^ set(theirs))
    wrong += [name for name, one in mine.items() if name in shapes and shapes[name] != one.shape]
    if wrong:
        few = ", ".join(wrong[:4])
        raise ForeignWeightsError(f"{len(wrong)} tensors differ from the network's: {few}")
    network.load_state_dict({**network.state_dict(), **theirs})


def _wanted(name: str) -> bool:
    """Tell whether a tensor is taken over; old files have no counts of batches."""
    return not name.startswith(_HEADS) and not name.endswith(_COUNT)
