"""The embedding that ships, from its seed to its folder in the zoo."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from models.release import read_manifest
from tower_sync_server.evaluate import reached
from tower_sync_server.training.embedding.measure import evaluate_embedding
from tower_sync_server.training.embedding.publish import export_embedding, publish_embedding
from tower_sync_server.training.embedding.recipe import DEFAULT, learn_embedding
from tower_sync_server.training.publish import Identity, figures_by_slice, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.evaluate import Figure
    from tower_sync_server.training.embedding.recipe import Made
    from tower_sync_server.training.loop import Report

EMBEDDING = "crop-embedding"
CLASSIFIER = "vehicle-damage-severity"
"""Its first stages, which learned from the same crops, are where the embedding starts."""
_CARD = """# {id} {version}

{description}

**For** finding crops that look alike: the detector's boxes become {dimensions} whole numbers each
(`models/embed.py`), and those of the same damage, as bad, lie nearer to each other than to the
rest. **Not for** telling whose car it is, nor for anything but rendered damage until it has been
trained on reviewed cases: it has seen no real photo.

* Input: {side} x {side} pixels, RGB, cut by `models.crops.scaled`. Outputs: `embedding`, and
  `logits` for what it was trained to tell apart ({classes} pairs of damage and severity).
* The embedding comes out of the network in whole steps of {step:.6f}; `docs/adr/013-*.md` says what
  that promises of its bytes.
* Files: `model.onnx` is what ships (INT8: QDQ, signed weights per channel, unsigned activations);
  `model-fp32.onnx` computes in 32 bits from weights stored in 16 and is there to compare with.
* Made by `scripts/train-default-models --seed {seed} --only {id}` on {created}, started from the
  shipped severity classifier's stages.

## Measured

`scripts/train-default-models --evaluate --seed {run_seed} --photos {photos}`: the damage of
rendered photos that no training saw, half from the training's own world (`plain`), half with other
paints, light, places and cameras (`shift`). Each crop is embedded, written as bytes, read again and
compared with all others of its slice. `recall_at_1`: the nearest one shows the same damage, as bad;
`recall_at_1_damage`: the same damage.

| photos | precision | figure | measured | bar | |
|---|---|---|---|---|---|
{rows}
"""


def make_embedding(folder: Path, work: Path, seed: int, report: Report) -> None:
    """Train the embedding, started from the published classifier, and publish it in `folder`."""
    classifier = folder.parents[1] / CLASSIFIER / folder.name / "model-fp32.onnx"
    release_embedding(folder, learn_embedding(DEFAULT, (work, classifier), seed, report), seed)


def release_embedding(folder: Path, made: Made, seed: int) -> None:
    """Export a trained embedding and publish it in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    step = export_embedding(made.network, made.activating, folder)
    identity = Identity(
        EMBEDDING, folder.name, seed, made.data_sha256, datetime.now(UTC).date().isoformat(),
        "Vectors of damage that can be compared: the same damage, as bad, lies near.",
    )  # fmt: skip
    publish_embedding(folder, identity, made.held_out, step)


def measured_card(folder: Path, run: tuple[int, int], note: str = "") -> list[Figure]:
    """Measure the embedding in `folder`, write its card and put the figures into its manifest.

    Args:
        folder: holds model.toml.
        run: seed and number of photos to measure with.
        note: what else a reader has to know, Markdown.
    """
    figures = evaluate_embedding(folder, *run)
    release = read_manifest(folder)
    made, rows = release.provenance, "\n".join(map(_row, figures))
    text = _CARD.format(
        id=release.id, version=release.version, description=release.description,
        dimensions=128, side=release.input.width if release.input else 0,
        classes=len(release.labels), step=release.output.embedding_step, seed=made.seed,
        created=made.created, run_seed=run[0], photos=run[1], rows=rows,
    )  # fmt: skip
    (folder / "CARD.md").write_text(text + (f"\n{note}\n" if note else ""), encoding="utf-8")
    write_manifest(folder, replace(release, figures=figures_by_slice(figures)))
    return figures


def _row(one: Figure) -> str:
    """Lay one figure out as a row of the table."""
    verdict = "reached" if reached(one) else "**missed**"
    return (
        f"| {one.slice} | {one.precision} | {one.name} | {one.value:.3f} | {one.bar:.2f} "
        f"| {verdict} |"
    )
