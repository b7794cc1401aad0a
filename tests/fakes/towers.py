"""A real tower, as people run it: `edgecase-tower run` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.fakes.broker import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROGRAM = Path(sys.executable).with_name("edgecase-tower")


class Tower:
    """The process and its workers."""

    def __init__(
        self,
        folder: Path,
        broker_port: int,
        workers: int = 1,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing; `more` are settings as the environment has them."""
        self.port = free_port()
        self.folder = folder
        self._settings = {
            "EDGECASE_TOWER_STORE__DATA_DIR": str(folder),
            "EDGECASE_TOWER_STORE__MIN_FREE_MB": "0",
            "EDGECASE_TOWER_HTTP__PORT": str(self.port),
            "EDGECASE_TOWER_HTTP__AUTH": "open",  # signing in has tests of its own
            "EDGECASE_TOWER_MQTT__PORT": str(broker_port),
            "EDGECASE_TOWER_INGEST__WORKERS": str(workers),
            **(more or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        folder = self.folder.parent
        with (folder / "tower.log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "run"], env={**os.environ, **self._settings}, stdout=log, stderr=log
            )
        self.until(lambda: self.get("/health").get("ready") is True, 90)

    def workers(self) -> list[psutil.Process]:
        """The ingest workers that are alive."""
        assert self.process is not None
        children: list[psutil.Process] = psutil.Process(self.process.pid).children()
        return [child for child in children if _is_worker(child)]

    def processor_s(self) -> float:
        """Processor time that the tower and its workers have used, seconds."""
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        times = [p.cpu_times() for p in (parent, *parent.children(recursive=True))]
        return float(sum(t.user + t.system for t in times))

    def kill(self) -> None:
        """SIGKILL to the tower itself; its workers have to notice."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def end(self) -> None:
        """SIGKILL, and wait until no worker is left that could write."""
        if self.process is None:
            return
        workers = self.workers() if self.process.poll() is None else []
        self.kill()
        _, left = psutil.wait_procs(workers, 15)
        for worker in left:
            worker.kill()
        psutil.wait_procs(left, 5)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(15)

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command of the tower's, with its settings."""
        return subprocess.run(
            [PROGRAM, *words],
            env={**os.environ, **self._settings},
            capture_output=True,
            text=True,
            check=False,
        )

    def get(self, path: str) -> Any:
        """JSON; an error's body where it is one, {} where nobody answers."""
        try:
            return json.loads(self.read(path))
        except urllib.error.HTTPError as e:
            return json.loads(e.read())
        except OSError:
            return {}

    def read(self, path: str) -> bytes:
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            body: bytes = answer.read()
            return body

    def until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until it holds."""
        end = time.monotonic() + seconds
        while not holds():
            log = (self.folder.parent / "tower.log").read_text()
            assert time.monotonic() < end, f"not within {seconds} s:\n{log}"
            time.sleep(0.1)


def _is_worker(child: psutil.Process) -> bool:
    try:
        return "worker" in child.cmdline()
    except psutil.NoSuchProcess:  # or a zombie
        return False


@contextmanager
def tower(
    folder: Path, broker_port: int, workers: int = 1, more: Mapping[str, str] | None = None
) -> Iterator[Tower]:
    """A tower that takes cases in."""
    running = Tower(folder / "tower", broker_port, workers, more)
    try:
        running.start()
        yield running
    finally:
        running.end()
