"""Tries a language model before it may write: in a child like the daemon's, on facts of no case."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge.adapters.writer.engine import choose
from edge.adapters.writer.llm import LlmWriter, WriterLimits
from edge.adapters.writer.process import COMMAND, LanguageModel
from models.case import Author, Outcome
from models.facts import Facts, Finding
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.config import WriterSettings
    from models.release import ModelRelease

GOLDEN = (
    Facts(
        "vehicle",
        Outcome.ACCEPTED,
        (
            Finding("dent", 1, 0.91, "severe", "left"),
            Finding("scratch", 2, 0.74, "minor"),
        ),
        total="642.60",
        currency="EUR",
        next_step="The estimate can go to the client.",
    ),
    Facts(
        "plant",
        Outcome.NEEDS_REVIEW,
        (Finding("leaf miner", 3, 0.41),),
        reasons=("The confidence of 'leaf miner', 0.41, is below the threshold 0.50.",),
        next_step="Show the photo to an agronomist.",
    ),
    Facts("product", Outcome.ACCEPTED, next_step="Take the next product."),
)
"""What it is to put into words."""


def try_writer(
    settings: WriterSettings,
    folder: Path,
    release: ModelRelease,
    command: Sequence[str] = COMMAND,
) -> None:
    """Have it write, within the deadline and memory that it has in service too.

    Where no engine is installed nothing could ever run it, and nothing is tried.

    Raises:
        RefusedModelError: most of its texts could not be used.
    """
    choice = choose(settings.engine)
    if choice.engine == "template":
        return
    limits = WriterLimits(settings.deadline_s, settings.memory_mb, failures=len(GOLDEN) + 1)
    model = LanguageModel(release.ref, folder / release.weights.path)
    writer = LlmWriter(choice, lambda: model, limits, command=command)
    used = asyncio.run(_write_all(writer))
    if used * 2 < len(GOLDEN):
        why = writer.problem or "they were not faithful to the facts"
        raise RefusedModelError(
            f"{used} of {len(GOLDEN)} texts could be used: {why}",
            "Release a smaller or better model, or raise writer.deadline_s or writer.memory_mb.",
        )


async def _write_all(writer: LlmWriter) -> int:
    """How many of the golden facts it put into words that say just them."""
    try:
        texts = [await writer.write(facts) for facts in GOLDEN]
    finally:
        await writer.close()
    return sum(text.author is Author.LLM for text in texts)
