"""The writer with a language model: facts → grammar → child → verification → text.

The child is started when there is work and ended when there has been none for a while, when memory
is short, when it overruns the deadline, and when another model is to write. One job at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from edge.adapters.writer.engine import choose
from edge.adapters.writer.messages import Task
from edge.adapters.writer.process import COMMAND, LanguageModel, WriterFailedError, WriterProcess
from edge.adapters.writer.template import TemplateWriter, by_template
from edge.ports import WriterStatus
from edge.writing.answer import UnfaithfulError, read_answer
from models.case import Author, Summary
from models.writing import options
from models.writing.grammar import grammar_of
from models.writing.prompt import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.adapters.writer.engine import Choice
    from models.facts import Facts

SMALL_BYTES = 32_000_000
"""A model below this writes with one thread: a second one would mostly be waited for, and many
times as long while a photo is being looked at."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """What the writer may take."""

    deadline_s: float = 60
    """For one text, loading included."""
    memory_mb: int = 4096
    """Address space of the child."""
    idle_s: float = 60
    """Without work after which the model is unloaded."""
    threads: int = 2
    """Of the engine."""
    waiting: int = 8
    """Texts that may wait; more get the template's at once."""
    spare_mb: float = 200
    """Memory that has to stay available beside a loaded model."""
    glance_s: float = 5
    """How often the available memory is looked at while the model is loaded and idle."""
    failures: int = 3
    """In a row, after which it rests."""
    rest_s: float = 600
    """How long it rests then."""


def open_writer(
    engine: str,
    model: Callable[[], LanguageModel | None],
    limits: WriterLimits,
    command: Sequence[str] = COMMAND,
) -> LlmWriter | TemplateWriter:
    """The writer that the settings ask for and this machine can have.

    Args:
        engine: the setting `writer.engine`.
        model: gives the model that is active now, None where there is none.
        limits: what the writer may take.
        command: what starts a child.
    """
    choice = choose(engine)
    if choice.engine == "template":
        return TemplateWriter(choice.reason)
    return LlmWriter(choice, model, limits, command=command)


