"""Talks with what supervises the daemon (systemd): ready, alive, and models anew on SIGHUP.

Ready means that it can take a photo. Alive means that the event loop and the vision worker's loop
both go round; a process that merely exists isn't alive. Without a supervisor nobody is told.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING, Protocol

from edge.errors import EdgeError
from edge.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.events import Events
    from edge.ports import VisionStatus

TICK_S = 2.0
"""Between two looks."""
PATIENCE_S = 30
"""A start that is reported on may take so much longer each time."""
STILL_S = 60.0
"""Longest turn of the vision worker's loop while one serves, besides its photo."""
STARTING_S = 600.0
"""Longest turn while one starts: each of its models is tried, and culprits are sought."""

log = logging.getLogger(__name__)


class Turning(Protocol):
    """The eyes, as far as they matter here."""

    def status(self) -> VisionStatus:
        """How the worker is."""
        ...

    def still_s(self) -> float:
        """Seconds since its loop last went round."""
        ...

    async def reload(self) -> VisionStatus:
        """Serve what is active now."""
        ...


def supervisor(address: str) -> Callable[[str], None]:
    """What takes messages for the supervisor at `address`, NOTIFY_SOCKET; "" is nobody."""
    if not address:
        return lambda _: None
    where = "\0" + address[1:] if address.startswith("@") else address

    def tell(message: str) -> None:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
                out.sendto(message.encode(), where)
        except OSError as e:
            log.warning("the supervisor can't be told: %s", e)

    return tell


class Service:
    """Tells the supervisor how the eyes are."""

    def __init__(
        self,
        vision: Turning,
        events: Events,
        deadline_s: float,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Keep the parts.

        Args:
            vision: started before `run`.
            events: told when other models serve.
            deadline_s: of one photo; a turn of the worker's loop may take two photos.
            tell: takes messages; None: the supervisor that the environment names.
        """
        self._vision = vision
        self._events = events
        self._still_s = STILL_S + 2 * deadline_s
        self._tell = tell or supervisor(os.environ.get("NOTIFY_SOCKET", ""))
        self._ready = False
        self._hangup = asyncio.Event()
        self._trouble = ""

    async def run(self) -> None:
        """Go on for as long as the daemon does."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hangup.set)
        while True:
            self._tell(self._message())
            try:
                await asyncio.wait_for(self._hangup.wait(), TICK_S)
            except TimeoutError:
                continue
            self._hangup.clear()
            await self._reload()

    def _message(self) -> str:
        status, lines = self._vision.status(), []
        self._ready |= status.ready
        if self._ready:
            lines.append("READY=1")
        else:
            lines.append(f"EXTEND_TIMEOUT_USEC={PATIENCE_S * 1_000_000}")
        if self._vision.still_s() < (self._still_s if status.ready else STARTING_S):
            lines.append("WATCHDOG=1")
        return "\n".join((*lines, f"STATUS={self._words(status)}"))

    def _words(self, status: VisionStatus) -> str:
        serving = " ".join(sorted({model.ref for model in status.models}))
        said = f"serves {serving}" if status.ready else f"can't take photos: {status.reason}"
        return " ".join(f"{said} {self._trouble}".split())

    async def _reload(self) -> None:
        """Serve what is active now; the supervisor hears of this process meanwhile too."""
        reloading = asyncio.create_task(self._vision.reload())
        try:
            while not reloading.done():
                self._tell(self._message())
                await asyncio.wait((reloading,), timeout=TICK_S)
            status = reloading.result()
        except EdgeError as e:
            self._trouble = f"(not reloaded: {e.message})"
            log.error("the models are not reloaded: %s", e.message)
            return
        finally:
            reloading.cancel()
        self._trouble = ""
        refs = sorted({model.ref for model in status.models})
        self._events.publish(EventKind.MODEL_SWAPPED, {"models": refs})


async def tell_of_broken_settings(message: str) -> None:
    """Keep the page that shows what is wrong up: the supervisor waits until it is mended."""
    tell = supervisor(os.environ.get("NOTIFY_SOCKET", ""))
    while True:
        tell(f"EXTEND_TIMEOUT_USEC={PATIENCE_S * 1_000_000}\nSTATUS={' '.join(message.split())}")
        await asyncio.sleep(TICK_S)
