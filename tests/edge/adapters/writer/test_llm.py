"""Whatever the writer's child does, there is a text, in time, and it is faithful."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.adapters.writer.engine import Choice
from edge.adapters.writer.llm import LlmWriter, WriterLimits, available_memory_mb
from edge.adapters.writer.process import LanguageModel, WriterFailedError, WriterProcess
from edge.adapters.writer.template import by_template
from models.case import Author
from models.writing import options
from tests.models.writing.cases import ACCEPTED, REVIEW, chosen

if TYPE_CHECKING:
    from collections.abc import Callable

FAITHFUL = json.dumps(chosen(REVIEW, random.Random(0)), separators=(",", ":"))
TEXT = options.compose(json.loads(FAITHFUL), REVIEW)
QUICK = WriterLimits(deadline_s=2, idle_s=60, failures=99)
AT_LOAD = [f"{what}-at-load" for what in ("abort", "segfault", "exit", "babble", "half", "refuse")]
AT_TASK = [f"{what}-at-task" for what in ("abort", "segfault", "exit", "babble", "half", "deep")]
TOO_SLOW = ["hang-at-load", "hang-at-task", "stop-at-task", "loop-at-task", "flood-at-task"]


class Bench:
    """A writer over the hostile child, and what the child is to do."""

    def __init__(self, folder: Path) -> None:
        self.plan = folder / "plan"
        self.model = LanguageModel("tiny@1.0.0", folder / "model.gguf")
        self.model.weights.write_bytes(b"GGUF")
        self.installed: LanguageModel | None = self.model
        self.available = 4000.0
        self.does(f"say {FAITHFUL}")
        self._writers: list[LlmWriter] = []

    def does(self, what: str) -> None:
        self.plan.write_text(what, encoding="utf-8")

    def writer(self, limits: WriterLimits = QUICK) -> LlmWriter:
        module = ("-P", "-m", "tests.fakes.hostile_writer", str(self.plan))
        made = LlmWriter(
            Choice("xllamacpp", "it is there"),
            lambda: self.installed,
            limits,
            lambda: self.available,
            (sys.executable, *module),
        )
        self._writers.append(made)
        return made

    @property
    def starts(self) -> list[str]:
        log = Path(f"{self.plan}.starts")
        return log.read_text().splitlines() if log.exists() else []

    @property
    def living(self) -> list[int]:
        pids = [int(line.split()[0]) for line in self.starts]
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    async def close(self) -> None:
        for writer in self._writers:
            await writer.close()


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    made = Bench(tmp_path)
    yield made
    await made.close()
    assert made.living == []
    assert list(scratch.iterdir()) == []


async def test_a_faithful_answer_replaces_the_template(bench: Bench) -> None:
    summary = await bench.writer().write(REVIEW)
    assert (summary.text, summary.author, summary.verified) == (TEXT, Author.LLM, True)


@pytest.mark.parametrize("what", [*AT_LOAD, *AT_TASK])
async def test_a_child_that_breaks_leaves_the_template_and_the_next_one_writes(
    bench: Bench, what: str
) -> None:
    writer = bench.writer()
    bench.does(what)
    assert await writer.write(REVIEW) == by_template(REVIEW)
    assert bench.living == []
    bench.does(f"say {FAITHFUL}")
    assert (await writer.write(REVIEW)).author is Author.LLM


@pytest.mark.parametrize("what", TOO_SLOW)
async def test_a_child_that_takes_too_long_is_killed_at_the_deadline(
    bench: Bench, what: str
) -> None:
    bench.does(what)
    started = time.monotonic()
    summary = await bench.writer(WriterLimits(deadline_s=1)).write(REVIEW)
    assert summary == by_template(REVIEW)
    assert time.monotonic() - started < 3
    assert bench.living == []


@pytest.mark.parametrize(
    "lie",
    [
        FAITHFUL.replace("1285.20", "1285.21"),
        FAITHFUL.replace("severe", "minor"),
        json.dumps(chosen(ACCEPTED, random.Random(0))),
        '{"shows":"Ignore the facts."}',
        "It is accepted.",
    ],
)
async def test_a_child_that_lies_is_not_believed(bench: Bench, lie: str) -> None:
    assert lie != FAITHFUL
    bench.does(f"say {lie}")
    assert await bench.writer().write(REVIEW) == by_template(REVIEW)


async def test_the_model_stays_loaded_between_texts_and_goes_when_idle(bench: Bench) -> None:
    writer = bench.writer(WriterLimits(deadline_s=2, idle_s=0.3))
    await writer.write(REVIEW)
    first = writer.pid
    await asyncio.sleep(0.1)
    await writer.write(REVIEW)
    assert writer.pid == first
    assert len(bench.starts) == 1
    await asyncio.sleep(0.6)
    assert writer.pid is None
    assert bench.living == []


async def test_the_idle_model_goes_as_soon_as_memory_is_short(bench: Bench) -> None:
    writer = bench.writer(WriterLimits(deadline_s=2, idle_s=60, glance_s=0.05))
    await writer.write(REVIEW)
    await asyncio.sleep(0.2)
    assert bench.living
    bench.available = 100.0
    await until(lambda: not bench.living)
    assert writer.pid is None


async def test_a_model_that_does_not_fit_into_memory_is_not_loaded(bench: Bench) -> None:
    bench.available = 100.0
    assert await bench.writer().write(REVIEW) == by_template(REVIEW)
    assert bench.starts == []


async def test_only_one_text_is_written_at_a_time(bench: Bench) -> None:
    bench.does(f"slow {FAITHFUL}")
    writer = bench.writer(WriterLimits(deadline_s=5))
    started = time.monotonic()
    written = await asyncio.gather(*(writer.write(REVIEW) for _ in range(3)))
    assert [s.author for s in written] == [Author.LLM] * 3
    assert time.monotonic() - started > 0.9
    assert len(bench.starts) == 1


async def test_who_comes_when_too_many_wait_gets_the_template_at_once(bench: Bench) -> None:
    bench.does(f"slow {FAITHFUL}")
    writer = bench.writer(WriterLimits(deadline_s=5, waiting=2))
    written = await asyncio.gather(*(writer.write(REVIEW) for _ in range(6)))
    assert [s.author for s in written].count(Author.LLM) == 1 + 2


async def test_after_some_failures_in_a_row_it_rests_and_says_so_and_comes_back(
    bench: Bench,
) -> None:
    writer = bench.writer(WriterLimits(deadline_s=2, failures=2, rest_s=0.5))
    bench.does("abort-at-load")
    for _ in range(4):
        await writer.write(REVIEW)
    assert len(bench.starts) == 2
    status = writer.status()
    assert status.engine == "template"
    assert "failed 2 times in a row" in status.reason
    await asyncio.sleep(0.6)
    bench.does(f"say {FAITHFUL}")
    assert (await writer.write(REVIEW)).author is Author.LLM
    assert writer.status().engine == "xllamacpp"


async def test_another_model_is_loaded_in_a_new_child(bench: Bench, tmp_path: Path) -> None:
    writer = bench.writer()
    await writer.write(REVIEW)
    bench.installed = LanguageModel("other@2.0.0", tmp_path / "other.gguf")
    bench.installed.weights.write_bytes(b"GGUF")
    await writer.write(REVIEW)
    assert [line.split("/")[-1] for line in bench.starts] == ["model.gguf", "other.gguf"]
    assert len(bench.living) == 1
    assert writer.status().model == "other@2.0.0"


async def test_without_a_model_the_template_writes_and_the_status_says_why(bench: Bench) -> None:
    bench.installed = None
    writer = bench.writer()
    assert await writer.write(REVIEW) == by_template(REVIEW)
    assert writer.status().reason == "no language model is installed"
    assert bench.starts == []


async def test_a_model_whose_file_is_gone_leaves_the_template(bench: Bench) -> None:
    bench.model.weights.unlink()
    assert await bench.writer().write(REVIEW) == by_template(REVIEW)
    assert bench.starts == []


@pytest.mark.parametrize("what", ["hang-at-load", "hang-at-task"])
async def test_a_cancelled_text_leaves_no_child_behind(bench: Bench, what: str) -> None:
    bench.does(what)
    task = asyncio.create_task(bench.writer(WriterLimits(deadline_s=30)).write(REVIEW))
    await until(lambda: bool(bench.starts))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.living == []


async def test_a_child_killed_between_two_texts_is_replaced(bench: Bench) -> None:
    writer = bench.writer()
    await writer.write(REVIEW)
    assert writer.pid is not None
    os.kill(writer.pid, 9)
    await asyncio.sleep(0.1)
    assert (await writer.write(REVIEW)).author is Author.LLM
    assert len(bench.starts) == 2


async def test_the_loop_goes_on_while_the_child_is_busy(bench: Bench) -> None:
    bench.does("loop-at-task")
    task = asyncio.create_task(bench.writer(WriterLimits(deadline_s=1)).write(REVIEW))
    worst = 0.0
    while not task.done():
        before = time.monotonic()
        await asyncio.sleep(0.01)
        worst = max(worst, time.monotonic() - before)
    assert worst < 0.5


async def test_a_child_that_can_t_be_started_is_a_writer_s_failure(bench: Bench) -> None:
    with pytest.raises(WriterFailedError, match="can't be started"):
        await WriterProcess.started("x", bench.model, 100, 1, ("/nonexistent/python",))


async def test_the_daemon_s_settings_stay_out_of_the_child(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECASE_HTTP__SECRET", "x")
    writer = bench.writer()
    await writer.write(REVIEW)
    assert b"EDGECASE_" not in Path(f"/proc/{writer.pid}/environ").read_bytes()


def test_the_daemon_s_end_imports_no_engine_and_no_numpy() -> None:
    code = (
        "import sys, edge.adapters.writer.llm;"
        "print({'numpy', 'cv2', 'onnxruntime', 'llama_cpp', 'xllamacpp'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


def test_available_memory_is_the_kernel_s_word_or_unknown(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal: 9 kB\nMemAvailable:   500000 kB\n")
    assert available_memory_mb(told) == 512.0
    assert available_memory_mb(tmp_path / "none") == float("inf")
    assert available_memory_mb() > 0


async def until(holds: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)
