"""Prometheus' figures, in a registry of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.api.operation import operation_of
from edge.ports import VisionStatus
from edge.store.outbox import Backlog

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

    from edge.api.operation import Handler

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the histogram's buckets."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read off the parts when somebody asks."""

    cases: Mapping[str, int]
    """Status → cases."""
    backlog: Backlog
    """How much of it is still only here."""
    tower: bool
    """Whether a tower is set, which should have it."""
    vision: VisionStatus
    """The worker."""
    free_bytes: int
    """Of the disk that holds the cases."""
    listeners: int
    """Pages that listen to /events."""


class DeviceCollector(Collector):
    """Turns a reading into metrics."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.reading: Reading | None = None

    def collect(self) -> Iterator[Metric]:
        """Give what was read last."""
        now = self.reading
        if now is None:
            return
        cases = GaugeMetricFamily("edgecase_cases", "Cases by status", labels=["status"])
        for status, count in now.cases.items():
            cases.add_metric([status], count)
        yield cases
        yield CounterMetricFamily(
            "edgecase_vision_restarts", "Vision workers replaced", value=now.vision.restarts
        )
        yield CounterMetricFamily("edgecase_vision_jobs", "Photos inspected", value=now.vision.jobs)
        for name, text, value in (
            ("outbox_cases", "Cases of which something is still only here", now.backlog.cases),
            ("outbox_parcels", "Things to send", now.backlog.parcels),
            ("outbox_bytes", "Their bytes, about", now.backlog.size),
            ("outbox_dead", "Things the tower refused for good", now.backlog.dead),
            (
                "outbox_oldest_timestamp_seconds",
                "When the oldest was queued; 0 without one, or without a tower",
                (now.backlog.oldest_us or 0) / 1e6 if now.tower else 0,
            ),
            ("vision_ready", "1 while photos are taken", int(now.vision.ready)),
            ("vision_queue", "Photos that wait", now.vision.waiting),
            ("disk_free_bytes", "Free space", now.free_bytes),
            ("event_listeners", "Open /events streams", now.listeners),
        ):
            yield GaugeMetricFamily(f"edgecase_{name}", text, value=value)


class Metrics:
    """Counts requests, and writes the page."""

    def __init__(self) -> None:
        """Make a registry that nobody else shares."""
        self._registry = CollectorRegistry()
        self._device = DeviceCollector()
        self._registry.register(self._device)
        self._requests = Counter(
            "edgecase_http_requests",
            "Requests",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "edgecase_http_request_seconds",
            "From the request's headers to the end of its answer",
            ["method", "route"],
            buckets=SECONDS,
            registry=self._registry,
        )

    def count(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count one request; `seconds` is None for a stream, which lasts as long as it likes."""
        self._requests.labels(method, route, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(method, route).observe(seconds)

    def page(self, reading: Reading) -> bytes:
        """Everything in Prometheus' text format."""
        self._device.reading = reading
        return generate_latest(self._registry)


def metered(metrics: Metrics) -> Middleware:
    """Make the middleware that counts."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        op = operation_of(request)
        route = op.address if op else "unknown"
        method = op.method if op else "other"  # whatever people make up is one line, not many
        status = 499  # the client went away
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as e:
            status = e.status
            raise
        finally:
            seconds = None if op and op.streams else time.perf_counter() - begun
            metrics.count(method, route, status, seconds)

    return middleware
