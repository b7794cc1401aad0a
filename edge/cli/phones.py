"""`edgecase phones list`, `rename`, `revoke`."""

from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import note, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlite_utils import Database

    from edge.config import Settings
    from edge.store.tokens import Token

Id = Annotated[str, typer.Argument(metavar="ID", help="As `edgecase phones list` has it.")]

app = typer.Typer(help="Who is paired, and taking that back.", no_args_is_help=True)


@app.command("list")
def list_phones(json: Json = False, config: Config = None) -> None:
    """List the phones and programs that have a token."""
    found = _tokens(settings_of(config))
    if json:
        show_json({"phones": [_told(token) for token in found]})
        return
    headings = ("id", "name", "may", "paired", "last used", "revoked")
    show_table(headings, [_row(token) for token in found])
    if not found:
        note("Nobody is paired. edgecase pair opens the window for a phone.")


@app.command("rename")
def rename(phone: Id, name: str, config: Config = None) -> None:
    """Give a phone another name."""
    from edge.cli.in_store import in_store
    from edge.store import tokens

    in_store(settings_of(config).store, lambda db: tokens.rename(db, phone, name))
    note(f"{phone} is {name} now.")


@app.command("revoke")
def revoke(phone: Id, config: Config = None) -> None:
    """Revoke a phone's token: it opens nothing any more, from now on."""
    from datetime import UTC, datetime

    from edge.cli.in_store import in_store
    from edge.store import tokens

    def take(db: "Database") -> None:
        tokens.revoke(db, phone, datetime.now(UTC).astimezone())

    in_store(settings_of(config).store, take)
    note(f"{phone} opens nothing any more.")


def _tokens(settings: "Settings") -> "Sequence[Token]":
    from contextlib import closing

    from edge.store import tokens
    from edge.store.database import connect
    from edge.store.layout import Layout

    path = Layout(settings.store.data_dir).database
    if not path.exists():
        return ()
    with closing(connect(path, settings.store.synchronous, read_only=True)) as db:
        return tokens.list_all(db)


def _told(token: "Token") -> dict[str, object]:
    from models.jsonable import to_json

    return {key: value for key, value in to_json(token).items() if key != "hash"}


def _row(token: "Token") -> tuple[str, ...]:
    may = " ".join(token.scopes)
    times = (token.created, token.last_used, token.revoked)
    return (token.id, token.name, may, *map(_when, times))


def _when(moment: "datetime | None") -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""
