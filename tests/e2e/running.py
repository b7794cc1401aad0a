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
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


BOUNDARY = "edgecase"


class Device:
    """A daemon in a process of its own."""

    prefix: tuple[str, ...] = ()
    """What runs it, before its own command."""

    def __init__(self, data: Path, log: IO[bytes] | None = None, **settings: str) -> None:
        """Start it; what it says goes to `log`."""
        self.port = free_port()
        own = {k: v for k, v in os.environ.items() if not k.startswith("EDGECASE_")}
        self.process = subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "edge", "run"],
            cwd=ROOT,
            env={
                **own,
                "EDGECASE_HTTP__PORT": str(self.port),
                "EDGECASE_STORE__DATA_DIR": str(data),
                **settings,
            },
            stderr=log or subprocess.DEVNULL,
        )

    def ask(self, path: str, method: str = "GET", photo: Path | None = None) -> tuple[int, Any]:
        """One request, with a photo if there is one; status and JSON, or 0 where nobody answers."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            multipart(photo) if photo else None,
            {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} if photo else {},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                raw = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
                return answer.status, json.loads(raw) if is_json else raw
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.load(e)
        except OSError:
            return 0, {}

    def camera(self) -> dict[str, Any]:
        """What `/health` says of the camera."""
        found: dict[str, Any] = self.ask("/health")[1].get("camera", {})
        return found

    def ready(self) -> bool:
        """Whether it can take a photo."""
        return self.ask("/health")[0] == 200

    def stop(self) -> None:
        """Tell it to stop, and wait."""
        self.process.terminate()
        self.process.wait(30)

    def cases(self) -> list[dict[str, Any]]:
        """The newest cases."""
        found: list[dict[str, Any]] = self.ask("/cases")[1].get("cases", [])
        return found


def multipart(photo: Path) -> bytes:
    """A body with this photo."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'
    return head.encode() + photo.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()


def until(condition: Callable[[], object], within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)
