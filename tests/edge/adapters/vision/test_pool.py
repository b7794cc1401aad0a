"""The pool over a worker that really dies, hangs, stops and leaks when a photo tells it to."""

import asyncio
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from edge.adapters.vision.messages import Start
from edge.adapters.vision.pool import WorkerVision
from edge.adapters.vision.priority import BEHIND
from edge.errors import (
    BadImageError,
    ImageTooLargeError,
    RefusedModelFileError,
    VisionBusyError,
    VisionFailedError,
)
from models.detection import Prediction, Source
from tests.edge.adapters.vision.support import FAST, HOSTILE, LoopLatency, serving, timed, until

FRESH_WITHIN_S = 3.0
LOOP_LATE_S = 0.1

LOWEST = 19
"""Priority below which Linux knows none."""


async def test_a_photo_comes_back_as_an_inspection_and_a_photo():
    async with serving() as vision:
        inspection, photo = await vision.inspect(b"hello", "p")
    assert inspection.quality.usable
    assert (photo.data, photo.thumbnail, photo.width) == (b"hello", b"thumb", 640)


async def test_a_photo_that_was_cleaned_travels_back_and_another_one_does_not():
    async with serving() as vision:
        given = b"as given"
        _, same = await vision.inspect(given, "p")
        _, cleaned = await vision.inspect(b"clean me", "p")
    assert same.data is given
    assert cleaned.data == b"clean me clean"


async def test_a_photo_of_many_megabytes_arrives_whole():
    data = os.urandom(1 << 20) * 24
    async with serving() as vision:
        _, photo = await vision.inspect(data, "p")
    assert photo.data == data


async def test_the_drawing_comes_back():
    box = Prediction("dent", 0.9, (0, 0, 1, 1), Source.DETECTOR)
    async with serving() as vision:
        assert await vision.annotate(b" on it", (box,) * 2) == b"2 boxes on it"


async def test_a_message_longer_than_a_datagram_arrives_too():
    box = Prediction("d" * 100, 0.9, (0, 0, 1, 1), Source.DETECTOR)
    async with serving() as vision:
        assert await vision.annotate(b"", (box,) * 2000) == b"2000 boxes"


async def test_a_worker_killed_under_a_photo_costs_nothing_but_time(tmp_path: Path):
    async with serving() as vision, LoopLatency() as loop:
        took = await timed(vision.inspect(f"once {tmp_path / 'trace'}".encode(), "p"))
        status = vision.status()
    assert took < FRESH_WITHIN_S
    assert loop.worst_s < LOOP_LATE_S
    assert (status.restarts, status.ready) == (1, True)


async def test_kill_nine_from_outside_in_the_middle_of_a_job_gets_a_second_try():
    async with serving() as vision:
        job = asyncio.create_task(vision.inspect(b"sleep 0.4", "p"))
        await asyncio.sleep(0.1)
        os.kill(vision.status().pid or 0, signal.SIGKILL)
        await job
        assert vision.status().restarts == 1


async def test_a_photo_that_went_through_is_not_blamed_for_workers_killed_from_outside():
    async with serving() as vision:
        for _ in range(3):
            job = asyncio.create_task(vision.inspect(b"sleep 0.3", "p"))
            await asyncio.sleep(0.1)
            os.kill(vision.status().pid or 0, signal.SIGKILL)
            await job
        assert vision.status().restarts == 3


@pytest.mark.parametrize("order", [b"segfault", b"kill", b"exit", b"rubbish"])
async def test_a_photo_that_takes_two_workers_down_fails_and_the_next_one_does_not(order: bytes):
    async with serving() as vision, LoopLatency() as loop:
        with pytest.raises(VisionFailedError, match="died twice") as caught:
            await vision.inspect(order, "p")
        assert caught.value.hint
        assert await timed(vision.inspect(b"next", "p")) < FRESH_WITHIN_S
    assert loop.worst_s < LOOP_LATE_S


async def test_the_signal_that_ended_a_worker_is_said():
    async with serving() as vision:
        with pytest.raises(VisionFailedError, match="SIGSEGV"):
            await vision.inspect(b"segfault", "p")


@pytest.mark.parametrize("order", [b"loop", b"stop"])
async def test_a_worker_that_does_not_answer_is_replaced_at_the_deadline(order: bytes):
    async with serving() as vision, LoopLatency() as loop:
        before = vision.status().pid
        with pytest.raises(VisionFailedError, match="too long"):
            await vision.inspect(order, "p")
        assert await timed(vision.inspect(b"next", "p")) < FRESH_WITHIN_S
        assert vision.status().pid != before
    assert loop.worst_s < LOOP_LATE_S


