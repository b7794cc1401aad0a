"""Logs: to journald with their fields where it reads them, else a line each on standard error."""

from __future__ import annotations

import logging
import os
import sys

import structlog

from edge.journal import JournalHandler, under_journald

STDERR = 2


def set_up_logs(level: int = logging.INFO) -> None:
    """Send every logger's records where somebody reads them."""
    logging.basicConfig(level=level, handlers=[_journal() or _console()], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    structlog.configure(  # its loggers' words are fields of ordinary records
        processors=[structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _journal() -> logging.Handler | None:
    if not under_journald(os.environ.get("JOURNAL_STREAM", ""), STDERR):
        return None
    try:
        return JournalHandler()
    except OSError:  # an old or a foreign journald: standard error reaches it too
        return None


def _console() -> logging.Handler:
    """Lines by structlog; colours only for a terminal."""
    terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
    ]
    if terminal:  # whatever collects the lines has its own clock
        shared.append(structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(
                    colors=terminal,
                    # The default prints every local variable: photos, tokens and forms among them.
                    exception_formatter=structlog.dev.plain_traceback,
                ),
            ],
        )
    )
    return handler
