"""Logs: one line each on standard error, where journald (or a terminal) takes them."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up_logs(level: int = logging.INFO) -> None:
    """Send every logger's lines through structlog; colours only for a terminal."""
    terminal = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    if terminal:  # journald has its own clock
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
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
