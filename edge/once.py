"""What is asked for several times at once is done once, and told to all who asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Once(Generic[T]):
    """Remembers what is being done right now, by key."""

    def __init__(self) -> None:
        """Begin with nothing in progress."""
        self._running: dict[str, tuple[object, asyncio.Task[T]]] = {}

    async def do(
        self, key: str, wanted: object, work: Callable[[], Coroutine[None, None, T]]
    ) -> tuple[T, bool]:
        """Do the work, or wait for whoever does the same already.

        Someone who goes away does not end the work: the others wait for it too.

        Args:
            key: what the client calls it.
            wanted: what it is; the same key with something else is work of its own.
            work: does it.

        Returns:
            What came of it, and whether it was done for this caller.

        Raises:
            Whatever the work raises, to all who wait for it.
        """
        same, task = self._running.get(key, (None, None))
        if task is not None and same == wanted:
            return await asyncio.shield(task), False
        task = asyncio.create_task(work(), name=f"once {key[:20]}")
        if key not in self._running:
            self._running[key] = (wanted, task)
            task.add_done_callback(lambda _: self._running.pop(key))
        return await asyncio.shield(task), True
