"""A camera in a process of its own: no OpenCV in the daemon, and no driver can take it down."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edge.adapters.camera.wire import BadMessageError, Message, decode, encode
from edge.errors import CameraError
from edge.ports import Frame

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[3]
GLANCE_BYTES = 160 * 120
"""Of a glance: one byte a pixel."""
LAST_WORDS_S = 1.0
"""Time that a dying process has to say why."""


class ProcessCamera:
    """Implements `edge.ports.Camera` with a child that speaks `wire`."""

    def __init__(
        self,
        name: str,
        module: str,
        options: Mapping[str, Any],
        timeout_s: float,
        profile: str = "",
        start_s: float = 25.0,
    ) -> None:
        """Keep what is needed to start the child; `open` starts it.

        Args:
            name: which camera, for people.
            module: the child's, run as `python -m module OPTIONS`.
            options: for the child, JSON.
            timeout_s: for one answer.
            profile: of its photos; "" is the device's.
            start_s: for the first answer: a Pi takes seconds to import its camera stack.
        """
        self._name = name
        self._command = (sys.executable, "-P", "-m", module, json.dumps(options))
        self._timeout_s = timeout_s
        self._profile = profile
        self._start_s = start_s
        self._child: subprocess.Popen[bytes] | None = None
        self._talking = threading.Lock()
        self._said: list[str] = []

    @property
    def name(self) -> str:
        """Which adapter and device."""
        return self._name

    @property
    def pid(self) -> int | None:
        """Of the child."""
        return self._child.pid if self._child is not None else None

    def open(self) -> None:
        """Start the child and wait until its camera runs.

        Raises:
            CameraError: there is no camera, it is taken, or it doesn't answer.
        """
        self.close()
        self._said = []
        try:
            child = subprocess.Popen(  # noqa: S603  our own interpreter and module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(ROOT), "OPENCV_LOG_LEVEL": "ERROR"},
            )
        except OSError as e:
            raise CameraError(f"The camera's process can't be started: {e.strerror}.") from e
        if child.stderr is not None:
            threading.Thread(target=self._listen, args=(child.stderr,), daemon=True).start()
        self._child = child
        self._ask("open", self._start_s)

    def glance(self) -> bytes | None:
        """A small grey frame, 160 x 120.

        Raises:
            CameraError: it stalled.
        """
        seen = self._ask("glance", self._timeout_s).picture
        return seen if len(seen) == GLANCE_BYTES else None

    def capture(self) -> Frame:
        """Take one photo: the sharpest of a burst.

        Raises:
            CameraError: it stalled.
        """
        taken = datetime.now(UTC).astimezone()
        answer = self._ask("capture", self._timeout_s)
        if not answer.picture:
            raise CameraError("The camera gave an empty picture.")
        return Frame(answer.picture, taken, dict(answer.words), self._profile)

    def settle(self, frame: Frame, problem: str) -> None:
        """Do nothing: the next photo is a new one."""

    def close(self) -> None:
        """Kill the child, which also ends a call that waits for it."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        with self._talking:  # whoever was waiting has heard the end
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    _close(pipe)

    def _ask(self, what: str, timeout_s: float) -> Message:
        with self._talking:
            child = self._child
            if child is None or child.stdin is None or child.stdout is None:
                raise CameraError("The camera is closed.")
            try:
                child.stdin.write(encode(Message({"do": what})))
                child.stdin.flush()
                answer = decode(Reader(child.stdout.fileno(), timeout_s).exactly)
            except TimeoutError as e:  # before OSError, which it is one of
                raise CameraError(str(e)) from e
            except (EOFError, OSError) as e:
                raise CameraError(f"The camera's process ended: {self._last_words(child)}.") from e
            except BadMessageError as e:
                raise CameraError(f"The camera's process talks nonsense: {e}.") from e
        if "error" in answer.words:
            raise CameraError(str(answer.words["error"]), str(answer.words.get("hint", "")))
        return answer

    def _last_words(self, child: subprocess.Popen[bytes]) -> str:
        try:
            code = child.wait(LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        time.sleep(0.05)  # its last line may still be on the way
        return self._said[-1] if self._said else f"exit code {code}"

    def _listen(self, stderr: IO[bytes]) -> None:
        """Keep the child's last line: where it dies, that is why."""
        with stderr:
            for line in stderr:
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self._said = [text]
                    log.debug("%s: %s", self._name, text)


class Reader:
    """Reads a pipe against a deadline."""

    def __init__(self, fd: int, timeout_s: float) -> None:
        """Read `fd`, everything within `timeout_s`."""
        self._fd = fd
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s

    def exactly(self, size: int) -> bytes:
        """Read so many bytes.

        Raises:
            TimeoutError: they did not come in time.
            EOFError: the other side is gone.
        """
        parts: list[bytes] = []
        left = size
        while left:
            part = self._some(left)
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _some(self, most: int) -> bytes:
        wait = max(0.0, self._deadline - time.monotonic())
        if not select.select([self._fd], [], [], wait)[0]:
            raise TimeoutError(f"The camera gave no answer for {self._timeout_s:g} s.")
        part = os.read(self._fd, min(most, 1 << 20))
        if not part:
            raise EOFError
        return part


def _close(pipe: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # what was not flushed has nobody left to read it
        pipe.close()
