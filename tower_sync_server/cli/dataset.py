"""`edgecase-tower dataset …`: what people said about cases, for training."""

from pathlib import Path
from typing import Annotated

import typer

from tower_sync_server.cli.options import Config, Json, settings_of

app = typer.Typer(help="What people said about cases, for training.", no_args_is_help=True)


@app.callback()
def dataset() -> None:
    """What people said about cases, for training."""


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    profile: Annotated[str | None, typer.Option(help="Only this profile's cases.")] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Write the judged cases with their photos: YOLO, COCO and a manifest with frozen splits."""
    from tower_sync_server.archive.listing import Listing
    from tower_sync_server.dataset.export import export as write
    from tower_sync_server.migrations.upgrade import migrate
    from tower_sync_server.parts import open_keep

    keep = open_keep(settings_of(config).store)
    try:
        migrate(keep.engine)
        done = write(folder, Listing(keep.engine), keep.blobs, profile)
    finally:
        keep.close()
    if json:
        from json import dumps

        from models.jsonable import to_json

        typer.echo(dumps(to_json(done), indent=1))
        return
    parts = ", ".join(f"{count} {split}" for split, count in sorted(done.splits.items()))
    typer.echo(f"{done.photos} photos in {folder} ({parts}), with {', '.join(done.labels)}")
    typer.echo(
        f"left out: {done.unjudged} that nobody judged, {done.missing} whose photo is not here,"
        f" {done.doubles} of a photo that is in a newer case, {done.unreadable} of a newer device",
        err=True,
    )
