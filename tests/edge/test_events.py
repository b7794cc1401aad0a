from __future__ import annotations

import asyncio

import pytest

from edge.events import EventKind, Events


async def test_a_listener_hears_what_is_published_in_order():
    events = Events()
    async with events.listen() as heard:
        for n in range(3):
            events.publish(EventKind.CASE_STORED, {"id": str(n)})
        assert [(await heard.next(1)).data["id"] for _ in range(3)] == ["0", "1", "2"]


async def test_nothing_for_a_while_is_a_timeout_and_not_the_end():
    events = Events()
    async with events.listen() as heard:
        with pytest.raises(TimeoutError):
            await heard.next(0.01)
        events.publish(EventKind.SYNCED, {"id": "a"})
        assert (await heard.next(1)).kind is EventKind.SYNCED


async def test_a_listener_that_comes_back_gets_what_it_missed():
    events = Events()
    first = events.publish(EventKind.CASE_STORED, {"id": "1"})
    events.publish(EventKind.CASE_STORED, {"id": "2"})
    events.publish(EventKind.SUMMARY_READY, {"id": "2"})
    async with events.listen(after=first.id) as heard:
        assert [(await heard.next(1)).kind for _ in range(2)] == ["case", "summary"]
        with pytest.raises(TimeoutError):
            await heard.next(0.01)


async def test_a_listener_that_missed_nothing_gets_nothing():
    events = Events()
    last = events.publish(EventKind.CASE_STORED, {"id": "1"})
    async with events.listen(after=last.id) as heard:
        with pytest.raises(TimeoutError):
            await heard.next(0.01)


@pytest.mark.parametrize("after", ["otherrun-1", "nonsense", "-", "²", "x-²", "x--1"])
async def test_a_listener_from_another_run_is_told_that_it_missed_something(after):
    events = Events()
    events.publish(EventKind.CASE_STORED, {"id": "1"})
    async with events.listen(after=after) as heard:
        assert (await heard.next(1)).kind is EventKind.MISSED


async def test_a_listener_that_fell_out_of_the_ring_is_told_so():
    events = Events(remember=2)
    first = events.publish(EventKind.CASE_STORED, {"id": "1"})
    for n in range(3):
        events.publish(EventKind.CASE_STORED, {"id": str(n)})
    async with events.listen(after=first.id) as heard:
        assert (await heard.next(1)).kind is EventKind.MISSED


async def test_the_oldest_remembered_event_can_still_be_replayed():
    events = Events(remember=2)
    first = events.publish(EventKind.CASE_STORED, {"id": "1"})
    events.publish(EventKind.CASE_STORED, {"id": "2"})
    events.publish(EventKind.CASE_STORED, {"id": "3"})
    async with events.listen(after=first.id) as heard:
        assert [(await heard.next(1)).data["id"] for _ in range(2)] == ["2", "3"]


async def test_a_listener_that_does_not_take_its_events_is_dropped_and_the_others_are_not():
    events = Events(queue=2)
    async with events.listen() as slow, events.listen() as quick:
        for n in range(4):
            events.publish(EventKind.CASE_STORED, {"id": str(n)})
            assert (await quick.next(1)).data["id"] == str(n)
        assert events.listeners == 1
        taken = [await slow.next(1) for _ in range(3)]
        assert [e and e.data["id"] for e in taken] == ["0", "1", None]


async def test_closing_ends_every_listener():
    events = Events()
    async with events.listen() as heard:
        waiting = asyncio.ensure_future(heard.next(5))
        await asyncio.sleep(0)
        events.close()
        assert await waiting is None
    async with events.listen() as late:
        assert await late.next(1) is None


async def test_an_event_can_be_told_in_a_mapping_or_by_name():
    event = Events().publish("case", {"id": "1"}, status="accepted")
    assert event.data == {"id": "1", "status": "accepted"}


async def test_an_event_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        Events().publish("nonsense")
