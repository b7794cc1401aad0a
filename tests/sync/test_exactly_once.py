"""Whatever is lost, doubled, reordered or killed: every parcel is stored once, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.chunks import CHUNK_BYTES
from sync.sender import Sender
from tests.fakes.sync_world import (
    EagerWorker,
    Faults,
    ForgetfulSender,
    HastyWorker,
    Worker,
    World,
    items,
)

SIZES = (0, 1, 500, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES - 7, 5 * CHUNK_BYTES)
TIMES = st.lists(st.floats(0.6, 55), max_size=4).map(tuple)
FAULTS = st.builds(
    Faults,
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.1, 0.4]),
    double=st.sampled_from([0.0, 0.2]),
    delay=st.sampled_from([0.0, 0.5, 6.0]),
    busy=st.sampled_from([0.0, 0.1]),
    cuts=TIMES,
    device_deaths=TIMES,
    worker_deaths=TIMES,
    broker_restarts=TIMES,
    outages=TIMES,
)
ROUGH = {"loss": 0.2, "double": 0.1, "delay": 1.0, "worker_deaths": (0.7, 0.9, 1.1, 1.4, 2, 3, 5)}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    faults=FAULTS,
    sizes=st.lists(st.sampled_from(SIZES), min_size=1, max_size=8),
    workers=st.integers(1, 4),
    kind=st.sampled_from([Worker, EagerWorker]),
)
def test_any_schedule_of_faults_ends_with_everything_stored_once(
    faults: Faults, sizes: list[int], workers: int, kind: type[Worker]
) -> None:
    assert World(faults, items(sizes), workers, kind).run() == []


def failures(worker: type[Worker], sender: type[Sender], rounds: int = 40) -> int:
    """In how many of some rough rounds something is wrong."""
    worlds = (
        World(Faults(seed, **ROUGH), items(SIZES), 2, worker, sender) for seed in range(rounds)
    )
    return sum(bool(world.run()) for world in worlds)


def test_rough_rounds_end_well() -> None:
    assert failures(Worker, Sender) == 0
    assert failures(EagerWorker, Sender) == 0


def test_control_a_tower_that_answers_before_it_stores_loses_parcels() -> None:
    assert failures(HastyWorker, Sender) > 0


def test_control_a_sender_that_forgets_the_bitmap_never_ends() -> None:
    assert failures(Worker, ForgetfulSender, 5) > 0


def test_without_faults_every_chunk_is_sent_once_and_nothing_is_asked() -> None:
    world = World(Faults(until=0.0), items(SIZES))
    assert world.run() == []
    assert len(set(world.sent)) == len(world.sent)
    assert all(index is not None for _, index in world.sent)


@pytest.mark.parametrize("seed", range(5))
def test_cuts_alone_cause_no_chunk_that_arrived_to_be_sent_again(seed: int) -> None:
    """What the pipe had not delivered is sent again, and nothing else: at most 16 a cut."""
    cuts = (0.62, 0.66, 2.0, 3.5)
    world = World(Faults(seed, until=10.0, cuts=cuts), items([40 * CHUNK_BYTES] * 3))
    assert world.run() == []
    chunks = [s for s in world.sent if s[1] is not None]
    assert len(chunks) - len(set(chunks)) <= 16 * len(cuts)


def test_while_the_tower_is_silent_one_question_at_a_time_goes_out() -> None:
    world = World(Faults(until=0.0), items([100] * 50), workers=0)
    while world.broker.now < 3600:
        assert world.broker.step()
    assert world.sent[16:]
    assert all(index is None for _, index in world.sent[16:])
    assert len(world.sent) < 16 + 3600 / 75 + 16
