"""Start a network from a detector that ships: its ONNX file holds what its first stages learned."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from tower_sync_server.training.network import BATCH_NORM_EPSILON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn


_CLASSES = re.compile(r"heads\.\d+\.cls\.2\.(weight|bias)")
"""The tensors that have a row for each class."""


def start_from_onnx(network: nn.Module, path: Path, rows: Sequence[int | None] = ()) -> int:
    """Copy the convolutions that `network` has in common with an exported one.

    Args:
        network: of `ConvUnit`s with the detector's names.
        path: an fp32 export of the detector, weights in 16 or 32 bits.
        rows: for each class of a detector the class of the exported one that it goes on from,
            None for a new one; empty: both have the same classes.

    Returns:
        How many tensors were copied.
    """
    mine = network.state_dict()
    theirs = {
        name: _in_rows(mine[name], value, rows) if rows and _CLASSES.fullmatch(name) else value
        for name, value in _state(onnx.load(str(path)).graph).items()
        if name in mine
    }
    theirs = {name: value for name, value in theirs.items() if mine[name].shape == value.shape}
    network.load_state_dict({**mine, **theirs})
    return len(theirs)


def _in_rows(mine: Tensor, theirs: Tensor, rows: Sequence[int | None]) -> Tensor:
    """Return `mine` with those rows of `theirs` that go on."""
    made = mine.clone()
    for place, row in enumerate(rows):
        if row is not None:
            made[place] = theirs[row]
    return made


def _state(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """Undo the export: every convolution with a batch normalisation behind it that only adds.

    The exporter has multiplied each normalisation into the convolution before it; what is left
    of it is a bias.
    """
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        # Weights in 16 bits are cast, and the exporter writes equal ones only once.
        if node.op_type in ("Cast", "Identity") and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]]
    state: dict[str, Tensor] = {}
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) > 2:
            state |= _unit(module_of(node.name), stored[node.input[1]], stored[node.input[2]])
    return state


def _unit(
    name: str, kernel: np.ndarray[tuple[int, ...], np.dtype[np.floating]],
    bias: np.ndarray[tuple[int, ...], np.dtype[np.floating]],
) -> Mapping[str, Tensor]:  # fmt: skip
    """Name the tensors of one `ConvUnit` whose convolution is the module `name`."""
    unit, _, place = name.rpartition(".")
    norm = f"{unit}.{int(place) + 1}" if place.isdigit() else name
    plain = torch.from_numpy(np.array(bias, np.float32))
    ones = torch.ones_like(plain)
    return {
        f"{name}.weight": torch.from_numpy(np.array(kernel, np.float32)),
        f"{name}.bias": plain,  # of a convolution that has one of its own
        f"{norm}.weight": ones,
        f"{norm}.bias": plain,
        f"{norm}.running_mean": torch.zeros_like(plain),
        f"{norm}.running_var": ones - BATCH_NORM_EPSILON,
    }


def module_of(node: str) -> str:
    """Turn an exporter's node name into the module's: /network/stem/stem.0/stem.0.0/Conv.

    Each part of the path either continues the one before it (stem, stem.0) or goes below it.
    """
    path: list[str] = []
    for part in node.strip("/").split("/")[:-1]:
        if path and part.startswith(path[-1] + "."):
            path[-1] = part
        else:
            path.append(part)
    return ".".join(path).removeprefix("network.")
