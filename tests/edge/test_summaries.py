"""The summary that follows a case."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from edge.events import EventKind
from edge.pipeline import Submission
from edge.ports import WriterStatus
from edge.summaries import Summaries
from models.case import Author, Summary
from tests.fakes.device import Device, a_device, shipped_profiles
from tests.fakes.vision import picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from models.case import Case
    from models.facts import Facts


class Clerk:
    """A writer that writes one sentence, or falls back to the template."""

    def __init__(self, author: Author = Author.LLM, engine: str = "fake") -> None:
        self.author, self.engine = author, engine
        self.asked: list[Facts] = []

    async def write(self, facts: Facts) -> Summary:
        self.asked.append(facts)
        return Summary("A clerk has seen one dent.", self.author, verified=True)

    def status(self) -> WriterStatus:
        return WriterStatus(self.engine, "clerk@1.0.0", "a test")


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[Device]:
    async with a_device(tmp_path) as made:
        yield made


@asynccontextmanager
async def followed(device: Device, clerk: Clerk) -> AsyncIterator[tuple[Summaries, Case]]:
    summaries = Summaries(clerk, device.store, device.events, shipped_profiles())
    case, _ = await device.parts.pipeline.keep([Submission(photo=picture())])
    running = asyncio.create_task(summaries.run())
    try:
        yield summaries, case
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_models_words_take_the_place_of_the_templates(device: Device) -> None:
    async with followed(device, Clerk()) as (summaries, case), device.events.listen() as heard:
        summaries.follow(case.id)
        event = await heard.next(5)

        assert event is not None
        assert event.kind is EventKind.SUMMARY_READY
        written = await device.store.get(case.id)
        assert written.summary == Summary("A clerk has seen one dent.", Author.LLM, True)
        assert written.rev == case.rev + 1


async def test_the_writer_gets_facts_and_nothing_of_the_form(device: Device) -> None:
    clerk = Clerk()
    async with followed(device, clerk) as (summaries, case), device.events.listen() as heard:
        summaries.follow(case.id)
        await heard.next(5)

    assert [finding.label for finding in clerk.asked[0].findings] == ["dent", "scratch"]


async def test_a_fallback_to_the_template_is_no_new_revision(device: Device) -> None:
    clerk = Clerk(Author.TEMPLATE)
    async with followed(device, clerk) as (summaries, case):
        summaries.follow(case.id)
        while not clerk.asked:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)

        assert (await device.store.get(case.id)).rev == case.rev


async def test_without_a_language_model_nothing_waits(device: Device) -> None:
    clerk = Clerk(engine="template")
    async with followed(device, clerk) as (summaries, case):
        summaries.follow(case.id)
        await asyncio.sleep(0.05)

    assert clerk.asked == []


async def test_a_case_that_is_gone_does_not_end_the_task(device: Device) -> None:
    clerk = Clerk()
    async with followed(device, clerk) as (summaries, case), device.events.listen() as heard:
        summaries.follow("00000000-0000-0000-0000-000000000000")
        summaries.follow(case.id)

        assert await heard.next(5) is not None
