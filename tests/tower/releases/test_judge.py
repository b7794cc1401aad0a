"""Whether a version goes on, from what devices say of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.offer import DeviceClass, Ring
from models.rollout import DeviceReport, Outcome, Restraint, Result
from tests.models.test_offer import OFFER
from tower_sync_server.releases.judge import Heard, Limits, Open, Stop, Wait, judge

BROAD = replace(OFFER, ring=Ring.ALL)
AT_CANARY = Restraint(OFFER.id, OFFER.version, Ring.CANARY)


def device(n: int, result: Result | None, ring: Ring = Ring.CANARY) -> Heard:
    said = () if result is None else (Outcome(OFFER.id, OFFER.version, result, "because"),)
    return Heard(f"d{n}", DeviceReport(ring, DeviceClass.PI5, said))


def devices(*results: Result | None) -> list[Heard]:
    return [device(n, result) for n, result in enumerate(results)]


def test_one_failure_of_one_stops_it() -> None:
    verdict = judge(BROAD, AT_CANARY, devices(Result.ROLLED_BACK))
    assert isinstance(verdict, Stop)
    assert verdict.failed == ("d0",)
    assert "1 of 1 devices" in verdict.reason
    assert "d0 rolled_back: because" in verdict.reason


@pytest.mark.parametrize("result", [Result.REFUSED, Result.WORSE, Result.ROLLED_BACK])
def test_every_kind_of_failure_counts(result: Result) -> None:
    assert isinstance(judge(BROAD, AT_CANARY, devices(result, Result.PROVED)), Stop)


def test_a_machine_that_can_not_run_it_says_nothing_against_it() -> None:
    verdict = judge(BROAD, AT_CANARY, devices(Result.UNFIT, Result.PROVED))
    assert verdict == Open(Ring.EARLY, "proved on 1 of 1 devices up to ring canary")


def test_of_many_a_few_may_fail() -> None:
    some = devices(*[Result.PROVED] * 39, Result.ROLLED_BACK)
    assert isinstance(judge(BROAD, AT_CANARY, some), Open)
    more = devices(*[Result.PROVED] * 37, *[Result.ROLLED_BACK] * 3)
    assert isinstance(judge(BROAD, AT_CANARY, more), Stop)


def test_a_failure_that_a_person_has_seen_does_not_count_again() -> None:
    heard = devices(Result.ROLLED_BACK, Result.PROVED)
    assert isinstance(judge(BROAD, AT_CANARY, heard, forgiven=("d0",)), Wait)
    assert isinstance(judge(BROAD, AT_CANARY, heard, forgiven=("d1",)), Stop)


@pytest.mark.parametrize("left", [None, Result.TRYING, Result.ACTIVATED])
def test_while_it_is_on_trial_the_next_ring_waits(left: Result | None) -> None:
    heard = devices(Result.PROVED, left)
    assert judge(BROAD, AT_CANARY, heard) == Wait("proved on 1 of 2 devices up to ring canary")


def test_the_last_few_hold_nobody_up() -> None:
    heard = devices(*[Result.PROVED] * 4, None)
    assert isinstance(judge(BROAD, AT_CANARY, heard), Open)


def test_rings_open_one_at_a_time() -> None:
    heard = [device(0, Result.PROVED), device(1, None, Ring.EARLY), device(2, None, Ring.ALL)]
    first = judge(BROAD, AT_CANARY, heard)
    assert isinstance(first, Open)
    assert first.ring is Ring.EARLY
    assert isinstance(judge(BROAD, replace(AT_CANARY, hold=Ring.EARLY), heard), Wait)


def test_with_nobody_in_the_first_ring_it_waits_for_a_person() -> None:
    assert isinstance(judge(BROAD, AT_CANARY, [device(0, None, Ring.ALL)]), Wait)
    assert isinstance(judge(BROAD, AT_CANARY, []), Wait)


def test_a_machine_of_another_class_is_not_waited_for() -> None:
    offer = replace(BROAD, classes=(DeviceClass.PI4,))
    four = Heard("four", replace(device(0, Result.PROVED).report, device_class=DeviceClass.PI4))
    assert isinstance(judge(offer, AT_CANARY, [four, device(1, None)]), Open)


@pytest.mark.parametrize("signed", list(Ring))
@pytest.mark.parametrize("hold", list(Ring))
def test_it_never_opens_wider_than_people_signed(signed: Ring, hold: Ring) -> None:
    verdict = judge(
        replace(OFFER, ring=signed), replace(AT_CANARY, hold=hold), devices(Result.PROVED)
    )
    assert isinstance(verdict, Wait) or (isinstance(verdict, Open) and signed.reaches(verdict.ring))


@pytest.mark.parametrize("said", [{"paused": True}, {"blacklisted": True}])
def test_what_is_stopped_is_left_alone(said: dict[str, bool]) -> None:
    stopped = replace(AT_CANARY, **said)
    for result in (Result.PROVED, Result.ROLLED_BACK):
        assert isinstance(judge(BROAD, stopped, devices(result)), Wait)


def test_the_limits_are_the_operators() -> None:
    heard = devices(Result.PROVED, Result.PROVED, Result.ROLLED_BACK)
    assert isinstance(judge(BROAD, AT_CANARY, heard, (), Limits(max_failed=0.5, proved=0.5)), Open)
