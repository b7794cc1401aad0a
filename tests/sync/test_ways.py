"""What is at hand of all ways is what one would find by looking through them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sync.sender import Sender
from sync.ways import Ways
from tests.fakes.sync_world import CHUNKS, Faults, World, items

if TYPE_CHECKING:
    from sync.sender import Send
    from sync.way import Way

BAD = Faults(
    seed=7,
    loss=0.2,
    double=0.2,
    delay=2.0,
    cuts=(5.0, 21.0),
    device_deaths=(13.0,),
    worker_deaths=(9.0, 30.0),
    broker_restarts=(17.0,),
    busy=0.1,
)


class Watched(Sender):
    """Looks through everything whenever something is asked for."""

    looks = 0

    def due(self, now: float, slots: int) -> list[Send]:
        found = super().due(now, slots)
        ways = self._ways
        assert ways.in_flight == sum(way.in_flight for way in ways.values())
        assert list(ways.eager()) == [way for way in ways.by_rank() if way.eager]
        assert ways.by_rank() == sorted(ways.values(), key=lambda way: way.parcel.rank)
        Watched.looks += 1
        return found

    def wake_at(self, now: float) -> float | None:
        wake = super().wake_at(now)
        dues = [due for way in self._ways.values() if (due := way.due_at) is not None]
        if self._connected and dues and now >= self._quiet_until:
            assert wake is not None
            assert wake <= max(
                min(dues), self._expire_at
            )  # too early is a look in vain, late a loss
        return wake


def run(sender: type[Sender]) -> list[str]:
    sizes = [random.Random(3).randrange(4 * CHUNKS) for _ in range(60)]
    world = World(BAD, items(sizes), sender_class=sender)
    return world.run()


def test_through_all_faults_it_is_what_looking_through_all_would_find() -> None:
    Watched.looks = 0
    assert run(Watched) == []
    assert Watched.looks > 100


def test_a_change_that_nobody_tells_of_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Ways.note

    def forgetful(self: Ways, way: Way) -> None:
        if not way.unsure:  # what is in doubt stays where it was
            real(self, way)

    monkeypatch.setattr(Ways, "note", forgetful)
    with pytest.raises(AssertionError):
        run(Watched)
