"""Several processes that train one network: what differs from training alone, and nothing else.

Start them with `torchrun --nproc-per-node 2 -m tower_sync_server.training`; without torchrun every
function here does what a single process wants.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import distributed as processes
from torch import nn
from torch.nn.parallel import DistributedDataParallel

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def together() -> Iterator[None]:
    """Join the processes that torchrun started, and part from them at the end."""
    if "RANK" not in os.environ:
        yield
        return
    processes.init_process_group("gloo")
    try:
        yield
    finally:
        processes.destroy_process_group()


def position() -> tuple[int, int]:
    """Return this process's number and how many there are: (0, 1) when alone."""
    if not processes.is_initialized():
        return 0, 1
    return processes.get_rank(), processes.get_world_size()


def is_leader() -> bool:
    """Tell whether this process writes the files and speaks to the person."""
    return position()[0] == 0


def is_first() -> bool:
    """Tell the same before or after the processes are together."""
    return os.environ.get("RANK", "0") == "0"


def distributed(network: nn.Module) -> nn.Module:
    """Wrap `network` so that all processes add up their gradients."""
    return network if position()[1] == 1 else DistributedDataParallel(network)


def agree(value: float) -> float:
    """Wait for all processes and return the leader's `value`."""
    if position()[1] == 1:
        return value
    told = torch.tensor([value], dtype=torch.float64)
    processes.broadcast(told, src=0)
    return float(told)
