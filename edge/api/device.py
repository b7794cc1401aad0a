"""GET /device and its page: how the machine itself is, for whoever looks after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.api.health import store_warnings
from edge.api.operation import Operation, Reply, Scope
from edge.api.render import page
from edge.api.replies import as_json, wants_html
from edge.updates.status import in_words
from edge.vitals import slowed

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Parts

FRESH_S = 60.0
"""How long the sizes of the folders are believed: they are counted file by file."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """The machine and what runs on it."""

    name: str
    """Of the device."""
    up_s: float
    """Seconds since the machine was started."""
    clock_ok: bool
    """Whether the wall clock can be right."""
    temperature: float | None
    """Of the processor, °C; None where nothing says so."""
    slowed: tuple[str, ...] | None
    """Why the processor is slowed down now, or was since the start; None where nothing says so."""
    free_bytes: int
    """Of the disk."""
    room: Mapping[str, int] = field(default_factory=dict)
    """Kind → bytes on the disk."""
    camera: str = ""
    """Which one, and why it gives no pictures where it doesn't."""
    models: tuple[str, ...] = ()
    """id@version of what looks and writes, with the milliseconds that it takes."""
    backlog: int = 0
    """Cases of which something is still only here."""
    link: str = ""
    """Why there is no link to the tower; "" where there is one."""
    updating: str = ""
    """What the updater is doing; "" where nothing."""
    warnings: tuple[str, ...] = ()
    """What somebody should know of the store."""


class DeviceApi:
    """Says how the machine is."""

    def __init__(self, parts: Parts) -> None:
        """Look at every part there is."""
        self._parts = parts
        self._room: tuple[float, Mapping[str, int]] = (float("-inf"), {})

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/device",
                handler=self.show,
                summary="How the machine is: warm, slowed down, full",
                tag="health",
                scope=Scope.VIEW,
                replies={200: Reply("The machine, as JSON or as a page.", DeviceView)},
            ),
        )

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show it."""
        view = await self.view()
        if wants_html(request):
            return page("device.html", request, {"view": view})
        return as_json(view)

    async def view(self) -> DeviceView:
        """Look."""
        parts = self._parts
        reading, waiting = await parts.vitals.read(), await parts.store.backlog()
        store, camera = parts.store.status(), parts.capture.status()
        return DeviceView(
            name=parts.device,
            up_s=parts.clock.monotonic(),
            clock_ok=parts.clock.trusted(),
            temperature=reading.temperature,
            slowed=slowed(reading.throttled),
            free_bytes=store.free_bytes,
            room=await self._sizes(),
            camera=f"{camera.name}{': ' + camera.reason if camera.reason else ''}",
            models=self._models(),
            backlog=waiting.cases,
            link=parts.uplink.status().reason if parts.uplink else "",
            updating=in_words(parts.updates.status()),
            warnings=store_warnings(store),
        )

    def _models(self) -> tuple[str, ...]:
        looking = {f"{m.ref}, {m.median_ms:.0f} ms" for m in self._parts.vision.status().models}
        writing = self._parts.writer.status().model
        return (*sorted(looking), *([writing] if writing else []))

    async def _sizes(self) -> Mapping[str, int]:
        now = self._parts.clock.monotonic()
        if now - self._room[0] > FRESH_S:
            self._room = (now, await self._parts.store.room())
        return self._room[1]
