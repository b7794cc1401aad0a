"""The daemon's end of the writer: starts the child when there is work, and ends it.

Imports no engine. What the child says is checked as if a stranger had said it. Whatever goes wrong
over there, the template's text stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from edge.adapters.writer.messages import MAX_LINE, Answer, Ready, Task, decode, encode
from models.jsonable import InvalidWordError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMAND = (sys.executable, "-P", "-m", "edge.adapters.writer.child")
"""What starts a writer; engine, weights, megabytes and threads follow."""
_ROOT = Path(__file__).resolve().parents[3]

log = structlog.get_logger()


class WriterFailedError(Exception):
    """The child did not give an answer; the message says why."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Which model is to write."""

    ref: str
    """id@version."""
    weights: Path
    """The GGUF file."""


class WriterProcess:
    """One child with one model loaded. Not for two callers at once."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        model: LanguageModel,
        scratch: tempfile.TemporaryDirectory[str],
    ) -> None:
        """Take over a started child; `started` makes one."""
        self._process = process
        self._scratch = scratch
        self.model = model

    @classmethod
    async def started(
        cls,
        engine: str,
        model: LanguageModel,
        memory_mb: int,
        threads: int,
        command: Sequence[str] = COMMAND,
    ) -> WriterProcess:
        """Start a child and wait until the model is loaded; the caller minds the time.

        Raises:
            WriterFailedError: it can't be started, or can't load the model.
        """
        scratch = tempfile.TemporaryDirectory(prefix="edgecase-writer-")
        try:
            process = await asyncio.create_subprocess_exec(
                *(*command, engine, str(model.weights), str(memory_mb), str(threads)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=_environment(os.environ, scratch.name),
                limit=MAX_LINE,
            )
        except BaseException as e:
            scratch.cleanup()
            if isinstance(e, OSError):
                raise WriterFailedError(f"the writer can't be started: {e}") from e
            raise
        child = cls(process, model, scratch)
        try:
            ready = decode(Ready, await child._line())
            if ready.problem:
                raise WriterFailedError(ready.problem)
        except InvalidWordError as e:
            await child.end()
            raise WriterFailedError(f"the writer made no sense: {e}") from e
        except BaseException:  # cancelled, too: no child is left behind
            await child.end()
            raise
        for note in ready.notes:
            log.info("writer_less_confined", note=note)
        return child

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True while it runs."""
        return self._process.returncode is None

    async def ask(self, task: Task) -> str:
        """Have one chat answered; the caller minds the time.

        Raises:
            WriterFailedError: the child died, or gave no answer.
        """
        stdin = self._process.stdin
        try:
            if stdin is not None:
                stdin.write(encode(task))
                await stdin.drain()
            answer = decode(Answer, await self._line())
        except (OSError, InvalidWordError) as e:
            raise WriterFailedError(f"the writer made no sense: {e}") from e
        if answer.problem:
            raise WriterFailedError(answer.problem)
        return answer.text

    async def end(self) -> None:
        """End it at once, whatever it does, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()  # works on a stopped one too
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.shield(self._process.wait())
        finally:
            self._scratch.cleanup()

    async def _line(self) -> bytes:
        stdout = self._process.stdout
        try:
            line = b"" if stdout is None else await stdout.readline()
        except ValueError as e:
            raise WriterFailedError("the writer said more than a message holds") from e
        if not line.endswith(b"\n"):
            code = await self._process.wait()
            raise WriterFailedError(f"the writer died with status {code}")
        return line


def _environment(inherited: Mapping[str, str], scratch: str) -> dict[str, str]:
    """The daemon's, without its settings: what is secret there stays there.

    Temporary files go where they are removed with the child, however it ends.
    """
    path = [str(_ROOT), *filter(None, [inherited.get("PYTHONPATH")])]
    kept = {k: v for k, v in inherited.items() if not k.startswith("EDGECASE_")}
    own = {"PYTHONPATH": os.pathsep.join(path), "TMPDIR": scratch, "MALLOC_ARENA_MAX": "2"}
    return {**kept, **own}
