"""A toy of the writer's recipe, from random facts to a text on the device."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from edge.adapters.writer.engine import choose
from edge.adapters.writer.llm import LlmWriter
from edge.adapters.writer.process import LanguageModel
from models.case import Author
from models.release import Format, Task, read_manifest, verify_files
from models.writing.verify import verify
from tower_sync_server.training.publish import Identity
from tower_sync_server.training.writer.evaluate import held_out_facts, measure, perplexity
from tower_sync_server.training.writer.export_gguf import Loaded, load_gguf
from tower_sync_server.training.writer.publish import publish_writer, write_writer_card
from tower_sync_server.training.writer.recipe import TOY, train_writer, untrained
from tower_sync_server.training.writer.text import Example, answer_of, prompt_of

if TYPE_CHECKING:
    from pathlib import Path

    from models.case import Summary
    from models.facts import Facts

pytestmark = [pytest.mark.slow, pytest.mark.llm]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy writer as it would lie in the zoo."""
    root = tmp_path_factory.mktemp("writer")
    trained = train_writer(TOY, root / "work", lambda _: None)
    made = root / "zoo" / "toy-writer" / "0.1.0"
    made.mkdir(parents=True)
    publish_writer(
        made, trained, Identity("toy-writer", "0.1.0", 7, "0" * 64, "2026-01-01", "A toy.")
    )
    return made


def written(folder: Path, facts: list[Facts]) -> list[Summary]:
    async def write() -> list[Summary]:
        model = LanguageModel("toy-writer@0.1.0", folder / "model.gguf")
        writer = LlmWriter(choose("auto"), lambda: model)
        try:
            return [await writer.write(one) for one in facts]
        finally:
            await writer.close()

    return asyncio.run(write())


def test_it_learns_to_write_about_things_it_never_saw(folder: Path) -> None:
    loaded = load_gguf(folder / "model.gguf")
    facts = held_out_facts(1, 48)
    texts = [Example(prompt_of(one), answer_of(one)) for one in facts]
    fresh = Loaded(untrained(TOY, loaded.tokenizer).eval(), loaded.tokenizer)
    before, after = perplexity(fresh, texts), perplexity(loaded, texts)
    assert before > 0.5 * len(loaded.tokenizer.tokens)
    assert after < before / 20
    assert math.isfinite(after)


def test_the_device_s_own_writer_runs_it_and_publishes_only_what_is_faithful(folder: Path) -> None:
    facts = held_out_facts(2, 12)
    summaries = written(folder, facts)
    for one, summary in zip(facts, summaries, strict=True):
        assert verify(summary.text, one) == ()
        assert summary.verified
    assert sum(summary.author is Author.LLM for summary in summaries) >= 10


def test_the_manifest_names_the_file_and_the_card_holds_figures_and_samples(folder: Path) -> None:
    figures, texts = measure(folder, 3, 12)
    write_writer_card(folder, figures, texts[:5], (3, 12))
    release = read_manifest(folder)
    verify_files(folder, release)
    assert (release.task, release.format) == (Task.WRITE, Format.GGUF)
    assert release.figures["held_out-q8_0"]["faithful"] == 1.0
    card = (folder / "CARD.md").read_text(encoding="utf-8")
    assert all(text in card for text in texts[:5])
    assert all(f"| {figure.name} |" in card for figure in figures)
    # Beside the bar that is missed stands what the clerk's own text would measure.
    assert {"perplexity_ratio", "perplexity_clerk"} <= {figure.name for figure in figures}
