"""The way from a command to this machine's daemon, which lets in whoever owns its store."""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.cli.in_store import in_store
from edge.lan.place import EVERYWHERE
from edge.store import tokens
from edge.store.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.config import HttpSettings, Settings

NAME = "a command on the device"
"""Of the token that a command has for as long as it runs."""


@contextmanager
def linked(
    settings: Settings, timeout_s: float
) -> Iterator[tuple[http.client.HTTPConnection, Mapping[str, str]]]:
    """A connection to the daemon, and the headers that it wants.

    Where the daemon asks for a token, one is made in its store and taken away in the end.

    Raises:
        ConnectionRefusedError: no daemon runs.
        OSError: it can't be reached.
        OperatorError: its store is somebody else's.
    """
    link = http.client.HTTPConnection(_host(settings.http), settings.http.port, timeout=timeout_s)
    try:
        link.connect()
        with _let_in(settings) as headers:
            yield link, headers
    finally:
        link.close()


@contextmanager
def _let_in(settings: Settings) -> Iterator[Mapping[str, str]]:
    if settings.http.auth == "open":
        yield {}
        return
    now = datetime.now(UTC).astimezone()
    plain, token = in_store(settings.store, lambda db: tokens.create(db, NAME, (Scope.ADMIN,), now))
    try:
        yield {"Authorization": f"Bearer {plain}"}
    finally:
        in_store(settings.store, lambda db: tokens.forget(db, token.id))


def _host(http: HttpSettings) -> str:
    if http.host not in EVERYWHERE:
        return http.host.strip("[]")
    return "::1" if http.host == "::" else "127.0.0.1"
