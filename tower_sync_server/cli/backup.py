"""`edgecase-tower backup`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tower_sync_server.cli.options import Config, Json, refuse_other_user, settings_of

Where = Annotated[
    Path | None,
    typer.Argument(
        metavar="DIR",
        help="Where copies are kept. [default: DATA_DIR/backup]",
        show_default=False,
    ),
]


def backup(
    folder: Where = None,
    keep: Annotated[int, typer.Option(min=1, help="Copies that stay.")] = 7,
    check: Annotated[
        bool, typer.Option("--check", help="Make none; restore the newest one beside, as a trial.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Copy the database while everything runs, read the copy, and forget the oldest ones."""
    from tower_sync_server.archive import backup as copies
    from tower_sync_server.database.engine import sqlite_dsn
    from tower_sync_server.errors import NotFoundError

    store = settings_of(config).store
    where = folder or store.data_dir / "backup"
    if check:
        if not (there := copies.copies(where)):
            raise NotFoundError(f"There is no copy in {where}.", "Make one: edgecase-tower backup")
        path = there[-1]
        _try_restoring(path, store.dsn)
    else:
        refuse_other_user(store.data_dir, "backup")
        database = store.data_dir / "archive.db"
        if not store.dsn and not database.exists():
            raise NotFoundError(f"There is no database in {store.data_dir} yet.")
        path = copies.back_up(store.dsn or sqlite_dsn(database), where, datetime.now(UTC), keep)
    size = path.stat().st_size
    if json:
        from json import dumps

        typer.echo(dumps({"file": str(path), "bytes": size}))
        return
    typer.echo(str(path))
    typer.echo(f"{size / 1e6:.1f} MB, read from end to end", err=True)


def _try_restoring(path: Path, dsn: str) -> None:
    """Restore a copy beside what runs, and have this program open it as its own."""
    from tower_sync_server.archive.backup import restored
    from tower_sync_server.migrations.upgrade import migrate

    with restored(path, dsn) as engine:
        if engine is not None:
            migrate(engine)
            return
    typer.echo(
        "The dump was read from end to end and not restored: the tower may make no database on"
        " this server (ALTER ROLE … CREATEDB).",
        err=True,
    )
