"""Datasets of rendered photos as reviewed cases are: other light, and a word of the shop's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from tower_sync_server.dataset.writer import DatasetWriter
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.dataset import labelled
from tower_sync_server.render.samples import encode_picture
from tower_sync_server.render.scene import Wish, render_photo
from tower_sync_server.training.export import export_fp32, export_int8, halve_weights
from tower_sync_server.training.network import DetectorNet
from tower_sync_server.training.publish import Identity, publish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEW = "corrosion"
"""What these people call rust: no detector that ships knows the word."""
WORDS = {label: NEW if label == "rust" else label for label in LABELS}


def write_set(folder: Path, counts: Mapping[str, int], size: tuple[int, int]) -> Path:
    """Write so many photos (width, height) of each split, most of them with rust."""
    writer = DatasetWriter(folder, tuple(WORDS.values()))
    for first, (split, count) in enumerate(counts.items()):
        for number in range(count):
            wish = Wish(kinds=("rust",) if number % 3 else LABELS, damaged=True)
            photo = render_photo(
                700_000 + 10_000 * first + number, split="shift",
                width=size[0], height=size[1], wish=wish,
            )  # fmt: skip
            shown = labelled(photo, "shift")
            marks = tuple(replace(mark, label=WORDS[mark.label]) for mark in shown.marks)
            data = encode_picture(photo.image, 10_000_000)
            writer.add(replace(shown, split=split, marks=marks), data)
    writer.finish({})
    return folder


def write_untrained(folder: Path, side: int = 64) -> Path:
    """Write a detector that has learned nothing yet, for pictures of `side` pixels."""
    torch.manual_seed(1)
    export_fp32(DetectorNet(len(LABELS)), side, folder / "full.onnx")
    grey = np.full((4, side, side, 3), 128, np.uint8)
    export_int8(folder / "full.onnx", grey, folder / "model.onnx")
    halve_weights(folder / "full.onnx", folder / "model-fp32.onnx")
    (folder / "full.onnx").unlink()
    publish(folder, Identity("toy", "1.0.0", 1, "0" * 64, "2026-01-01", "A toy."), side)
    return folder
