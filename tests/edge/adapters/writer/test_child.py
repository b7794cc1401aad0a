"""The writer's real child, with a real model: its lock-in, its errors, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from edge.adapters.writer.engine import MODULES
from edge.adapters.writer.llm import LlmWriter, WriterLimits, open_writer
from edge.adapters.writer.process import LanguageModel
from edge.adapters.writer.template import by_template
from models.case import Author
from tests.fakes.tiny_gguf import write_tiny_gguf
from tests.models.writing.cases import EXAMPLES, REVIEW

pytestmark = pytest.mark.llm

INSTALLED = [engine for engine, module in MODULES.items() if find_spec(module)]
LIMITS = WriterLimits(deadline_s=60, idle_s=60, threads=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    weights = write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")
    return LanguageModel("tiny@1.0.0", weights)


@pytest.fixture(params=INSTALLED)
async def writer(request: pytest.FixtureRequest, model: LanguageModel):  # type: ignore[no-untyped-def]
    made = open_writer(request.param, lambda: model, LIMITS)
    yield made
    await made.close()


async def test_a_real_model_in_a_real_child_writes_every_example(writer: LlmWriter) -> None:
    for facts in EXAMPLES.values():
        summary = await writer.write(facts)
        assert summary.author is Author.LLM
        assert summary.verified


async def test_the_child_is_nice_has_limited_memory_and_no_network(writer: LlmWriter) -> None:
    await writer.write(REVIEW)
    proc = Path(f"/proc/{writer.pid}")
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, writer.pid or 0) == min(19, ours + 10)
    limits = (proc / "limits").read_text()
    assert f"{4096 * 1024 * 1024}" in limits.split("Max address space")[1].splitlines()[0]
    assert (proc / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()


async def test_too_little_memory_leaves_the_template(writer: LlmWriter) -> None:
    small = open_writer(
        writer.status().engine, lambda: LanguageModel("x@1.0.0", _weights(writer)), TIGHT
    )
    assert await small.write(REVIEW) == by_template(REVIEW)
    await small.close()


TIGHT = WriterLimits(deadline_s=60, memory_mb=64, threads=1)


def _weights(writer: LlmWriter) -> Path:
    model = writer._model()
    assert model is not None
    return model.weights


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
async def test_a_truncated_model_leaves_the_template(
    engine: str, share: float, model: LanguageModel, tmp_path: Path
) -> None:
    whole = model.weights.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole[: int(len(whole) * share)])
    made = open_writer(engine, lambda: LanguageModel("cut@1.0.0", path), LIMITS)
    assert await made.write(REVIEW) == by_template(REVIEW)
    await made.close()


async def test_a_child_killed_in_the_middle_is_replaced(writer: LlmWriter) -> None:
    await writer.write(REVIEW)
    os.kill(writer.pid or 0, signal.SIGKILL)
    assert (await writer.write(REVIEW)).text
    assert (await writer.write(REVIEW)).author is Author.LLM


def test_the_child_dies_with_a_daemon_that_is_killed(model: LanguageModel, tmp_path: Path) -> None:
    code = f"""
import asyncio
from pathlib import Path
from edge.adapters.writer.llm import LanguageModel, WriterLimits, open_writer
from tests.models.writing.cases import REVIEW
async def main():
    model = LanguageModel("tiny@1.0.0", Path({str(model.weights)!r}))
    writer = open_writer("auto", lambda: model, WriterLimits(threads=1))
    await writer.write(REVIEW)
    print(writer.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    own = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=own) as daemon:
        assert daemon.stdout is not None
        child = int(daemon.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        daemon.kill()
    ends = time.monotonic() + 5
    while _runs(child) and time.monotonic() < ends:
        time.sleep(0.02)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    """True while it is neither gone nor a zombie that nobody here can reap."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
