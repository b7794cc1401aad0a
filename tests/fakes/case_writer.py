"""A device that does nothing but store cases, made to be killed.

Each line of its input (`FOLDER SYNCHRONOUS FIRST`) starts a fresh child, by fork, so that a start
costs milliseconds. The child says `pid N`, then `ID SHA256` for each case once it is acknowledged;
when it is dead the parent says `end`.

    python -m tests.fakes.case_writer [--no-fsync]

With `--no-fsync` the files of a case are not synced, only the database: a control that must fail.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened


def say(text: str) -> None:
    """One line, at once."""
    os.write(1, f"{text}\n".encode())


async def store_cases(folder: Path, synchronous: str, first: int) -> None:
    """Add cases until killed."""
    async with opened(folder, synchronous=synchronous) as store:
        number = first
        while True:
            one = photo(number, 20_000)
            case, _ = await store.add(draft([one], number), [one], f"key {number}")
            say(f"{case.id} {one.sha256}")
            number += 1


def main() -> None:
    """Start a child for each line of the input."""
    if "--no-fsync" in sys.argv:
        os.fsync = lambda fd: None
    for line in sys.stdin:
        folder, synchronous, first = line.split()
        pid = os.fork()
        if pid == 0:
            say(f"pid {os.getpid()}")
            asyncio.run(store_cases(Path(folder), synchronous, int(first)))
            os._exit(0)
        os.waitpid(pid, 0)
        say("end")


if __name__ == "__main__":
    main()
