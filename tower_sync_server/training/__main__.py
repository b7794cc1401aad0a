"""`python -m tower_sync_server.training`: train the models that ship, or measure them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tower_sync_server.evaluate import Figure, as_json, evaluate_detector, reached
from tower_sync_server.training.severity.measure import evaluate_classifier

VERSION = "1.0.0"
_ZOO = Path(__file__).parents[2] / "models" / "zoo"
_MEASURES = {
    "vehicle-damage-detector": evaluate_detector,
    "vehicle-damage-severity": evaluate_classifier,
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    evaluate: Annotated[bool, typer.Option(help="Measure what ships; train nothing.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the photos or of the training.")] = 7,
    photos: Annotated[int, typer.Option(min=12, help="How many photos to measure on.")] = 1000,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    work: Annotated[Path, typer.Option(help="Rendered photos, checkpoints.")] = Path("work"),
    zoo: Annotated[Path, typer.Option(help="Where models are kept.")] = _ZOO,
    only: Annotated[str, typer.Option(help="One model's id; all of them if empty.")] = "",
) -> None:
    """Train the models that ship from a seed, or print their figures beside their bars."""
    console = Console(stderr=True)
    figures: list[Figure] = []
    for model, measure in _MEASURES.items():
        folder = zoo / model / VERSION
        if only not in ("", model):
            continue
        if not evaluate and not _train(model, folder, (work, seed), console):
            return
        if (folder / "model.toml").exists():
            measured = measure(folder, seed, photos)
            figures += measured
            if not evaluate:
                _write_card(folder, measured, (seed, photos))
    if as_json_:
        typer.echo(json.dumps(as_json(figures), indent=2))
    else:
        Console().print(_table(figures))


def _train(model: str, folder: Path, run: tuple[Path, int], console: Console) -> bool:
    """Train `model` into `folder`; False in a process that only helps another with it."""
    # Imported here: measuring needs neither PyTorch nor the time it takes to load.
    from tower_sync_server.training import default_models, many

    lines = console.print if many.is_first() else (lambda _: None)
    work, seed = run
    if model == default_models.DETECTOR:
        default_models.make_detector(folder, work, seed, lines)
    elif many.is_first():
        default_models.make_classifier(folder, work, seed, lines)
    return many.is_first()


def _write_card(folder: Path, figures: list[Figure], run: tuple[int, int]) -> None:
    """Write the card of a freshly trained model."""
    from tower_sync_server.training.card import write_card

    write_card(folder, figures, run)


def _table(figures: list[Figure]) -> Table:
    """Lay the figures out for people, each beside its bar."""
    table = Table("model", "photos", "precision", "figure", "measured", "bar", "")
    for one in figures:
        verdict = "reached" if reached(one) else "missed"
        value, bar = f"{one.value:.3f}", f"{one.bar:.2f}"
        table.add_row(one.model, one.slice, one.precision, one.name, value, bar, verdict)
    return table


if __name__ == "__main__":
    app()
