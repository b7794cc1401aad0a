"""Logs: one line each on standard error, where journald (or a terminal) takes them."""

from __future__ import annotations

import logging
import sys


def set_up_logs(level: int = logging.INFO) -> None:
    """Send every logger's lines to standard error."""
    pattern = "%(levelname)-7s %(name)s: %(message)s"
    logging.basicConfig(level=level, format=pattern, stream=sys.stderr, force=True)
    for chatty in ("aiohttp.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
