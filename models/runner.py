"""What runs a network: one Protocol, one heavy import for each implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np  # for the types alone: the daemon reads `RefusedModelError` and stays light
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a network."""

    name: str
    """As the file calls it."""
    shape: tuple[int | None, ...]
    """None where a dimension is dynamic."""
    dtype: str
    """numpy's name: float32, float16, int8, uint8."""


class RefusedModelError(Exception):
    """This model must not serve; the message says why, the hint what to do."""

    def __init__(self, reason: str, hint: str = "") -> None:
        """Keep the reason and what the person can do about it."""
        super().__init__(reason)
        self.hint = hint


class InferenceError(Exception):
    """The network was loaded and then failed on an input."""


class Runner(Protocol):
    """A loaded network. Not thread-safe: one caller at a time."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The network's inputs; vision models have one."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The network's outputs, in the file's order."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the exporter wrote into the file."""
        ...

    @property
    def backend(self) -> str:
        """Library and version, for people."""
        ...

    def run(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the network once.

        Args:
            tensor: float32 in the layout of `inputs[0]`; quantised and half-precision inputs are
                converted here, with the input's own scale and zero point.

        Returns:
            Output name → float32, dequantised.
        """
        ...

    def close(self) -> None:
        """Free the memory."""
        ...
