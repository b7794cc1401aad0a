"""`edgecase-tower ingest DIR`: a device's archive, for a device that never gets a link."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tower_sync_server.cli.options import Config, Json, settings_of

if TYPE_CHECKING:
    from tower_sync_server.ingest.folders import Taken


def ingest(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What `edgecase cases export DIR` made.")
    ],
    json: Json = False,
    config: Config = None,
) -> None:
    """Take in a device's archive from a folder; works beside a running tower."""
    from tower_sync_server.ingest.folders import Result, take_in
    from tower_sync_server.migrations.upgrade import migrate
    from tower_sync_server.parts import make_ingest, open_keep

    settings = settings_of(config)
    keep = open_keep(settings.store)
    try:
        migrate(keep.engine)
        taken = take_in(folder, make_ingest(keep, settings.store))
    finally:
        keep.close()
    if json:
        _show_json(taken)
    else:
        _show(taken)
    if taken.count()[Result.REJECTED]:
        raise typer.Exit(1)


def _show(taken: "Taken") -> None:
    from tower_sync_server.ingest.folders import Result

    count = taken.count()
    typer.echo(
        f"{taken.device}: {count[Result.STORED]} cases taken in, "
        f"{count[Result.ALREADY]} already there, {count[Result.REJECTED]} rejected"
    )
    for case in taken.cases:
        for reason in case.reasons:
            typer.echo(f"{case.id} {reason}", err=True)


def _show_json(taken: "Taken") -> None:
    import json

    from models.jsonable import to_json

    typer.echo(json.dumps(to_json(taken), indent=1))
