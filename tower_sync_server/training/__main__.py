"""`python -m tower_sync_server.training`: train the models that ship, or measure them."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from tower_sync_server.evaluate import BARS, Figure, as_json, evaluate_detector
from tower_sync_server.training.card import write_card

DETECTOR = "vehicle-damage-detector"
VERSION = "1.0.0"
_ZOO = Path(__file__).parents[2] / "models" / "zoo"
_CALIBRATION_PHOTOS = 200

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    evaluate: Annotated[bool, typer.Option(help="Measure what ships; train nothing.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the photos or of the training.")] = 7,
    photos: Annotated[int, typer.Option(min=2, help="How many photos to measure on.")] = 1000,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    work: Annotated[Path, typer.Option(help="Rendered photos and checkpoints.")] = Path("work"),
    zoo: Annotated[Path, typer.Option(help="Where models are kept.")] = _ZOO,
) -> None:
    """Train the models that ship from a seed, or print their figures beside their bars."""
    console = Console(stderr=True)
    folder = zoo / DETECTOR / VERSION
    if not evaluate:
        _train(folder, work, seed, console)
    figures = evaluate_detector(folder, seed, photos)
    if not evaluate:
        write_card(folder, figures, (seed, photos))
    if as_json_:
        typer.echo(json.dumps(as_json(figures), indent=2))
    else:
        Console().print(_table(figures))


def _train(folder: Path, work: Path, seed: int, console: Console) -> None:
    """Train the detector and put it into `folder`."""
    # Imported here: measuring needs neither PyTorch nor the time it takes to load.
    from tower_sync_server.training.cache import CacheSpec, open_cache
    from tower_sync_server.training.export import export_fp32, export_int8, halve_weights
    from tower_sync_server.training.publish import Identity, data_hash, publish
    from tower_sync_server.training.recipe import DEFAULT, train_detector, with_seed

    recipe = with_seed(DEFAULT, seed)
    network = train_detector(recipe, work, console.print)
    photos = CacheSpec("train", 0, recipe.photos, recipe.size)
    pictures = open_cache(work, photos).images[:_CALIBRATION_PHOTOS]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    full = work / "detector.onnx"
    export_fp32(network, recipe.size, full)
    export_int8(full, np.asarray(pictures), folder / "model.onnx")
    halve_weights(full, folder / "model-fp32.onnx")
    identity = Identity(
        DETECTOR, VERSION, seed, data_hash(work / photos.name),
        datetime.now(UTC).date().isoformat(),
        "Scratches, dents, cracks, rust, paint chips and broken lamps on vehicles.",
    )  # fmt: skip
    publish(folder, identity, recipe.size)


def _table(figures: list[Figure]) -> Table:
    """Lay the figures out for people, each beside its bar."""
    table = Table("model", "photos", "precision", "figure", "measured", "bar", "")
    for one in figures:
        verdict = "reached" if one.value >= one.bar else "missed"
        table.add_row(
            one.model, one.slice, one.precision, one.name,
            f"{one.value:.3f}", f"{one.bar:.2f}", verdict,
        )  # fmt: skip
    for split in BARS:
        drop = _drop(figures, split)
        if drop is not None:
            verdict = "reached" if drop <= 0.010 else "missed"
            table.add_row(
                figures[0].model, split, "int8 - fp32", "map50_95 lost",
                f"{drop:.3f}", "0.010", verdict,
            )  # fmt: skip
    return table


def _drop(figures: list[Figure], split: str) -> float | None:
    """Return how much mAP50-95 INT8 loses to fp32 on one slice, None where fp32 is missing."""
    values = {one.precision: one.value for one in figures
              if one.slice == split and one.name == "map50_95"}  # fmt: skip
    return values["fp32"] - values["int8"] if len(values) == 2 else None


if __name__ == "__main__":
    app()
