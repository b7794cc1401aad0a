"""Reads the secrets that the settings name by their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import HomeAssistantSettings, Settings, WebhookSettings


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is in the files."""

    webhook: str
    """Signs each request; "" signs none."""
    home_assistant: str
    """The password of `home_assistant.user`; "" is none."""


def read_secrets(settings: Settings) -> Secrets:
    """All that are wanted.

    Raises:
        ConfigError: one can't be read.
    """
    return Secrets(
        webhook_secret(settings.webhooks) if settings.webhooks.url else "",
        home_assistant_password(settings.home_assistant) if settings.home_assistant.host else "",
    )


def webhook_secret(settings: WebhookSettings) -> str:
    """See `Secrets.webhook`.

    Raises:
        ConfigError: it can't be read.
    """
    hint = "Write a secret of 32 random letters into that file, readable by EdgeCase alone."
    return _read(settings.secret_file, "webhooks.secret_file", hint)


def home_assistant_password(settings: HomeAssistantSettings) -> str:
    """See `Secrets.home_assistant`.

    Raises:
        ConfigError: it can't be read.
    """
    hint = "Write the password of home_assistant.user into that file, readable by EdgeCase alone."
    return _read(settings.password_file, "home_assistant.password_file", hint)


def _read(file: Path | None, key: str, hint: str) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no text"
        raise ConfigError(f"{key}: {why}: {file}", hint) from e
