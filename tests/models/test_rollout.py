"""How far a release may go."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from models.jsonable import InvalidWordError, from_json, to_json
from models.offer import DeviceClass, Ring
from models.rollout import (
    DeviceReport,
    Outcome,
    Restraint,
    Result,
    Rollout,
    decode_rollout,
    encode_rollout,
    is_offered,
    open_to,
)
from tests.models.test_offer import OFFER

EVERYTHING_OPEN = Rollout()


def restrained(**said: object) -> Rollout:
    return Rollout((Restraint(OFFER.id, OFFER.version, **said),))  # type: ignore[arg-type]


@pytest.mark.parametrize(("signed", "hold"), list(product(Ring, Ring)))
def test_the_narrower_of_what_people_signed_and_the_tower_holds_counts(
    signed: Ring, hold: Ring
) -> None:
    widest = open_to(replace(OFFER, ring=signed), restrained(hold=hold))
    assert widest is not None
    assert widest.rank == min(signed.rank, hold.rank)


@pytest.mark.parametrize("ring", list(Ring))
def test_nothing_that_the_tower_can_say_widens_what_people_signed(ring: Ring) -> None:
    flags = list(product(Ring, (False, True), (False, True), (False, True)))
    said = [
        replace(restrained(hold=hold, paused=paused, blacklisted=black), paused=everything)
        for hold, paused, black, everything in flags
    ]
    for rollout in (EVERYTHING_OPEN, *said):
        for device in Ring:
            offered = is_offered(replace(OFFER, ring=ring), rollout, device)
            assert not offered or ring.reaches(device)


@pytest.mark.parametrize(
    "rollout", [restrained(paused=True), restrained(blacklisted=True), Rollout(paused=True)]
)
def test_what_is_paused_or_blacklisted_is_open_to_nobody(rollout: Rollout) -> None:
    assert open_to(OFFER, rollout) is None


def test_a_restraint_of_one_version_says_nothing_of_another() -> None:
    assert is_offered(replace(OFFER, version="1.3.0"), restrained(paused=True), Ring.CANARY)


def test_a_new_restraint_takes_the_place_of_the_old_one() -> None:
    rollout = restrained(paused=True).saying(Restraint(OFFER.id, OFFER.version, Ring.EARLY))
    assert rollout.of(OFFER.id, OFFER.version) == Restraint(OFFER.id, OFFER.version, Ring.EARLY)
    assert rollout.saying(Restraint(OFFER.id, OFFER.version)) == Rollout()


def test_a_rollout_survives_its_bytes() -> None:
    rollout = Rollout((Restraint("m", "1.0.0", Ring.EARLY, True, True, "worse"),), True, "night")
    assert decode_rollout(encode_rollout(rollout)) == rollout


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"restraints": 3}', b'{"later": 1}'])
def test_what_can_not_be_read_whole_is_no_rollout(data: bytes) -> None:
    with pytest.raises(InvalidWordError):
        decode_rollout(data)


def test_two_words_on_one_version_are_refused() -> None:
    with pytest.raises(InvalidWordError):
        Rollout((Restraint("m", "1.0.0"), Restraint("m", "1.0.0", paused=True)))
    with pytest.raises(InvalidWordError):
        DeviceReport(outcomes=(Outcome("m", "1", Result.PROVED), Outcome("m", "1", Result.UNFIT)))


def test_a_report_survives_json() -> None:
    report = DeviceReport(
        Ring.CANARY, DeviceClass.PI5, (Outcome("m", "1.0.0", Result.ROLLED_BACK, "3 crashes"),)
    )
    assert from_json(DeviceReport, to_json(report)) == report
    assert report.of("m", "1.0.0") == report.outcomes[0]
    assert report.of("m", "2.0.0") is None


def test_no_result_speaks_for_and_against_a_version() -> None:
    assert not [r for r in Result if r.is_failure and r.is_success]
