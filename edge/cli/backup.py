"""`edgecase backup`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import note, show_json

Where = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="Where copies are kept. [default: DATA_DIR/backup]"),
]


def backup(
    folder: Where = None,
    keep: Annotated[int, typer.Option(min=1, help="Copies that stay.")] = 7,
    check: Annotated[
        bool, typer.Option("--check", help="Make none; read the newest one from end to end.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Copy the database while everything runs, check the copy, and forget the oldest ones."""
    from edge.cli.in_store import refuse_other_user
    from edge.errors import NotFoundError
    from edge.store import backup as copies
    from edge.store.layout import Layout

    store = settings_of(config).store
    database, where = Layout(store.data_dir).database, folder or store.data_dir / "backup"
    if check:
        if not (there := copies.copies(where)):
            raise NotFoundError(f"There is no copy in {where}.", "Make one: edgecase backup")
        path = there[-1]
    else:
        refuse_other_user(store.data_dir)
        if not database.exists():
            raise NotFoundError(f"There is no store in {store.data_dir} yet.")
        path = copies.back_up(database, where, datetime.now(UTC), keep)
    cases = copies.check(path)
    if json:
        show_json({"file": str(path), "cases": cases, "bytes": path.stat().st_size})
        return
    typer.echo(str(path))
    note(f"{cases} cases, {path.stat().st_size / 1e6:.1f} MB, read from end to end")
