"""`edgecase-tower train`: a better detector from what people said about cases."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tower_sync_server.cli.options import Config, Json, settings_of
from tower_sync_server.errors import ConflictError, OperatorError

if TYPE_CHECKING:
    from models.release import ModelRelease
    from tower_sync_server.config import StoreSettings
    from tower_sync_server.training.reviewed.compare import Comparison
    from tower_sync_server.training.reviewed.improve import Order

NOT_BETTER = 3
"""Exit code where the new detector wasn't shown to be better than the one that runs."""
ZOO = Path(__file__).parents[2] / "models" / "zoo"


def train(
    dataset: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATASET]",
            help="What `dataset export` wrote. [default: the judged cases as they are now]",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Without DATASET: only this profile's cases.")
    ] = None,
    start: Annotated[
        Path,
        typer.Option(
            "--from",
            metavar="MODEL_DIR",
            help="The detector that runs.",
            show_default="the one that ships",
        ),
    ] = ZOO / "vehicle-damage-detector" / "1.0.0",
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="New. [default: trained/ID/VERSION in the data]", show_default=False
        ),
    ] = None,
    version: Annotated[
        str, typer.Option(help="Of the new one. [default: the next minor]", show_default=False)
    ] = "",
    epochs: Annotated[int, typer.Option(min=1, help="Rounds through the photos, at most.")] = 20,
    json: Json = False,
    config: Config = None,
) -> None:
    """Train the detector that runs on what people said, and measure whether it got better.

    Exit code 3: not shown to be better. Nothing is released: that is `release add DIR`.
    """
    try:
        from tower_sync_server.training.reviewed.improve import Order, improve, starting_point
    except ImportError as e:
        hint = "Install the training's packages: pip install 'edgecase[train]'."
        raise OperatorError(f"Training needs {e.name}.", hint) from e
    from tower_sync_server.training.folder import DatasetError

    store = settings_of(config).store
    try:
        running, _ = starting_point(start)
    except DatasetError as e:
        raise OperatorError(str(e), "--from takes a model's folder, as in models/zoo.") from e
    number = version or _next(running.version)
    home = store.data_dir / "trained"
    target = into or home / running.id / number
    if target.exists():
        hint = "Name another --version or another folder: --into DIR."
        raise ConflictError(f"{target} is there already.", hint)
    folder = dataset or _export(store, profile, home / "datasets")
    order = Order(
        dataset=folder, start=start, into=target, work=home / "work",
        version=number, epochs=epochs,
    )  # fmt: skip
    try:
        compared = improve(order, lambda line: typer.echo(line, err=True))
    except DatasetError as e:
        raise OperatorError(str(e)) from e
    _tell(order, running, compared, json=json)
    if not compared.better:
        raise typer.Exit(NOT_BETTER)


def _next(version: str) -> str:
    """Return the next minor version."""
    major, minor, *_ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"


def _export(store: "StoreSettings", profile: str | None, home: Path) -> Path:
    """Write the judged cases as a dataset of its own."""
    from tower_sync_server.archive.listing import Listing
    from tower_sync_server.dataset.export import export
    from tower_sync_server.migrations.upgrade import migrate
    from tower_sync_server.parts import open_keep

    folder = home / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    keep = open_keep(store)
    try:
        migrate(keep.engine)
        export(folder, Listing(keep.engine), keep.blobs, profile)
    finally:
        keep.close()
    typer.echo(f"dataset: {folder}", err=True)
    return folder


def _tell(order: "Order", running: "ModelRelease", compared: "Comparison", *, json: bool) -> None:
    """Print what came out, and what to do with it."""
    from tower_sync_server.training.reviewed.card import verdict

    before, after = compared.before.map50_95, compared.after.map50_95
    if json:
        from json import dumps

        value = {
            "folder": str(order.into), "dataset": str(order.dataset),
            "model": running.id, "from": running.version, "to": order.version,
            "photos": compared.photos, "map50_95_before": round(before, 4),
            "map50_95": round(after, 4), "low": round(compared.low, 4),
            "high": round(compared.high, 4), "better": compared.better,
        }  # fmt: skip
        typer.echo(dumps(value, indent=1))
        return
    typer.echo(
        f"{running.id} {running.version} → {order.version}: mAP50-95 {before:.3f} → {after:.3f}"
        f" on {compared.photos} photos ({compared.low:+.3f} to {compared.high:+.3f}):"
        f" {verdict(compared)}"
    )
    typer.echo(f"It is in {order.into}, with a card.")
    if compared.better:
        typer.echo(f"To release it: edgecase-tower release add {order.into}")
