"""`edgecase-tower backup`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tower_sync_server.cli.options import Config, Json, settings_of

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
        _try_restoring(path)
    else:
        _refuse_other_user(store.data_dir)
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


def _refuse_other_user(data_dir: Path) -> None:
    """Refuse to write as root into the tower's folder: its own copies of every night would fail."""
    from os import geteuid

    from tower_sync_server.errors import OperatorError

    owner = data_dir.stat().st_uid if data_dir.exists() else geteuid()
    if geteuid() != owner:
        raise OperatorError(
            f"{data_dir} belongs to user {owner}, and this is user {geteuid()}.",
            f"sudo -u '#{owner}' edgecase-tower backup",
        )


def _try_restoring(path: Path) -> None:
    """Read a copy; where it is SQLite's, have this program open a second copy as its own.

    A PostgreSQL dump is read from end to end only: a trial needs a server to restore it on.
    """
    from shutil import copyfile
    from tempfile import TemporaryDirectory

    from tower_sync_server.archive import backup as copies
    from tower_sync_server.archive.files import translated
    from tower_sync_server.database.engine import connect, sqlite_dsn
    from tower_sync_server.migrations.upgrade import migrate

    copies.check(path)
    if path.suffix != ".db":
        return
    with translated(), TemporaryDirectory(dir=path.parent, prefix=".trial-") as place:
        trial = Path(place) / "archive.db"
        copyfile(path, trial)
        engine = connect(sqlite_dsn(trial))
        try:
            migrate(engine)
        finally:
            engine.dispose()
