"""A writer that does what a broken or taken-over one might, as the file it is given says.

    python -m tests.fakes.hostile_writer PLAN ENGINE WEIGHTS MEMORY_MB THREADS

PLAN is a file with one word and a text; it is read again before everything, so that a test can
change its mind. Each start adds a line to PLAN.starts.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge.adapters.writer.messages import Answer, Ready, encode

if TYPE_CHECKING:
    from collections.abc import Callable

FOREVER = 3600


def main(plan: Path, weights: str) -> None:
    with Path(f"{plan}.starts").open("a") as starts:
        starts.write(f"{os.getpid()} {weights}\n")
    act(plan, "load")
    send(encode(Ready()))
    while sys.stdin.buffer.readline():
        act(plan, "task")
        send(encode(Answer(text=wanted(plan)[1])))


def wanted(plan: Path) -> tuple[str, str]:
    word, _, text = plan.read_text(encoding="utf-8").partition(" ")
    return word, text


def act(plan: Path, moment: str) -> None:
    """Do what the plan wants at this moment; return where it wants an answer."""
    what, _, when = wanted(plan)[0].partition("-at-")
    if when == moment:
        ACTS[what]()
    elif what == "slow" and moment == "task":
        time.sleep(0.3)


def loop() -> None:
    while True:
        pass


def flood() -> None:
    send(b"x" * 2_000_000)
    time.sleep(FOREVER)


def half() -> None:
    send(b'{"text": "The photo')
    sys.exit(0)


ACTS: dict[str, Callable[[], object]] = {
    "abort": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: sys.exit(0),
    "hang": lambda: time.sleep(FOREVER),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "loop": loop,
    "babble": lambda: send(b"Hello, I am a language model.\n"),
    "flood": flood,
    "half": half,
    "deep": lambda: send(b"[" * 100_000 + b"\n"),
    "refuse": lambda: send(encode(Ready(problem="out of memory"))),
}


def send(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[3])
