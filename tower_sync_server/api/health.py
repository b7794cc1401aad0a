"""GET /ping, GET /health, GET /metrics."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  a field of a dataclass
from typing import TYPE_CHECKING, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tower_sync_server.api.replies import as_json
from tower_sync_server.errors import TowerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.archive.listing import Listing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Intake(Protocol):
    """What takes cases in; `Workers` is one."""

    restarts: int

    @property
    def reason(self) -> str:
        """Why nothing is taken in; "" where it is."""
        ...

    @property
    def answered(self) -> Mapping[str, int]:
        """Answer → how many were given."""
        ...

    @property
    def held_back(self) -> Mapping[str, int]:
        """Device → how many of its messages were too many."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the tower takes cases in, and if not, why."""

    ready: bool
    """True: it does."""
    reason: str
    """Why not, or ""."""
    free_bytes: int
    """Room for more photos."""
    quarantined: int
    """Payloads somebody has to look at."""
    damaged: int = 0
    """Photos and thumbnails that came and are damaged or gone here."""
    scrubbed: datetime | None = None
    """When all of them were last looked at; None before the first time."""
    warnings: tuple[str, ...] = ()
    """What somebody should look at although cases are taken in."""


class HealthApi:
    """Says how the tower is."""

    def __init__(self, listing: Listing, blobs: Blobs, intake: Intake, min_free_bytes: int) -> None:
        """Look at every part there is."""
        self._listing = listing
        self._blobs = blobs
        self._intake = intake
        self._min_free_bytes = min_free_bytes

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/ping", self.ping),
            web.get("/health", self.health),
            web.get("/metrics", self.metrics),
        ]

    async def ping(self, _request: web.Request) -> web.Response:
        """Answer."""
        return as_json({"status": "ok"})

    async def health(self, _request: web.Request) -> web.Response:
        """Say how the tower is."""
        found = await asyncio.to_thread(self._look)
        return as_json(found, 200 if found.ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Give the figures."""
        body = await asyncio.to_thread(self._figures)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    def _look(self) -> Health:
        try:
            free, aside = self._blobs.free_bytes(), self._listing.quarantined()
            damaged, scrubbed = self._listing.damaged(), self._listing.scrubbed()
        except TowerError as e:
            return Health(ready=False, reason=e.message, free_bytes=0, quarantined=0)
        reason = self._intake.reason
        if not reason and free < self._min_free_bytes:
            reason = "The disk is full."
        alarms = (
            (aside, f"{aside} payloads are in quarantine"),
            (damaged, f"{damaged} pictures are damaged or lost here; their devices are asked"),
        )
        warnings = tuple(text for count, text in alarms if count)
        return Health(not reason, reason, free, aside, damaged, scrubbed, warnings)

    def _figures(self) -> bytes:
        registry = CollectorRegistry()
        registry.register(Reading(self._listing.counts(), self._look(), self._intake))
        return generate_latest(registry)


class Reading(Collector):
    """What was read just now, as metrics."""

    def __init__(self, cases: Mapping[str, int], health: Health, intake: Intake) -> None:
        """Keep what was read."""
        self._cases = cases
        self._health = health
        self._intake = intake

    def collect(self) -> Iterator[Metric]:
        """Give it."""
        cases = GaugeMetricFamily("edgecase_tower_cases", "Cases by status", labels=["status"])
        for status, count in self._cases.items():
            cases.add_metric([status], count)
        yield cases
        answers = CounterMetricFamily(
            "edgecase_tower_answers", "What devices were answered", labels=["answer"]
        )
        for answer, count in self._intake.answered.items():
            answers.add_metric([answer], count)
        yield answers
        held_back = CounterMetricFamily(
            "edgecase_tower_held_back",
            "Messages of a device that were too many: sent back, or not looked at",
            labels=["device"],
        )
        for device, count in self._intake.held_back.items():
            held_back.add_metric([device], count)
        yield held_back
        yield CounterMetricFamily(
            "edgecase_tower_worker_restarts", "Workers replaced", value=self._intake.restarts
        )
        for name, text, value in (
            ("ready", "1 while cases are taken in", int(self._health.ready)),
            ("quarantined", "Payloads somebody has to look at", self._health.quarantined),
            ("damaged_pictures", "Came, and are damaged or gone here", self._health.damaged),
            (
                "scrubbed_timestamp_seconds",
                "When all pictures were last looked at; 0 before the first time",
                self._health.scrubbed.timestamp() if self._health.scrubbed else 0,
            ),
            ("disk_free_bytes", "Free space", self._health.free_bytes),
        ):
            yield GaugeMetricFamily(f"edgecase_tower_{name}", text, value=value)
