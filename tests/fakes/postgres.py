"""A real PostgreSQL on a socket of its own, with its data in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACES = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
INITDB = shutil.which("initdb", path=os.pathsep.join((*PLACES, os.environ.get("PATH", ""))))


@contextmanager
def postgres(place: Path | None = None) -> Iterator[str]:
    """A running server; gives SQLAlchemy's address of an empty database on it.

    Its data are in `place`, or in a folder that goes with it.

    The server never runs as root, so for root it runs as the user of Debian's package; its folder
    is none of pytest's, which are for their owner alone.
    """
    if INITDB is None:
        pytest.fail("needs Debian's postgresql; scripts/setup dev installs it")
    data, programs = place or Path(tempfile.mkdtemp(prefix="edgecase-pg-")), Path(INITDB).parent
    user: list[str] = []
    if os.geteuid() == 0:
        user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(data, "postgres", "postgres")

    def call(program: str, *arguments: str) -> None:
        command = [*user, str(programs / program), "-D", str(data / "db"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=data)

    call("initdb", "-U", "tower", "--auth=trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses= -k {data} -c max_connections=40"
    call("pg_ctl", "-w", "-l", str(data / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://tower@/postgres?host={data}"
    finally:
        call("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(data)
