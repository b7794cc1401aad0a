"""How often one address may ask for something that costs."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.operation import operation_of
from edge.errors import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Middleware

    from edge.api.operation import Handler

MAX_ADDRESSES = 4096
"""Addresses that are remembered; the one not heard of for longest goes first."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What one address may still do."""

    tokens: float
    """Requests left now."""
    at: float
    """When that was so, seconds."""

    def taken(self, now: float, capacity: float, per_second: float) -> Bucket | None:
        """The bucket after one more request at `now`; None where there is none left."""
        tokens = min(capacity, self.tokens + (now - self.at) * per_second)
        return Bucket(tokens - 1, now) if tokens >= 1 else None


class Rate:
    """A bucket an address: a minute's worth at once, refilled evenly."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float]) -> None:
        """Allow `per_minute` requests; `monotonic` tells seconds."""
        self._capacity = float(per_minute)
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str) -> bool:
        """Count one request; False where the address has to wait."""
        now = self._monotonic()
        before = self._buckets.pop(address, Bucket(self._capacity, now))
        after = before.taken(now, self._capacity, self._capacity / 60)
        self._buckets[address] = after or before
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return after is not None


def rate(limit: Rate) -> Middleware:
    """Make the middleware.

    Looking at a photo changes nothing, but it costs. The vision worker's queue bounds that; from
    elsewhere than this machine it is counted as well.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        op = operation_of(request)
        address = request.remote or ""
        counted = (
            op is not None and op.method != "GET" and (op.changes or not is_this_machine(address))
        )
        if counted and not limit.take(address):
            raise RateLimitedError("Too many requests.", "Wait a second and try again.")
        return await handler(request)

    return middleware


def is_this_machine(address: str) -> bool:
    """Tell this machine's own programs from everybody else."""
    return address.startswith("127.") or address == "::1"
