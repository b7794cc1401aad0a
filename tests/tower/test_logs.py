"""What journald gets of the tower."""

from __future__ import annotations

import os
import subprocess
import sys

SAY = """
import logging
from tower_sync_server.logs import set_up_logs
set_up_logs()
log = logging.getLogger("tower")
log.info("well")
log.warning("less so")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("not at all")
"""


def said(stream: str) -> list[str]:
    """What it writes with this in JOURNAL_STREAM; `own` is the pipe itself."""
    reads, writes = os.pipe()
    found = os.fstat(writes)
    name = f"{found.st_dev}:{found.st_ino}" if stream == "own" else stream
    with os.fdopen(reads) as lines:
        environ = {**os.environ, "JOURNAL_STREAM": name}
        subprocess.run([sys.executable, "-c", SAY], stderr=writes, env=environ, check=True)
        os.close(writes)
        return lines.read().splitlines()


def test_journald_is_told_how_grave_each_line_is() -> None:
    first, second, *rest = said("own")
    assert (first, second) == ("<6>tower: well", "<4>tower: less so")
    assert rest[0] == "<3>tower: not at all"
    assert rest[-1] == "<3>ZeroDivisionError: division by zero"
    assert all(line.startswith("<3>") for line in rest)


def test_anywhere_else_the_level_is_a_word() -> None:
    assert said("8:1")[:2] == ["INFO    tower: well", "WARNING tower: less so"]
