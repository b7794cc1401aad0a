"""From a trained network to TFLite files, fp32 and INT8, without TensorFlow: by litert-torch.

litert-torch is large (JAX, a converter, a quantiser) and nothing else here needs it, so it is no
dependency: where it isn't importable, `available` says so and the recipe makes no TFLite files.
"""

from __future__ import annotations

import copy
import importlib.util
import warnings
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEEDED = ("litert_torch", "ai_edge_quantizer")
"""What has to be importable; the package litert-torch brings both."""
_SIGNATURE = "serving_default"
_LAST = {
    "regex": r"serving_default_output_\d+_output", "operation": "*",
    "algorithm_key": "no_quantize", "op_config": {},
}  # fmt: skip
"""What computes the outputs stays in fp32: a logit's rare high values are the ones that matter."""


class _Whole(nn.Module):
    """Pools a whole map; the converter knows the means and maxima of an axis, not the modules."""

    def __init__(self, peak: bool) -> None:
        """Take the largest value of each channel, or the mean."""
        super().__init__()
        self.peak = peak

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, 1, 1)."""
        return x.amax((2, 3), keepdim=True) if self.peak else x.mean((2, 3), keepdim=True)


class _Flat(nn.Module):
    """A network whose outputs, nested or not, come in one row."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap `network`."""
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return its tensors one after the other."""
        return tuple(_tensors(self.network(image)))


def available() -> bool:
    """Tell whether TFLite files can be made here."""
    return all(importlib.util.find_spec(name) is not None for name in NEEDED)


def export_tflite_fp32(network: nn.Module, side: int, path: Path) -> None:
    """Write `network` for one picture of `side` x `side` pixels as TFLite.

    Input and maps among the outputs have their channels last, as TFLite's own kernels want them;
    the outputs come in the network's order, and `models.yolo_head` tells them by their shapes.

    Args:
        network: (1, 3, S, S), 0..1, to tensors, nested or not.
        side: in pixels.
        path: where the file goes.
    """
    import litert_torch  # type: ignore[import-not-found,unused-ignore]

    flat = _Flat(with_plain_pools(copy.deepcopy(network).eval()))
    flat = flat.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own libraries warn of each other
        outputs = flat(torch.zeros(1, 3, side, side))
        maps = [number for number, one in enumerate(outputs) if one.ndim == 4]
        wrapped = litert_torch.to_channel_last_io(flat, args=[0], outputs=maps).eval()
        converted = litert_torch.convert(wrapped, (torch.zeros(1, side, side, 3),))
        converted.export(str(path))


def export_tflite_int8(fp32: Path, pictures: npt.NDArray[np.uint8], path: Path) -> None:
    """Quantise a TFLite file to 8 bits: weights per channel, activations, the input; no output.

    Args:
        fp32: what `export_tflite_fp32` wrote.
        pictures: (N, S, S, 3) that show what activations to expect; 100 are plenty.
        path: where the result goes.
    """
    from ai_edge_quantizer import (  # type: ignore[import-not-found,unused-ignore]
        quantizer,
        recipe,
    )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work = quantizer.Quantizer(str(fp32), [*recipe.static_wi8_ai8(), _LAST])
        seen = work.calibrate({_SIGNATURE: list(_feeds(fp32, pictures))})
        path.write_bytes(bytes(work.quantize(seen).quantized_model))


def with_plain_pools(network: nn.Module) -> nn.Module:
    """Replace poolings of a whole map in `network` by others that give the same."""
    for name, child in network.named_children():
        if isinstance(child, (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)):
            setattr(network, name, _Whole(isinstance(child, nn.AdaptiveMaxPool2d)))
        else:
            with_plain_pools(child)
    return network


def _tensors(outputs: Any) -> Iterator[Tensor]:
    """Go through nested outputs in order."""
    if isinstance(outputs, Tensor):
        yield outputs
        return
    for one in outputs:
        yield from _tensors(one)


def _feeds(
    fp32: Path, pictures: npt.NDArray[np.uint8]
) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
    """Turn pictures into the feeds of the file's one input."""
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]

    signatures = cast("dict[str, Any]", Interpreter(model_path=str(fp32)).get_signature_list())
    name = next(iter(signatures[_SIGNATURE]["inputs"]))
    for picture in pictures:
        yield {name: np.asarray(picture, np.float32)[None] / np.float32(255)}
