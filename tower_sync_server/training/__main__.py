"""`python -m tower_sync_server.training`: train the models that ship, or measure them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tower_sync_server.evaluate import Figure, as_json, evaluate_detector, reached
from tower_sync_server.training.quality.measure import GATE, PROFILE, evaluate_gate
from tower_sync_server.training.severity.measure import evaluate_classifier
from tower_sync_server.training.speed import speed_figures

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "1.0.0"
_ZOO = Path(__file__).parents[2] / "models" / "zoo"
_WRITER = "summary-writer"
_EMBEDDING = "crop-embedding"


def _evaluate_detector(folder: Path, seed: int, count: int) -> list[Figure]:
    """Measure how well the detector sees, and how much faster it is in 8 bits."""
    return evaluate_detector(folder, seed, count) + speed_figures(folder)


def _evaluate_writer(folder: Path, seed: int, count: int) -> list[Figure]:
    """Measure the writer; imported here, since it alone needs PyTorch for that."""
    from tower_sync_server.training.writer.evaluate import evaluate_writer

    return evaluate_writer(folder, seed, count)


def _evaluate_embedding(folder: Path, seed: int, count: int) -> list[Figure]:
    """Measure the embedding; it needs PyTorch for that, as the writer does."""
    from tower_sync_server.training.embedding.measure import evaluate_embedding

    return evaluate_embedding(folder, seed, count)


_MEASURES: dict[str, Callable[[Path, int, int], list[Figure]]] = {
    "vehicle-damage-detector": _evaluate_detector,
    "vehicle-damage-severity": evaluate_classifier,
    _EMBEDDING: _evaluate_embedding,
    _WRITER: _evaluate_writer,
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
    cards: Annotated[bool, typer.Option(help="With --evaluate: write the cards anew.")] = False,
) -> None:
    """Train the models that ship from a seed, or print their figures beside their bars."""
    console = Console(stderr=True)
    figures: list[Figure] = []
    for model in [one for one in (*_MEASURES, GATE) if only in ("", one)]:
        folder = zoo / model / VERSION
        if not evaluate and not _train(model, folder, (work, seed), console):
            return
        figures += _measure(model, folder, (seed, photos), note=cards or not evaluate)
    if as_json_:
        typer.echo(json.dumps(as_json(figures), indent=2))
    else:
        Console(width=max(100, Console().width)).print(_table(figures))


def _measure(model: str, folder: Path, run: tuple[int, int], *, note: bool) -> list[Figure]:
    """Measure one model, or the quality gate; write the model's card, too, if it is to be noted."""
    if model == GATE:
        return evaluate_gate(folder.parents[1], *run)
    if not (folder / "model.toml").exists():
        return []
    if note and model in _CARDS:
        return _CARDS[model](folder, run)
    figures = _MEASURES[model](folder, *run)
    if note:
        _write_card(folder, figures, run)
    return figures


def _train(model: str, folder: Path, run: tuple[Path, int], console: Console) -> bool:
    """Train `model` into `folder`; False in a process that only helps another with it."""
    # Imported here: measuring needs neither PyTorch nor the time it takes to load.
    from tower_sync_server.training import default_models, many

    lines = console.print if many.is_first() else (lambda _: None)
    work, seed = run
    if model == default_models.DETECTOR:
        default_models.make_detector(folder, work, seed, lines)
    elif model == GATE and many.is_first():
        _set_gate(folder.parents[1], console)
    elif model == _WRITER and many.is_first():
        from tower_sync_server.training.writer.default import make_writer

        make_writer(folder, work, seed, lines)
    elif model == _EMBEDDING and many.is_first():
        from tower_sync_server.training.embedding.default import make_embedding

        make_embedding(folder, work, seed, lines)
    elif many.is_first():
        default_models.make_classifier(folder, work, seed, lines)
    return many.is_first()


def _write_card(folder: Path, figures: list[Figure], run: tuple[int, int]) -> None:
    """Write the card of a model, with the notes that it has."""
    from tower_sync_server.training.card import notes_of, write_card

    write_card(folder, figures, run, notes_of(folder))


def _write_writer_card(folder: Path, run: tuple[int, int]) -> list[Figure]:
    """Measure the writer and write its card; return the figures."""
    from tower_sync_server.training.writer.publish import measured_card

    return measured_card(folder, run)


def _write_embedding_card(folder: Path, run: tuple[int, int]) -> list[Figure]:
    """Measure the embedding and write its card; return the figures."""
    from tower_sync_server.training.card import notes_of
    from tower_sync_server.training.embedding.default import measured_card

    return measured_card(folder, run, notes_of(folder))


_CARDS = {_WRITER: _write_writer_card, _EMBEDDING: _write_embedding_card}


def _set_gate(zoo: Path, console: Console) -> None:
    """Choose the blur thresholds on rendered photos and store them with the profile."""
    from tower_sync_server.training.quality.threshold import choose_threshold, store_threshold

    rules = choose_threshold(zoo)
    store_threshold(PROFILE, rules)
    console.print(f"blur threshold {rules.blur_threshold:.0f} stored in {PROFILE.name}")


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
