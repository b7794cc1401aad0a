"""Makes a token in the store, also while a daemon has it open."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.errors import BadRequestError, OperatorError
from edge.store import device_file, tokens
from edge.store.database import connect, transaction
from edge.store.layout import Layout
from edge.store.tokens import Scope
from models.jsonable import InvalidWordError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.config import StoreSettings


def new_token(store: StoreSettings, name: str, scopes: Sequence[str]) -> str:
    """Make a token and keep its hash; the token itself is kept nowhere.

    Raises:
        BadRequestError: the name is too long, or a scope is none.
        OperatorError: the store can't be written.
    """
    layout = Layout(store.data_dir)
    wanted = _scopes(scopes)
    refuse_other_user(store.data_dir)
    try:
        if not layout.database.exists():
            _make_store(store)
        with closing(connect(layout.database, store.synchronous)) as db, transaction(db):
            plain, _ = tokens.create(db, name, wanted, datetime.now(UTC).astimezone())
            device_file.save(db, layout)
    except (OSError, sqlite3.Error) as e:
        raise OperatorError(
            f"The store in {store.data_dir} can't be written: {e}.", "df -h; ls -ld its folder"
        ) from e
    except InvalidWordError as e:
        raise BadRequestError(str(e)) from e
    return plain


def refuse_other_user(data_dir: Path) -> None:
    """Refuse to write as root into another user's store: the daemon could not read it any more.

    Raises:
        OperatorError: it is another user's.
    """
    if not data_dir.exists():
        return
    owner = data_dir.stat().st_uid
    if os.geteuid() not in (owner, *([] if owner else [0])):
        raise OperatorError(
            f"{data_dir} belongs to user {owner}, and this is user {os.geteuid()}.",
            f"sudo -u '#{owner}' edgecase …",
        )


def _scopes(names: Sequence[str]) -> list[Scope]:
    unknown = [name for name in names if name not in list(Scope)]
    if unknown:
        known = ", ".join(scope.value for scope in Scope)
        raise BadRequestError(f"There is no scope {unknown[0]!r}.", f"Scopes are {known}.")
    return [Scope(name) for name in names]


def _make_store(settings: StoreSettings) -> None:
    from edge.daemon import make_store

    async def make() -> None:
        store = make_store(settings)
        await store.open()
        await store.close()

    asyncio.run(make())
