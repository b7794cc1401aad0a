"""Between float32 and the whole numbers of a quantised tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Quantisation:
    """real = scale x (whole - zero_point), for a whole tensor."""

    scale: float = 1.0
    """Above 0."""
    zero_point: int = 0
    """The whole number that means 0."""

    def quantise(self, tensor: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[np.generic]:
        """To `dtype`: rounded half to even and clipped for whole numbers, cast for the others."""
        if not np.issubdtype(dtype, np.integer):
            return np.asarray(tensor, dtype=dtype)
        limits = np.iinfo(dtype)
        whole = np.rint(tensor / np.float32(self.scale)) + np.float32(self.zero_point)
        return np.asarray(np.clip(whole, limits.min, limits.max), dtype=dtype)

    def dequantise(self, tensor: NDArray[np.generic]) -> NDArray[np.float32]:
        """To float32; what isn't of whole numbers is only cast."""
        values: NDArray[np.float32] = tensor.astype(np.float32, copy=False)
        if not np.issubdtype(tensor.dtype, np.integer) or (self.scale, self.zero_point) == (1.0, 0):
            return values
        return (values - np.float32(self.zero_point)) * np.float32(self.scale)
