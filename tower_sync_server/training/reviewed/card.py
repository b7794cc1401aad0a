"""The card of a detector that was trained on reviewed cases."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from models.release import read_manifest
from tower_sync_server.training.publish import write_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from models.release import ModelRelease
    from tower_sync_server.training.reviewed.compare import Comparison

_TEXT = """# {ref}

{description}

Trained by `edgecase-tower train` on {trained} photos that people had judged, going on from
{started}, on {created}. It knows what these people call things, seen by these cameras.

* Input: {side} x {side} pixels, RGB, letterboxed by `models/preprocess.py`.
* Labels: {labels}.
* Data: the dataset whose manifest has the SHA-256 `{data}`.
* Golden photos: those of {started}; no photo of a case is in this folder.

## Measured

On {photos} photos of the same dataset that neither model was trained on, INT8, by the device's own
code. The difference in mAP50-95 is {difference:+.3f}; nine of ten samples of these photos put it
between {low:+.3f} and {high:+.3f}: {verdict}.

| figure | {started} | this |
|---|---|---|
{rows}
"""


def write_card(folder: Path, started: ModelRelease, trained: int, compared: Comparison) -> None:
    """Write CARD.md and put the figures into the manifest.

    Args:
        folder: holds model.toml.
        started: what the model goes on from.
        trained: photos that it was trained on.
        compared: both, measured.
    """
    release = read_manifest(folder)
    before, after = compared.before, compared.after
    rows = [("mAP50-95", before.map50_95, after.map50_95), ("mAP50", before.map50, after.map50)]
    rows += zip(release.labels, before.per_class, after.per_class, strict=True)
    text = _TEXT.format(
        ref=f"{release.id} {release.version}", description=release.description, trained=trained,
        started=started.ref, created=release.provenance.created, labels=", ".join(release.labels),
        side=release.input.width if release.input else 0, data=release.provenance.data_sha256,
        photos=compared.photos, difference=after.map50_95 - before.map50_95, low=compared.low,
        high=compared.high, verdict=verdict(compared),
        rows="\n".join(f"| {name} | {_figure(one)} | {_figure(two)} |" for name, one, two in rows),
    )  # fmt: skip
    (folder / "CARD.md").write_text(text, encoding="utf-8")
    figures = {"reviewed": {"map50_95": round(after.map50_95, 4), "map50": round(after.map50, 4)}}
    write_manifest(folder, replace(release, figures=figures))


def verdict(compared: Comparison) -> str:
    """Say in words what a comparison shows."""
    if compared.better:
        return "better"
    return "worse" if compared.high < 0 else "too few photos to tell which is better"


def _figure(value: float) -> str:
    """Write a figure; a dash where the photos show none of it."""
    return "–" if math.isnan(value) else f"{value:.3f}"
