"""Logs: lines on standard error, where journald (or a terminal) takes them."""

from __future__ import annotations

import logging
import os
import sys

LINE = "%(levelname)-7s %(name)s: %(message)s"
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Lowest level → syslog's number for it; what is lower yet is 7."""


def set_up_logs(level: int = logging.INFO) -> None:
    """Send every logger's lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Prioritised() if _under_journald() else logging.Formatter(LINE))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("aiohttp.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class Prioritised(logging.Formatter):
    """Tells journald how grave each line is, as sd-daemon(3) has it: `journalctl -p warning`."""

    def __init__(self) -> None:
        """Lines without the level's name: journald shows it."""
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """A record; every line of a traceback has its number."""
        number = next((n for lowest, n in PRIORITIES if record.levelno >= lowest), 7)
        return "\n".join(f"<{number}>{line}" for line in super().format(record).splitlines())


def _under_journald() -> bool:
    """Whether journald reads standard error; a child may have its variable and write elsewhere."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
