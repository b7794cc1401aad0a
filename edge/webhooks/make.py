"""Whom the settings tell of cases; "nobody" is one too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from edge.webhooks.webhooks import Cases, Webhooks

if TYPE_CHECKING:
    from edge.config import WebhookSettings
    from edge.events import Events


class Tells(Protocol):
    """What the daemon keeps running."""

    async def run(self) -> None:
        """Work until cancelled."""
        ...


class NoWebhooks:
    """Tells nobody."""

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()


def make_webhooks(settings: WebhookSettings, secret: str, cases: Cases, events: Events) -> Tells:
    """What tells another program of cases; `secret` signs each request, "" signs none."""
    if not settings.url:
        return NoWebhooks()
    return Webhooks(settings.url, secret, cases, events)
