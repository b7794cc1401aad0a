"""The device's writer process, driven as the device drives it, without importing the device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

_ROOT = Path(__file__).resolve().parents[3]
_MODULES = {"xllamacpp": "xllamacpp", "llama-cpp-python": "llama_cpp"}
_MEMORY_MB = 4096
_PATIENCE_S = 60
THREADS = 1
"""As the device has it for a model this small."""


class Child:
    """One process with one model loaded; a context that ends it."""

    def __init__(self, weights: Path) -> None:
        """Start it and wait until it is ready; `load_s` is how long that took, in seconds.

        Raises:
            RuntimeError: it can't load the model, or no engine is installed.
        """
        engine = next((name for name, module in _MODULES.items() if find_spec(module)), "")
        if not engine:
            raise RuntimeError("no engine is installed: one of " + ", ".join(_MODULES))
        started = time.perf_counter()
        command = (sys.executable, "-P", "-m", "edge.adapters.writer.child", engine, str(weights))
        self._process = subprocess.Popen(  # noqa: S603 - our own child
            (*command, str(_MEMORY_MB), str(THREADS)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(_ROOT), "MALLOC_ARENA_MAX": "2"},
        )
        ready = self._line()
        self.load_s = time.perf_counter() - started
        if ready.get("problem"):
            raise RuntimeError(str(ready["problem"]))

    def __enter__(self) -> Child:
        """Nothing more to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process; one of so low a priority may not get to it by itself in time."""
        try:
            self._process.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def ask(self, messages: tuple[Any, ...], grammar: str, max_tokens: int) -> tuple[str, float]:
        """Have one chat answered; return the answer, "" where there is none, and seconds."""
        task = {"messages": list(messages), "grammar": grammar, "max_tokens": max_tokens}
        started = time.perf_counter()
        if self._process.stdin is not None:
            self._process.stdin.write(json.dumps(task).encode() + b"\n")
            self._process.stdin.flush()
        answer = self._line()
        return str(answer.get("text", "")), time.perf_counter() - started

    def _line(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise RuntimeError("the writer's process died")
        said: dict[str, Any] = json.loads(line)
        return said
