"""Put a trained writer into the zoo: the GGUF file, the manifest, the card with its samples."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from models import manifest_writer
from models.release import Format, ModelRelease, Provenance, Task, read_manifest
from tower_sync_server.evaluate import reached
from tower_sync_server.training.publish import Identity, figures_by_slice, file_entry
from tower_sync_server.training.writer.evaluate import measure
from tower_sync_server.training.writer.export_gguf import export_gguf, load_gguf
from tower_sync_server.training.writer.recipe import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tower_sync_server.evaluate import Figure
    from tower_sync_server.training.writer.recipe import Trained

WEIGHTS = "model.gguf"
_SHOWN = 40
"""Samples in the card."""
_CARD = """# {ref}

{description}

**For** putting the facts of a case into two to five plain sentences on the device, under the
grammar that `models/writing` makes of those facts. The model chooses how something is said; what is
said comes from the facts, is checked again afterwards, and anything else leaves the template's
text. **Not for** chatting: it knows no other sentences. It answers in English only.

* Input: the JSON of `models/writing/prompt.py`. Output: the JSON of `models/writing/options.py`.
* Architecture: llama, {parameters:,} weights in Q8_0, norms in float32; a vocabulary of {tokens}.
* Made by `scripts/train-default-models --seed {seed}` on {created}, from scratch, on
  {texts:,} texts that code wrote from random facts (`tower_sync_server/training/writer`).

## Measured

`scripts/train-default-models --evaluate --only {id} --seed {run} --photos {count}`: {count} sets of
facts whose labels, grades, subjects and currencies are in no training text, written by the device's
own child process on one thread. A skeleton is a text with its facts masked: counts, things, places,
amounts, and what stands word for word. `load_s` is from the start of the process until it is ready,
the fastest of three. `perplexity` is the model's own, for each token of what it wrote under the
grammar (of every fourth text); `perplexity_free` is that of what it writes without any grammar (of
every twentieth), and `faithful_free` the share of those that could be published all the same.
`perplexity_clerk` is that of the clerk's own text about the same facts, the text that the training
is to learn (of those whose text under the grammar is counted). A bar of 0 means that there is none.

| figure | measured | bar | |
|---|---|---|---|
{rows}

## What it can't do yet

Copy every name by itself. It learns to copy before it learns to write (exercises in batches of 64:
in batches of 32 between two rounds of texts it did worse), and still a label, a grade or an amount
that it has never read is often right only because the grammar allows nothing else there: that is
why the perplexities differ, and why few texts without a grammar could be published. The grammar
itself bends little: it makes the model write what the clerk would have written, and where
`perplexity` is near `perplexity_clerk`, no more surprisingly so. Left alone the model writes
another name that comes easier to it, and a wrong one. More exercises
(`drills` in `training/writer/recipe.py`), or exercises among the texts, are what to try next.

## Samples

The first {shown} of them, as published. Their reasons, next steps and closing sentences are drawn
at random and need not fit together; a profile's do.

{samples}
"""


def publish_writer(folder: Path, trained: Trained, identity: Identity) -> ModelRelease:
    """Export a trained writer into `folder` and write its manifest."""
    export_gguf(trained.decoder, trained.tokenizer, folder / WEIGHTS, identity.id)
    release = ModelRelease(
        id=identity.id, version=identity.version, task=Task.WRITE, format=Format.GGUF,
        files=(file_entry(folder, WEIGHTS, "weights"),),
        provenance=Provenance("trained", identity.data_sha256, writer_code_hash(), identity.seed,
                              identity.created),
        licence="Apache-2.0", requires={"llama.cpp": "b4000"}, description=identity.description,
    )  # fmt: skip
    manifest_writer.write_manifest(folder, release)
    return release


def measured_card(folder: Path, run: tuple[int, int]) -> list[Figure]:
    """Measure the writer in `folder`, write its card and return the figures.

    Args:
        folder: holds model.toml and the weights.
        run: seed and number of the fact sets.
    """
    figures, texts = measure(folder, *run)
    write_writer_card(folder, figures, texts[:_SHOWN], run)
    return figures


def write_writer_card(
    folder: Path,
    figures: Sequence[Figure],
    samples: Sequence[str],
    run: tuple[int, int],
) -> ModelRelease:
    """Write CARD.md and put the figures into the manifest.

    Args:
        folder: holds model.toml and the weights.
        figures: measured on those weights.
        samples: texts as published.
        run: seed and number of fact sets they were measured with.
    """
    release = read_manifest(folder)
    loaded = load_gguf(folder / WEIGHTS)
    made = release.provenance
    card = _CARD.format(
        ref=f"{release.id} {release.version}", id=release.id, description=release.description,
        parameters=sum(p.numel() for p in loaded.decoder.parameters()),
        tokens=len(loaded.tokenizer.tokens), seed=made.seed, created=made.created,
        texts=DEFAULT.texts,
        run=run[0], count=run[1], rows="\n".join(map(_row, figures)), shown=len(samples),
        samples="\n".join(f"{i}. {text}" for i, text in enumerate(samples, 1)),
    )  # fmt: skip
    (folder / "CARD.md").write_text(card, encoding="utf-8")
    files = (file_entry(folder, WEIGHTS, "weights"), file_entry(folder, "CARD.md", "card"))
    complete = replace(release, files=files, figures=figures_by_slice(figures))
    manifest_writer.write_manifest(folder, complete)
    return complete


def writer_code_hash() -> str:
    """Return the SHA-256 over the source of the recipe and of the sentences."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for part in (here, here.parents[2] / "models" / "writing"):
        for path in sorted(part.rglob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _row(one: Figure) -> str:
    verdict = "reached" if reached(one) else "**missed**"
    return f"| {one.name} | {one.value:.3f} | {one.bar:g} | {verdict} |"