async def test_a_photo_that_took_two_workers_down_is_refused_at_once_afterwards():
    async with serving() as vision:
        with pytest.raises(VisionFailedError):
            await vision.inspect(b"kill", "p")
        await vision.inspect(b"next", "p")
        restarts = vision.status().restarts
        with pytest.raises(VisionFailedError, match="before"):
            await vision.inspect(b"kill", "p")
        assert vision.status().restarts == restarts


async def test_a_worker_stopped_while_idle_is_replaced_before_a_photo_comes():
    async with serving() as vision:
        stopped = vision.status().pid or 0
        os.kill(stopped, signal.SIGSTOP)
        await until(lambda: vision.status().pid not in (stopped, None), within_s=4)
        assert await timed(vision.inspect(b"next", "p")) < 0.5


async def test_a_worker_killed_while_idle_is_replaced_at_once():
    async with serving(limits=replace(FAST, heartbeat_s=60)) as vision:
        killed = vision.status().pid or 0
        os.kill(killed, signal.SIGKILL)
        await until(lambda: vision.status().pid not in (killed, None), within_s=FRESH_WITHIN_S)


async def test_a_worker_that_grew_is_replaced_between_two_photos():
    async with serving(limits=replace(FAST, max_rss_mb=100, deadline_s=10)) as vision:
        grown = vision.status().pid
        await vision.inspect(b"leak 120", "p")
        await vision.inspect(b"next", "p")
        assert vision.status().pid not in (grown, None)


async def test_a_worker_that_did_not_grow_stays():
    async with serving() as vision:
        before = vision.status().pid
        for _ in range(20):
            await vision.inspect(b"leak 1", "p")
        assert vision.status().pid == before


async def test_running_out_of_memory_is_said_and_the_worker_replaced():
    async with serving() as vision:
        before = vision.status().pid
        with pytest.raises(ImageTooLargeError, match="memory"):
            await vision.inspect(b"bomb", "p")
        await vision.inspect(b"next", "p")
        assert vision.status().pid != before


async def test_a_photo_that_cannot_be_read_is_told_apart_and_costs_no_worker():
    async with serving() as vision:
        with pytest.raises(BadImageError, match="not a picture") as caught:
            await vision.inspect(b"bad", "p")
        assert caught.value.hint == "send one"
        assert vision.status().restarts == 0


async def test_a_fault_in_our_own_code_fails_the_job_and_not_the_worker():
    async with serving() as vision:
        with pytest.raises(VisionFailedError, match="ZeroDivisionError"):
            await vision.inspect(b"bug", "p")
        await vision.inspect(b"next", "p")
        assert vision.status().restarts == 0


async def test_more_photos_than_may_wait_are_refused_at_once():
    async with serving(limits=replace(FAST, queue=2)) as vision:
        running = asyncio.create_task(vision.inspect(b"sleep 0.3", "p"))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(vision.inspect(b"next", "p")) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert await timed(_busy(vision)) < 0.05
        await asyncio.gather(running, *waiting)


async def test_more_bytes_than_may_wait_are_refused_but_one_photo_may_always():
    async with serving(limits=replace(FAST, queue_bytes=10)) as vision:
        running = asyncio.create_task(vision.inspect(b"sleep 0.3", "p"))
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(vision.inspect(b"next, and larger than all of it", "p"))
        await asyncio.sleep(0.05)
        await _busy(vision)
        await asyncio.gather(running, waiting)


async def _busy(vision) -> None:
    with pytest.raises(VisionBusyError) as caught:
        await vision.inspect(b"one too many", "p")
    assert caught.value.hint


async def test_who_gives_up_waiting_does_not_get_the_next_ones_answer():
    async with serving() as vision:
        impatient = asyncio.create_task(vision.inspect(b"sleep 0.3", "p"))
        await asyncio.sleep(0.05)
        impatient.cancel()
        _, photo = await vision.inspect(b"next", "p")
    assert photo.data == b"next"


async def test_a_swap_under_load_fails_no_request():
    versions = iter(f"ok {n}" for n in range(1000))
    async with serving(lambda: Start((), {"m": next(versions)})) as vision:
        seen: list[str] = []
        stop = asyncio.Event()

        async def client(n: int) -> None:
            while not stop.is_set():
                inspection, _ = await vision.inspect(b"sleep 0.01 %d" % n, "p")
                seen.append(inspection.models["m"])

        clients = [asyncio.create_task(client(n)) for n in range(6)]
        for _ in range(5):
            await vision.reload()
            await asyncio.sleep(0.1)
        stop.set()
        await asyncio.gather(*clients)
        status = vision.status()
    assert len(seen) > 20
    assert seen == sorted(seen)
    assert sorted(set(seen)) == [f"ok {n}" for n in range(6)]
    assert status.restarts == 0


async def test_a_job_in_flight_finishes_on_the_old_worker():
    versions = iter(["ok old", "ok new"])
    async with serving(lambda: Start((), {"m": next(versions)})) as vision:
        slow = asyncio.create_task(vision.inspect(b"sleep 0.5", "p"))
        await asyncio.sleep(0.05)
        await vision.reload()
        assert (await slow)[0].models == {"m": "ok old"}
        assert (await vision.inspect(b"next", "p"))[0].models == {"m": "ok new"}


