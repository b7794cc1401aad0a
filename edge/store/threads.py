"""The threads of a store: one that writes, a few that read, none of which the others wait for."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from edge.errors import UnavailableError
from edge.store.database import connect
from edge.store.failures import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlite_utils import Database

    from edge.store.layout import Layout

T = TypeVar("T")

READERS = 2


class Threads:
    """Runs what blocks: changes one after the other, reads beside them."""

    def __init__(self, layout: Layout) -> None:
        """Read from the database of `layout`; threads start with the first job."""
        self._layout = layout
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._local = threading.local()
        self._connections: list[Database] = []

    async def write(self, job: Callable[[], T]) -> T:
        """Run `job` after the changes that came before it.

        It runs to its end even where the caller is cancelled meanwhile: a case is never half done.
        """
        return await self._run(self._writer, lambda: self._guarded(job))

    async def read(self, job: Callable[[Database], T]) -> T:
        """Run `job` with a connection that only reads."""
        return await self._run(self._readers, lambda: self._guarded(lambda: job(self._reader())))

    def close(self) -> None:
        """End the threads, after what waits."""
        self._writer.shutdown()
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    async def _run(self, executor: ThreadPoolExecutor, job: Callable[[], T]) -> T:
        try:
            future = executor.submit(job)
        except RuntimeError as e:
            raise UnavailableError("The store is closed.") from e
        return await asyncio.wrap_future(future)

    def _guarded(self, job: Callable[[], T]) -> T:
        with translated(self._layout.root):
            return job()

    def _reader(self) -> Database:
        connection: Database | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._layout.database, "FULL", read_only=True)
            self._local.connection = connection
            self._connections.append(connection)
        return connection
