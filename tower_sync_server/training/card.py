"""The card that lies beside the weights: what the model is for, and what it was measured to do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.release import ModelRelease, read_manifest
from tower_sync_server.training.publish import figures_by_slice, write_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tower_sync_server.evaluate import Figure

_TEXT = """# {id} {version}

{description}

**For** a first look at photos of vehicle panels: it draws boxes and says how sure it is. A person
decides. **Not for** anything the renderer has never shown it: it has seen no real photo at all,
only pictures made by code (`tower_sync_server/render`), and is there so that the product works out
of the box. Train one on your own reviewed cases as soon as there are a few hundred.

* Input: {side} x {side} pixels, RGB, letterboxed by `models/preprocess.py`.
* Outputs: raw heads at strides {strides} (`box_S`: distributions over 16 bins for each side;
  `cls_S`: logits), decoded by `models/yolo.py`.
* Labels: {labels}.
* Files: `model.onnx` is what ships (INT8, QDQ, signed, per channel); `model-fp32.onnx` computes in
  32 bits from weights stored in 16 and is there to compare with.
* Made by `scripts/train-default-models --seed {seed}` on {created}.

## Measured

`scripts/train-default-models --evaluate --seed {run} --photos {photos}`: rendered photos that no
training saw, half from the training's own world (`plain`), half with other paints, light, places
and cameras (`shift`), through the device's own preprocessing and decoding, at a confidence of 0.01
and an overlap of 0.6 for the suppression.

| photos | precision | figure | measured | bar | |
|---|---|---|---|---|---|
{rows}
"""


def write_card(folder: Path, figures: Sequence[Figure], run: tuple[int, int]) -> ModelRelease:
    """Write CARD.md and the figures into the manifest; `run` is the seed and number of photos."""
    release = read_manifest(folder)
    side = release.input.width if release.input else 0
    text = _TEXT.format(
        id=release.id, version=release.version, description=release.description, side=side,
        strides=", ".join(map(str, release.output.strides)), labels=", ".join(release.labels),
        seed=release.provenance.seed, created=release.provenance.created,
        run=run[0], photos=run[1], rows="\n".join(_row(one) for one in figures),
    )  # fmt: skip
    (folder / "CARD.md").write_text(text, encoding="utf-8")
    return write_manifest(folder, replace(release, figures=figures_by_slice(figures)))


def _row(one: Figure) -> str:
    """Lay one figure out as a row of the table."""
    verdict = "reached" if one.value >= one.bar else "**missed**"
    return (
        f"| {one.slice} | {one.precision} | {one.name} | {one.value:.3f} | {one.bar:.2f} "
        f"| {verdict} |"
    )
