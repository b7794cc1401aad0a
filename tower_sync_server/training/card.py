"""The card that lies beside the weights: what the model is for, and what it was measured to do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from models.calibration import temperatures
from models.release import ModelRelease, Task, read_manifest
from tower_sync_server.evaluate import reached
from tower_sync_server.training.publish import figures_by_slice, write_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tower_sync_server.evaluate import Figure

_DETECTOR = """
**For** a first look at photos of vehicle panels: it draws boxes and says how sure it is. A person
decides. **Not for** anything the renderer has never shown it: it has seen no real photo at all,
only pictures made by code (`tower_sync_server/render`), and is there so that the product works out
of the box. Train one on your own reviewed cases as soon as there are a few hundred.

* Input: {side} x {side} pixels, RGB, letterboxed by `models/preprocess.py`.
* Outputs: raw heads at strides {strides} (`box_S`: distributions over 16 bins for each side;
  `cls_S`: logits), decoded by `models/yolo.py`.
* Labels: {labels}.
* Calibrated with one temperature for each label ({temperatures}), found on rendered photos of both
  slices that nothing was trained or measured on.
* Files: `model.onnx` is what ships (INT8: QDQ, signed weights per channel, unsigned activations);
  `model-fp32.onnx` computes in 32 bits from weights stored in 16 and is there to compare with.
"""
_CLASSIFIER = """
**For** saying how bad a damage is that the detector found: it looks at the square that
`models/crops.py` cuts, in which a damage is drawn the larger the more of the photo it takes
(`{crop}`). **Not for** anything but rendered damage until it has been trained on reviewed cases:
it has seen no real photo. What a severity means in geometry is written at the top of each file in
`tower_sync_server/render/damages`; what it is judged from in `docs/adr/012-*.md`.

* Input: {side} x {side} pixels, RGB. Output: logits.
* Labels: {labels}.
* Calibrated with one temperature ({temperature}); energies above {energy} are flagged as unknown:
  the photo goes to a person, as one of something the model was never trained on.
* Prediction sets: a label belongs to the set from its own probability on ({conformal}), chosen so
  that the set holds the truth {coverage:.0%} of the time. A set of more or fewer than one label
  sends the case to a person.
* Files: `model.onnx` is what ships (INT8: QDQ, signed weights per channel, unsigned activations);
  `model-fp32.onnx` is there to compare with.
"""
_NOTES = "\n## Notes\n"
_MEASURED = """
## Measured

`scripts/train-default-models --evaluate --seed {run} --photos {photos}`: rendered photos that no
training saw, half from the training's own world (`plain`), half with other paints, light, places
and cameras (`shift`), through the device's own preprocessing and decoding.

| photos | precision | figure | measured | bar | |
|---|---|---|---|---|---|
{rows}
"""


def write_card(
    folder: Path, figures: Sequence[Figure], run: tuple[int, int], note: str = ""
) -> ModelRelease:
    """Write CARD.md and put the figures into the manifest.

    Args:
        folder: holds model.toml.
        figures: measured on the weights in `folder`.
        run: seed and number of photos they were measured with.
        note: what else a reader has to know, Markdown.
    """
    release = read_manifest(folder)
    about = (_DETECTOR if release.task is Task.DETECT else _CLASSIFIER).format(
        side=release.input.width if release.input else 0,
        strides=", ".join(map(str, release.output.strides)), labels=", ".join(release.labels),
        temperature=release.calibration.temperature,
        energy=release.calibration.energy_threshold, crop=release.preprocess.crop,
        temperatures=_temperatures(release), conformal=_thresholds(release),
        coverage=release.calibration.coverage,
    )  # fmt: skip
    made = release.provenance
    origin = f"* Made by `scripts/train-default-models --seed {made.seed}` on {made.created}.\n"
    rows = "\n".join(_row(one) for one in figures)
    measured = _MEASURED.format(run=run[0], photos=run[1], rows=rows)
    title = f"# {release.id} {release.version}\n\n{release.description}\n"
    text = title + about + origin + measured + (f"\n{note}\n" if note else "")
    (folder / "CARD.md").write_text(text, encoding="utf-8")
    return write_manifest(folder, replace(release, figures=figures_by_slice(figures)))


def notes_of(folder: Path) -> str:
    """Return what people added to the card in `folder` from its heading "Notes" on; "" if nothing.

    Whoever measures anew keeps it: no code can write it again.
    """
    path = folder / "CARD.md"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    _, found, notes = text.partition(_NOTES)
    return (found + notes).strip()


def _temperatures(release: ModelRelease) -> str:
    """List the temperatures of a detector's labels."""
    own = temperatures(release.calibration, release.labels)
    return ", ".join(f"{label} {one:.2f}" for label, one in zip(release.labels, own, strict=True))


def _thresholds(release: ModelRelease) -> str:
    """List the thresholds of the prediction sets."""
    return ", ".join(f"{label} {p:.2f}" for label, p in release.calibration.conformal.items())


def _row(one: Figure) -> str:
    """Lay one figure out as a row of the table."""
    verdict = "reached" if reached(one) else "**missed**"
    return (
        f"| {one.slice} | {one.precision} | {one.name} | {one.value:.3f} | {one.bar:.2f} "
        f"| {verdict} |"
    )
