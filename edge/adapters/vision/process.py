"""The daemon's end of one vision worker: start it, ask it one thing at a time, end it.

Imports nothing heavy. What the worker says is checked as if a stranger had sent it, since a photo
may have taken it over; how long it takes is the caller's business.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.adapters.vision import messages, shared_frames
from edge.adapters.vision.messages import Message, ProtocolError
from edge.adapters.vision.process_memory import resident_mb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COMMAND = (sys.executable, "-P", "-m", "edge.adapters.vision.worker")
"""What starts a worker; the number of its socket's descriptor follows."""
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",  # glibc's default of 8 per core keeps freed photos resident
    # What a photo needed is kept for the next one: giving each buffer back at once and taking it
    # anew costs 5000 page faults a photo. The worker gives it back when it rests.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 1024 * 1024),
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_LOG_LEVEL": "ERROR",
}
_ROOT = Path(__file__).resolve().parents[3]
_STDERR = 2
_MAX_UNHEARD = 8


class WorkerGoneError(Exception):
    """The worker died, or said what no worker says and was killed for it."""


class WorkerStuckError(Exception):
    """The worker did not answer in time and was killed."""


class VisionProcess:
    """One child. Not for two callers at once."""

    def __init__(self, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        """Take over a started child; `started` makes one."""
        self._process = process
        # A descriptor and not the number, which may be another program's once this one is gone.
        self._handle = os.pidfd_open(process.pid)
        self._exited = asyncio.Event()
        self._channel = channel
        self._inbox: asyncio.Queue[tuple[Message, tuple[int, ...]] | WorkerGoneError]
        self._inbox = asyncio.Queue()
        self._gone = ""
        self.on_gone: Callable[[], None] = lambda: None
        """Called once when the worker is found dead."""
        loop = asyncio.get_running_loop()
        loop.add_reader(channel, self._on_readable)
        loop.add_reader(self._handle, self._on_exit)

    @classmethod
    def started(cls, command: Sequence[str] = COMMAND) -> VisionProcess:
        """Start a child with one end of a socket pair.

        Raises:
            OSError: it can't be started.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=_STDERR,
                pass_fds=(theirs.fileno(),),
                env=_environment(os.environ),
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._process.pid

    @property
    def gone(self) -> str:
        """How it died, or "" while it lives."""
        return self._gone

    def rss_mb(self) -> float:
        """Its resident memory now, megabytes; 0 when it is gone."""
        return resident_mb(self.pid)

    def send(self, message: Message, photo: bytes | None = None) -> None:
        """Say something, with a photo beside it.

        Raises:
            WorkerGoneError: nobody is there to hear it.
        """
        frames = () if photo is None else (shared_frames.share(photo),)
        try:
            messages.send(self._channel, message, frames)
        except OSError as e:
            raise WorkerGoneError(self._gone or f"it does not listen: {e}") from e
        finally:
            messages.close(frames)

    async def receive(self, deadline_s: float) -> tuple[Message, tuple[int, ...]]:
        """Wait for what it says next; the caller closes the frames.

        Raises:
            WorkerGoneError: it died.
            WorkerStuckError: nothing came in time, and it was killed.
        """
        try:
            async with asyncio.timeout(deadline_s):
                said = await self._inbox.get()
        except TimeoutError as e:
            await self.kill(f"no answer within {deadline_s:g} s")
            raise WorkerStuckError(f"no answer within {deadline_s:g} s") from e
        if isinstance(said, WorkerGoneError):
            self._inbox.put_nowait(said)  # whoever asks again hears it again
            await self.kill(str(said))
            raise WorkerGoneError(self._gone)
        return said

    async def kill(self, why: str) -> None:
        """End it at once, whatever it does, and wait until it is gone."""
        self._gone = self._gone or why
        self._hang_up()
        if not self._exited.is_set():
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)  # works on a stopped one too
        await self._exited.wait()
        code = self._process.returncode
        if code < 0 and code != -signal.SIGKILL:
            self._gone = f"it died of {signal.Signals(-code).name}"

    def _on_exit(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self._process.wait()  # at once: it is over
        self._exited.set()

    def _hang_up(self) -> None:
        if self._channel.fileno() < 0:
            return
        asyncio.get_running_loop().remove_reader(self._channel)
        self._channel.close()
        while not self._inbox.empty():
            said = self._inbox.get_nowait()
            if not isinstance(said, WorkerGoneError):
                messages.close(said[1])

    def _on_readable(self) -> None:
        if self._inbox.qsize() >= _MAX_UNHEARD:
            return self._lost("it sent more than it was asked for")
        try:
            self._inbox.put_nowait(messages.receive(self._channel))
        except BlockingIOError:
            return None
        except EOFError:
            return self._lost("it died")
        except ProtocolError as e:
            return self._lost(f"it sent {e}")

    def _lost(self, why: str) -> None:
        self._gone = why
        asyncio.get_running_loop().remove_reader(self._channel)
        self._inbox.put_nowait(WorkerGoneError(why))
        self.on_gone()


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    path = [str(_ROOT), *filter(None, [inherited.get("PYTHONPATH")])]
    kept = {
        k: v for k, v in inherited.items() if not k.startswith("EDGECASE_")
    }  # secrets stay here
    return {**kept, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(path)}
