"""Whom the settings tell of cases; "nobody" is one too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from edge.errors import ConfigError
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


def make_webhooks(settings: WebhookSettings, cases: Cases, events: Events) -> Tells:
    """What tells another program of cases.

    Raises:
        ConfigError: the secret can't be read.
    """
    if not settings.url:
        return NoWebhooks()
    return Webhooks(settings.url, _secret(settings), cases, events)


def _secret(settings: WebhookSettings) -> str:
    if settings.secret_file is None:
        return ""
    try:
        return settings.secret_file.read_text(encoding="utf-8").strip()
    except OSError as e:
        raise ConfigError(
            f"webhooks.secret_file: {e.strerror}: {settings.secret_file}",
            "Write a secret of 32 random letters into that file, readable by EdgeCase alone.",
        ) from e
