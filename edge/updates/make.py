"""Which updater the settings ask for; "off" is one too, and imports nothing heavy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from edge.updates.status import UpdateStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.config import UpdateSettings


class Updates(Protocol):
    """What keeps the models up to date."""

    def status(self) -> UpdateStatus:
        """What it is doing."""
        ...

    def look_soon(self) -> None:
        """There may be something new."""
        ...

    def report(self) -> Mapping[str, object]:
        """What is told to the tower about releases, for the device's state."""
        ...

    async def run(self) -> None:
        """Work until cancelled."""
        ...


class NoUpdater:
    """Looks nowhere."""

    def status(self) -> UpdateStatus:
        """Say why."""
        return UpdateStatus(problem="No release repository is set (updates.url).")

    def look_soon(self) -> None:
        """There is nowhere to look."""

    def report(self) -> Mapping[str, object]:
        """There is nothing to tell."""
        return {}

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()


def make_updater(settings: UpdateSettings, wired: Callable[[], Updates]) -> Updates:
    """The updater of these settings.

    Args:
        settings: `updates.url` says whether there is one.
        wired: puts it together; called only where it is wanted.
    """
    return wired() if settings.url else NoUpdater()