async def test_a_successor_stands_back_until_it_serves(tmp_path: Path):
    tried = tmp_path / "niceness"
    plans = iter(["ok old", f"niceness {tried}"])
    async with serving(lambda: Start((), {"m": next(plans)})) as vision:
        status = await vision.reload()
        assert status.pid is not None
        usual = os.getpriority(os.PRIO_PROCESS, 0)
        assert int(tried.read_text()) == min(usual + BEHIND, LOWEST)
        assert os.getpriority(os.PRIO_PROCESS, status.pid) == usual


async def test_a_worker_that_nobody_serves_beside_does_not_stand_back(tmp_path: Path):
    tried = tmp_path / "niceness"
    async with serving(lambda: Start((), {"m": f"niceness {tried}"})):
        assert int(tried.read_text()) == os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("refuse it is crooked", "it is crooked"),
        ("segfault", "SIGSEGV"),
        ("loop", "no answer"),
        ("bug", "died"),
    ],
)
async def test_a_model_that_fails_its_trial_is_refused_and_the_old_one_serves_on(order, reason):
    plans = iter(["ok old", order])
    async with serving(lambda: Start((), {"m": next(plans)})) as vision:
        pid = vision.status().pid
        with pytest.raises(RefusedModelFileError, match=reason):
            await vision.reload()
        assert vision.status().pid == pid
        assert (await vision.inspect(b"next", "p"))[0].models == {"m": "ok old"}


@pytest.mark.parametrize("order", ["segfault", "loop"])
async def test_at_the_start_a_model_that_takes_workers_down_is_left_out_and_the_rest_serves(order):
    start = Start((), {"good": "ok 1", "evil": order})
    async with serving(lambda: start) as vision:
        status = vision.status()
        assert status.ready
        assert [m.ref for m in status.models] == ["good"]
        assert "took the worker down" in status.refused["evil"]


async def test_a_model_refused_since_the_start_does_not_stop_a_later_swap():
    plans = iter([{"a": "refuse no"}, {"a": "refuse no", "b": "ok 1"}])
    async with serving(lambda: Start((), next(plans))) as vision:
        status = await vision.reload()
    assert [m.ref for m in status.models] == ["b"]


async def test_a_worker_that_never_starts_is_said_and_photos_fail_at_once():
    async with serving(command=("/bin/false",)) as vision:
        status = vision.status()
        assert (status.ready, status.pid) == (False, None)
        assert status.reason
        with pytest.raises(VisionFailedError) as caught:
            await vision.inspect(b"hello", "p")
        assert "doctor" in caught.value.hint


async def test_a_program_that_is_not_there_is_said_too():
    async with serving(command=("/nonexistent/python",)) as vision:
        assert "can't be started" in vision.status().reason


async def test_a_signal_that_is_meant_for_the_daemon_does_not_end_the_worker():
    async with serving() as vision:
        pid = vision.status().pid or 0
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        await vision.inspect(b"hello", "p")
        assert (vision.status().pid, vision.status().restarts) == (pid, 0)


async def test_whoever_wants_to_know_is_told_of_every_worker_that_begins_to_serve():
    seen = []
    vision = WorkerVision(lambda: Start(()), FAST, command=HOSTILE, on_serving=seen.append)
    await vision.start()
    await vision.ready()
    with pytest.raises(VisionFailedError):
        await vision.inspect(b"kill", "p")
    await vision.reload()
    await vision.close()
    assert [status.ready for status in seen] == [True] * 4
    assert len({status.pid for status in seen}) == 4


async def test_a_swap_that_comes_while_closing_leaves_no_worker_behind():
    async with serving() as vision:
        swap = asyncio.create_task(vision.reload())
        await asyncio.sleep(0)
        await vision.close()
        with pytest.raises(VisionFailedError):
            await swap
    children = psutil.Process().children()
    assert not [c for c in children if "hostile_vision" in " ".join(c.cmdline())]


async def test_closing_ends_the_worker_and_fails_what_waits():
    async with serving() as vision:
        pid = vision.status().pid or 0
        jobs = [asyncio.create_task(vision.inspect(b"sleep 5", "p")) for _ in range(2)]
        await asyncio.sleep(0.1)
        await vision.close()
        results = await asyncio.gather(*jobs, return_exceptions=True)
    assert all(isinstance(r, VisionFailedError) for r in results)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_daemon_that_waited_for_its_worker_would_be_found_out():
    async with LoopLatency() as loop:
        await asyncio.sleep(0.2)
        time.sleep(1.0)  # what no adapter may do
        await asyncio.sleep(0.05)
    assert loop.worst_s > LOOP_LATE_S
