"""Changes the little that commands change in the store, also while a daemon has it open."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from edge.errors import BadRequestError, OperatorError
from edge.store import device_file
from edge.store.database import connect, transaction
from edge.store.layout import Layout
from models.jsonable import InvalidWordError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlite_utils import Database

    from edge.config import StoreSettings

T = TypeVar("T")


def in_store(store: StoreSettings, job: Callable[[Database], T]) -> T:
    """Do `job` in one transaction, in a store that is made where there is none.

    Raises:
        BadRequestError: what it was given can't be.
        OperatorError: the store can't be written.
    """
    layout = Layout(store.data_dir)
    refuse_other_user(store.data_dir)
    try:
        if not layout.database.exists():
            _make_store(store)
        with closing(connect(layout.database, store.synchronous)) as db, transaction(db):
            result = job(db)
            device_file.save(db, layout)
            return result
    except (OSError, sqlite3.Error) as e:
        raise OperatorError(
            f"The store in {store.data_dir} can't be written: {e}.", "df -h; ls -ld its folder"
        ) from e
    except InvalidWordError as e:
        raise BadRequestError(str(e)) from e


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


def _make_store(settings: StoreSettings) -> None:
    from edge.daemon import make_store

    async def make() -> None:
        store = make_store(settings)
        await store.open()
        await store.close()

    asyncio.run(make())
