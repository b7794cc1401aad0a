"""A version that serves is watched."""

from __future__ import annotations

import asyncio

import pytest

from edge.ports import ModelInUse, VisionStatus
from edge.updates import probation
from edge.updates.probation import Probation, Terms, judge, p95

TERMS = Terms(seconds=5.0)


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self):
        raise AssertionError("wall time is nobody's business here")

    def monotonic(self) -> float:
        self.time += 0.5
        return self.time


class Serving:
    """Loses a worker now and then."""

    def __init__(self, crash_every: int = 0, ready: bool = True, ms: float = 10.0) -> None:
        self.looks, self.crash_every, self.ready, self.ms = 0, crash_every, ready, ms

    def status(self) -> VisionStatus:
        self.looks += 1
        restarts = self.looks // self.crash_every if self.crash_every else 0
        models = (ModelInUse("detector", "finds", self.ref, "fake", 1, 1.0, 1.0),)
        refused = {self.refuses: "it can't"} if self.refuses else {}
        return VisionStatus(self.ready, "", 1, restarts, self.looks, models=models, refused=refused)

    ref, refuses = "m@1.1.0", ""

    def recent_ms(self) -> tuple[float, ...]:
        return (self.ms,) * 30


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(probation, "LOOK_S", 0.0)


async def watch(serving: Serving, usual: float = 10.0, terms: Terms = TERMS) -> str | None:
    async with asyncio.timeout(5):
        return await Probation(serving, Clock(), terms).run("m@1.1.0", usual)


async def test_a_version_without_trouble_proves_itself():
    assert await watch(Serving()) == ""


async def test_three_lost_workers_are_too_many():
    assert "lost 3 times" in await watch(Serving(crash_every=2), terms=Terms(seconds=50))


async def test_one_that_does_not_serve_goes():
    assert "nothing has served" in await watch(Serving(ready=False), terms=Terms(seconds=99))


async def test_a_slow_one_goes():
    assert "40 ms where 10 ms" in await watch(Serving(ms=40.0))


async def test_one_over_the_profiles_budget_goes_though_nothing_faster_is_known():
    watched = Probation(Serving(ms=40.0), Clock(), TERMS, {"m": 39.0})
    async with asyncio.timeout(5):
        assert await watched.run("m@1.1.0", 0.0) == "it takes 40 ms, 39 ms are allowed"


async def test_where_the_usual_time_is_not_known_any_will_do():
    assert await watch(Serving(ms=4000.0), usual=0.0) == ""


async def test_what_was_watched_before_a_restart_counts():
    clock = Clock()
    async with asyncio.timeout(5):
        assert await Probation(Serving(), clock, TERMS).run("m@1.1.0", 10.0, 4.0) == ""
    assert clock.time < 3.0


async def test_probation_is_over_where_another_version_serves():
    serving = Serving()
    serving.ref = "m@1.0.0"
    assert await watch(serving) is None


async def test_a_version_that_the_worker_leaves_out_goes():
    serving = Serving()
    serving.ref, serving.refuses = "other@1.0.0", "m"
    assert await watch(serving) == "it can't"


def test_few_photos_say_nothing_about_latency():
    assert judge(TERMS, 0, 0.0, (1000.0,) * 5, 10.0) == ""
    assert judge(TERMS, 0, 0.0, (1000.0,) * 20, 10.0) != ""


@pytest.mark.parametrize(("times", "wanted"), [((), 0.0), ((5.0,), 5.0), (range(1, 101), 95)])
def test_the_95th_percentile_is_by_nearest_rank(times, wanted):
    assert p95(tuple(times)) == wanted
