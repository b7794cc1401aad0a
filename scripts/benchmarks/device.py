"""A real daemon on loopback, to measure from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that takes photos."""

    address: str
    """http://127.0.0.1:PORT."""
    pid: int
    """Of the daemon."""
    ready_s: float
    """From its start to its readiness, seconds."""

    def memory_mb(self) -> float:
        """Proportional set size of the daemon and its children: shared pages count once, MB."""
        parent = psutil.Process(self.pid)
        everyone = [parent, *parent.children(recursive=True)]
        return sum(p.memory_full_info().pss for p in everyone) / 1e6


@contextmanager
def device(data: Path, **settings: str) -> Iterator[Running]:
    """Start a daemon over `data`, wait until it is ready, stop it in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        "EDGECASE_HTTP__PORT": str(port),
        "EDGECASE_STORE__DATA_DIR": str(data),
        "EDGECASE_HTTP__RATE_PER_MINUTE": "1000000",
        **settings,
    }
    program = Path(sys.executable).with_name("edgecase")
    address, started = f"http://127.0.0.1:{port}", time.monotonic()
    with (data / "edge.log").open("wb") as log:
        process = subprocess.Popen([program, "run"], env={**os.environ, **env}, stderr=log)
    try:
        _wait_until_ready(address, process)
        yield Running(address, process.pid, time.monotonic() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def _wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(2000):
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{address}/health", timeout=5).close()  # noqa: S310
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise SystemExit("the device did not become ready; see edge.log")
