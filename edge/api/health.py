"""GET /ping, GET /health, GET /metrics: open to everybody who reaches the device."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.answers import Disk, ErrorDetail, Health, Pong
from edge.api.metrics import CONTENT_TYPE, Reading
from edge.api.operation import Operation, Reply
from edge.api.replies import as_json

if TYPE_CHECKING:
    from edge.api.metrics import Metrics
    from edge.api.parts import Parts
    from edge.store.store import StoreStatus

TEXT = {"type": "string"}


class HealthApi:
    """Says how the device is."""

    def __init__(self, parts: Parts, metrics: Metrics) -> None:
        """Look at every part there is."""
        self._parts = parts
        self._metrics = metrics

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/ping",
                handler=self.ping,
                summary="Whether the daemon is alive",
                tag="health",
                scope=None,
                replies={200: Reply("It is.", Pong)},
            ),
            Operation(
                method="GET",
                path="/health",
                handler=self.health,
                summary="Whether the device takes photos, and if not, why",
                tag="health",
                scope=None,
                replies={
                    200: Reply("It does.", Health),
                    503: Reply("It does not; the reason is in it.", Health),
                },
            ),
            Operation(
                method="GET",
                path="/metrics",
                handler=self.metrics,
                summary="Figures for Prometheus",
                tag="health",
                scope=None,
                replies={200: Reply("Prometheus' text format.", TEXT, "text/plain")},
            ),
        )

    async def ping(self, _request: web.Request) -> web.Response:
        """Answer."""
        return as_json(Pong(device=self._parts.device, time=self._parts.clock.now()))

    async def health(self, _request: web.Request) -> web.Response:
        """Say how the device is."""
        parts = self._parts
        store = parts.store.status()
        found = judged(
            Health(
                ready=True,
                reason="",
                device=parts.device,
                vision=parts.vision.status(),
                writer=parts.writer.status(),
                camera=parts.capture.status(),
                disk=Disk(store.free_bytes, store.accepting),
                clock_ok=parts.clock.trusted(),
                warnings=store_warnings(store),
            )
        )
        return as_json(found, 200 if found.ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Give the figures."""
        parts = self._parts
        reading = Reading(
            cases=await parts.store.counts(),
            backlog=await parts.store.backlog(),
            tower=parts.uplink is not None and parts.uplink.status().wanted,
            vision=parts.vision.status(),
            free_bytes=parts.store.status().free_bytes,
            listeners=parts.events.listeners,
        )
        body = self._metrics.page(reading)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def store_warnings(store: StoreStatus) -> tuple[str, ...]:
    """What somebody should know about how the cases are kept."""
    found = []
    if store.retention:
        found.append(f"store: {store.retention}")
    if store.opened.rebuilt:
        found.append(f"store: the database was made again from its files: {store.opened.reason}")
    if store.opened.orphans:
        found.append(f"store: {store.opened.orphans} files of cases were never acknowledged")
    return (*found, *(f"store: {problem}" for problem in store.opened.problems))


def judged(seen: Health) -> Health:
    """Decide whether the device is ready, from what was seen of its parts."""
    warnings = [*seen.warnings]
    if seen.camera.name != "none" and not seen.camera.ready:
        warnings.append(f"camera: {seen.camera.reason}")
    if not seen.clock_ok:
        warnings.append("clock: the wall clock can't be right yet")
    warnings += [f"model {ref}: {why}" for ref, why in seen.vision.refused.items()]
    error = None
    if not seen.disk.accepting:
        error = ErrorDetail("disk_full", "The disk is full.", "Free space on the device.")
    elif not seen.vision.ready:
        reason = seen.vision.reason or "it is starting"
        error = ErrorDetail("unavailable", f"The vision worker is not ready: {reason}", "")
    reason = error.message if error else ""
    return replace(seen, ready=error is None, reason=reason, warnings=tuple(warnings), error=error)
