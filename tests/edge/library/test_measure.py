import os
from collections.abc import Callable

import pytest

from edge.library.measure import Measurement, measure_model, settings_to_try, summary_ms


class Machine:
    """A clock, and models that take their time on it."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.now = 0.0
        self.closed: list[int] = []
        self._seconds = seconds

    def clock(self) -> float:
        return self.now

    def opened(self, threads: int) -> tuple[Callable[[], object], Callable[[], None], str]:
        def run() -> None:
            self.now += self._seconds[threads]

        return run, lambda: self.closed.append(threads), f"fake with {threads}"


def test_the_fastest_setting_is_chosen():
    machine = Machine({1: 0.040, 2: 0.020, 3: 0.030})
    found = measure_model(machine.opened, (1, 2, 3), machine.clock)
    assert found == Measurement(2, 20.0, 20.0, "fake with 2")
    assert machine.closed == [1, 2, 3]


def test_more_threads_for_next_to_nothing_are_not_taken():
    machine = Machine({1: 0.0100, 2: 0.0098})
    assert measure_model(machine.opened, (1, 2), machine.clock).threads == 1


def test_two_threads_slower_than_one_are_not_taken():
    machine = Machine({1: 0.010, 2: 0.015})
    assert measure_model(machine.opened, (1, 2), machine.clock).threads == 1


def test_a_slow_model_is_run_a_few_times_only():
    machine = Machine({1: 5.0})
    measure_model(machine.opened, (1,), machine.clock)
    assert machine.now == 20.0


def test_a_model_that_fails_is_closed():
    closed = []

    def opened(_: int) -> tuple[Callable[[], object], Callable[[], None], str]:
        return lambda: 1 / 0, lambda: closed.append(True), ""

    with pytest.raises(ZeroDivisionError):
        measure_model(opened, (1,))
    assert closed == [True]


def test_median_and_tail_are_told_apart():
    assert summary_ms([0.010] * 18 + [0.050] * 2) == (10.0, 50.0)
    assert summary_ms([0.010]) == (10.0, 10.0)


@pytest.mark.parametrize(
    ("cores", "wanted", "tried"),
    [(1, 0, (1,)), (2, 0, (1, 2)), (64, 0, (1, 2, 3, 4)), (4, 3, (3,))],
)
def test_settings_are_tried_up_to_the_cores_or_as_wanted(cores, wanted, tried):
    assert settings_to_try(wanted, cores) == tried


def test_without_a_wish_the_cores_of_this_process_count():
    assert settings_to_try()[0] == 1
    assert len(settings_to_try()) <= len(os.sched_getaffinity(0))