class LlmWriter:
    """Has texts written by a language model as long as that goes well."""

    def __init__(
        self,
        choice: Choice,
        model: Callable[[], LanguageModel | None],
        limits: WriterLimits | None = None,
        available_mb: Callable[[], float] | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """Keep what is needed; no child is started here.

        Args:
            choice: the engine and why it is this one.
            model: gives the model that is active now, None where there is none.
            limits: what it may take.
            available_mb: tells how much memory is available.
            command: what starts a child.
        """
        self._choice = choice
        self._model = model
        self._limits = limits or WriterLimits()
        self._available_mb = available_mb or available_memory_mb
        self._command = command
        self._child: WriterProcess | None = None
        self._busy = asyncio.Lock()
        self._queued = 0
        self._failed = 0
        self._problem = ""
        self._outcomes: Counter[tuple[str, bool]] = Counter()
        self._rests_until = 0.0
        self._idle: asyncio.Task[None] | None = None

    @property
    def problem(self) -> str:
        """What went wrong last with the child, "" where nothing has."""
        return self._problem

    @property
    def pid(self) -> int | None:
        """Of the child, None while no model is loaded."""
        return self._child.pid if self._child is not None else None

    async def write(self, facts: Facts) -> Summary:
        """See `Writer.write`."""
        if self.status().engine == "template" or self._queued >= self._limits.waiting:
            return by_template(facts)
        self._queued += 1
        try:
            async with asyncio.timeout(self._limits.deadline_s):
                await self._busy.acquire()
        except TimeoutError:
            return by_template(facts)
        finally:
            self._queued -= 1
        try:
            return await self._write(facts)
        finally:
            self._busy.release()

    async def close(self) -> None:
        """End the child."""
        await self._stop_waiting()
        await self._unload()

    def status(self) -> WriterStatus:
        """See `Writer.status`."""
        model = self._model()
        if model is None:
            return WriterStatus("template", "", "no language model is installed")
        written, lost = self._outcomes[model.ref, True], self._outcomes[model.ref, False]
        left = self._rests_until - time.monotonic()
        if left > 0:
            reason = f"{self._choice.engine} failed {self._failed} times in a row"
            rest = f"it is tried again in {left:.0f} s"
            reason = f"{reason} ({self._problem}); {rest}"
            return WriterStatus("template", model.ref, reason, written, lost)
        return WriterStatus(self._choice.engine, model.ref, self._choice.reason, written, lost)

    async def _write(self, facts: Facts) -> Summary:
        model = self._model()
        if model is None:
            return by_template(facts)
        summary = await self._write_with(model, facts)
        self._outcomes[model.ref, summary.author is Author.LLM] += 1
        return summary

    async def _write_with(self, model: LanguageModel, facts: Facts) -> Summary:
        await self._stop_waiting()
        try:
            async with asyncio.timeout(self._limits.deadline_s):
                answer = await self._ask(facts, model)
            summary = Summary(read_answer(answer, facts), Author.LLM, verified=True)
        except UnfaithfulError as e:
            log.warning("text_not_faithful", problem=str(e))
            return by_template(facts)
        except TimeoutError:
            await self._failure(f"no answer within {self._limits.deadline_s:g} s")
            return by_template(facts)
        except WriterFailedError as e:
            await self._failure(str(e))
            return by_template(facts)
        except asyncio.CancelledError:
            await self._unload()  # or the next one would get this one's answer
            raise
        finally:
            self._idle = asyncio.create_task(self._unload_when_idle())
        self._failed = 0
        return summary

    async def _ask(self, facts: Facts, model: LanguageModel) -> str:
        child = await self._loaded(model)
        chat = tuple({"role": m["role"], "content": m["content"]} for m in messages(facts))
        return await child.ask(Task(chat, grammar_of(facts), options.longest(facts) + 8))

    async def _loaded(self, model: LanguageModel) -> WriterProcess:
        """The child with this model, started where it isn't there yet."""
        if self._child is not None and (self._child.model != model or not self._child.alive):
            await self._unload()
        if self._child is None:
            self._refuse_without_memory(model)
            small = model.weights.stat().st_size < SMALL_BYTES
            self._child = await WriterProcess.started(
                self._choice.engine,
                model,
                self._limits.memory_mb,
                1 if small else self._limits.threads,
                self._command,
            )
        return self._child

    def _refuse_without_memory(self, model: LanguageModel) -> None:
        try:
            needed = model.weights.stat().st_size / 1e6 + self._limits.spare_mb
        except OSError as e:
            raise WriterFailedError(f"the model can't be read: {e}") from e
        available = self._available_mb()
        if available < needed:
            raise WriterFailedError(
                f"the model needs {needed:.0f} MB and {available:.0f} MB are available"
            )

    async def _failure(self, problem: str) -> None:
        await self._unload()
        self._failed += 1
        self._problem = problem
        log.warning("writer_failed", problem=problem, in_a_row=self._failed)
        if self._failed >= self._limits.failures:
            self._rests_until = time.monotonic() + self._limits.rest_s

    async def _unload(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    async def _unload_when_idle(self) -> None:
        ends = time.monotonic() + self._limits.idle_s
        while (left := ends - time.monotonic()) > 0:
            if self._available_mb() < self._limits.spare_mb:
                break
            await asyncio.sleep(min(left, self._limits.glance_s))
        if not self._busy.locked():
            await self._unload()

    async def _stop_waiting(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None:
            idle.cancel()
            await asyncio.wait([idle])


def available_memory_mb(path: Path = Path("/proc/meminfo")) -> float:
    """What can be had without swapping, megabytes; infinite where the kernel doesn't say."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return float("inf")
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((int(kb) * 1024 / 1e6 for kb in found), float("inf"))
