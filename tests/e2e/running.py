"""Daemons in processes of their own, for the tests of whole devices."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Device:
    """A daemon in a process of its own."""

    def __init__(self, data: Path, **settings: str) -> None:
        """Start it."""
        self.port = free_port()
        own = {k: v for k, v in os.environ.items() if not k.startswith("EDGECASE_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge", "run"],
            cwd=ROOT,
            env={
                **own,
                "EDGECASE_HTTP__PORT": str(self.port),
                "EDGECASE_STORE__DATA_DIR": str(data),
                **settings,
            },
            stderr=subprocess.DEVNULL,
        )

    def ask(self, path: str, method: str = "GET") -> tuple[int, Any]:
        """One request; status and JSON, or 0 where nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.load(e)
        except OSError:
            return 0, {}

    def camera(self) -> dict[str, Any]:
        """What `/health` says of the camera."""
        found: dict[str, Any] = self.ask("/health")[1].get("camera", {})
        return found

    def cases(self) -> list[dict[str, Any]]:
        """The newest cases."""
        found: list[dict[str, Any]] = self.ask("/cases")[1].get("cases", [])
        return found


def until(condition: Callable[[], object], within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
