"""A challenger looks at the photos of new cases; where it sees something else, the case says so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import NotFoundError
from edge.events import EventKind, Events
from edge.ports import VisionStatus
from edge.updates import shadow
from edge.updates.comparison import Rules, Tally
from edge.updates.shadow import Shadow
from edge.updates.wiring import StoredCases
from tests.fakes.device import FakeClock
from tests.fakes.drafts import draft, inspection, photo
from tests.fakes.stores import opened

if TYPE_CHECKING:
    import pytest

    from edge.ports import Inspection, Photo
    from edge.store.store import Store
    from models.case import Case

MODEL = "vehicle-damage-detector"


class Eyes:
    """See what they are told to."""

    def __init__(self, *labels: str) -> None:
        self.seen = inspection(*labels)

    async def start(self) -> None:
        """Nothing to begin."""

    async def close(self) -> None:
        """Nothing to end."""

    async def ready(self) -> VisionStatus:
        return self.status()

    def status(self) -> VisionStatus:
        return VisionStatus(True, "", None, 0, 0)

    async def inspect(self, data: bytes, profile: str) -> tuple[Inspection, Photo]:
        return self.seen, photo()


async def tried(store: Store, champion: Eyes, challenger: Eyes, cases: int = 1) -> list[Case]:
    """The cases after a trial on so many new ones."""
    events, tallies = Events(), list[Tally]()
    trial = Shadow(
        lambda _: challenger,
        StoredCases(store),
        events,
        champion,  # type: ignore[arg-type]
        FakeClock(),
        Rules(photos=cases, least_agreement=0.0),
        {},
    )
    running = asyncio.create_task(trial.run(MODEL, Path("1.1.0"), tallies.append))
    await asyncio.sleep(0)
    while not events._listeners:
        await asyncio.sleep(0)
    made = []
    for number in range(1, cases + 1):
        one = photo(number)
        case, _ = await store.add(draft([one], number), [one])
        events.publish(EventKind.CASE_STORED, {"id": case.id})
        made.append(case.id)
    async with asyncio.timeout(20):
        assert await running == ""
    return [await store.get(case_id) for case_id in made]


async def test_where_it_sees_something_else_the_case_says_so_and_travels_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as store:
        (case,) = await tried(store, Eyes("dent"), Eyes("rust"))
        waiting = [(p.kind.value, p.rev) for p in await store.pending()]

    (opinion,) = case.second_opinions
    assert (opinion.model, opinion.missed, opinion.added) == (
        f"{MODEL}@1.1.0",
        ("dent",),
        ("rust",),
    )
    assert [p.label for p in opinion.predictions] == ["rust"]
    assert ("case", case.rev) in waiting
    assert case.rev == 2


async def test_it_changes_nothing_else_about_the_case(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        (case,) = await tried(store, Eyes("dent"), Eyes("rust"))
        one = photo(1)
        before = draft([one], 1)

    assert (case.status, case.predictions, case.models) == (
        before.status,
        before.predictions,
        before.models,
    )


async def test_where_both_agree_nothing_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        (case,) = await tried(store, Eyes("dent"), Eyes("dent"))

    assert (case.second_opinions, case.rev) == ((), 1)


async def test_one_that_sees_something_else_everywhere_does_not_send_everything_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "MOST_DOUBTS", 2)
    async with opened(tmp_path) as store:
        cases = await tried(store, Eyes("dent"), Eyes(), cases=4)

    assert [bool(case.second_opinions) for case in cases] == [True, True, False, False]


async def test_a_case_that_is_gone_does_not_end_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(self: StoredCases, case_id: str, opinion: object) -> None:
        raise NotFoundError("It was deleted for good meanwhile.")

    monkeypatch.setattr(StoredCases, "doubt", gone)
    async with opened(tmp_path) as store:
        (case,) = await tried(store, Eyes("dent"), Eyes("rust"))
    assert case.second_opinions == ()
