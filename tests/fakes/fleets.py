"""Simulated devices in a process of their own: started, asked, killed, started again."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
READY_S = 120.0
ANSWER_S = 600.0


@dataclass(frozen=True)
class Plan:
    """One device."""

    name: str
    """As in its topics."""
    folder: str
    """Of its store."""
    port: int
    """Of the broker, or of what leads there; 0: it has no tower."""
    photo_bytes: tuple[int, int] = (100_000, 100_000)
    """Least and most of its photos."""
    cases: int = 0
    """It makes so many by itself, those included that it made before it was killed."""
    every_s: float = 0.0
    """Between two of these."""
    revise_every: int = 0
    """Every so manieth case is rejected at once by a person; 0: none."""
    shift_s: float = 0.0
    """What its wall clock is ahead."""
    keepalive_s: int = 0
    """Of the MQTT link; 0: as shipped."""
    spread_s: float = 2.0
    """Within which it comes back when the broker has hung up; a fleet takes longer."""
    trusting: bool = False
    """It takes the broker's word for the tower's: a control that has to lose cases."""
    sync: dict[str, Any] = field(default_factory=dict)
    """More of `[sync]`."""


class Fleet:
    """One process of `tests.fakes.fleet`."""

    def __init__(self, folder: Path, plans: Sequence[Plan]) -> None:
        """Write the plans into `folder`; nothing is started."""
        folder.mkdir(parents=True, exist_ok=True)
        self.plans = tuple(plans)
        self.made: list[tuple[str, str]] = []
        """Device and id of each case that it said was durable."""
        self._file = folder / f"{plans[0].name}.plans.json"
        self._file.write_text(json.dumps([asdict(plan) for plan in plans]))
        self._log = folder / f"{plans[0].name}.log"
        self._answers: queue.Queue[Any] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The one that runs now."""
        assert self._process is not None
        return self._process

    def start(self, *, wait: bool = True) -> None:
        """Start it; with `wait` until every store is open."""
        command = [sys.executable, "-m", "tests.fakes.fleet", str(self._file)]
        pipe = subprocess.PIPE
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, cwd=ROOT)
        self._answers = queue.Queue()
        hear = threading.Thread(target=self._hear, args=(self._process, self._answers), daemon=True)
        hear.start()
        if wait:
            self._next(READY_S)

    def ask(self, command: str, device: str, *arguments: Any) -> Any:
        """What it answers; one question at a time."""
        self.tell(command, device, *arguments)
        return self.answer()

    def tell(self, command: str, device: str, *arguments: Any) -> None:
        """Ask, and fetch the answer later."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, device, *arguments]).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """The next answer."""
        return self._next(ANSWER_S)["answer"]

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None
                stream.close()
            self._process = None

    def rss_mb(self) -> float:
        """Memory in use now."""
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        """Most memory that was ever in use."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

    def _next(self, seconds: float) -> dict[str, Any]:
        try:
            found: dict[str, Any] | None = self._answers.get(timeout=seconds)
        except queue.Empty:
            found = None
        assert found is not None, f"the devices ended or hang:\n{self._log.read_text()[-4000:]}"
        return found

    def _hear(self, process: subprocess.Popen[bytes], answers: queue.Queue[Any]) -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if not line.endswith(b"\n"):
                    break  # killed in the middle of it
                said = json.loads(line)
                if "made" in said:
                    self.made.append((said["device"], said["made"]))
                else:
                    answers.put(said)
        except ValueError:
            pass  # closed by `kill`
        answers.put(None)


@contextmanager
def fleet(folder: Path, *plans: Plan) -> Iterator[Fleet]:
    """Running devices."""
    running = Fleet(folder, plans)
    running.start()
    try:
        yield running
    finally:
        running.kill()
