"""How long a photo may take with a model, by the profiles that use it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.updates.budget import budgets, over
from models.jsonable import InvalidWordError
from models.offer import DeviceClass
from models.profile import MACHINES, load_all, shipped

PROFILES = load_all(shipped())
VEHICLE = PROFILES["vehicle-damage"]


def test_the_classes_of_a_profile_are_those_of_an_offer() -> None:
    assert set(MACHINES) == set(DeviceClass)


@pytest.mark.parametrize("machine", list(DeviceClass))
def test_every_shipped_profile_has_a_budget_for_every_machine(machine: DeviceClass) -> None:
    for profile in PROFILES.values():
        assert budgets([profile], machine).keys() == set(profile.model_ids)


def test_the_strictest_profile_that_uses_a_model_counts() -> None:
    strict = replace(VEHICLE, id="b", budget_ms={"pi5": 10.0})
    assert budgets([VEHICLE, strict], DeviceClass.PI5)["vehicle-damage-detector"] == 10.0
    assert budgets([VEHICLE, strict], DeviceClass.PI4)["vehicle-damage-detector"] == 3000.0


def test_a_machine_of_no_known_class_has_none() -> None:
    assert budgets([VEHICLE], None) == {}


def test_over_it_says_by_how_much_and_within_it_nothing() -> None:
    assert over(11.0, "m", {"m": 10.0}) == "it takes 11 ms, 10 ms are allowed"
    assert over(10.0, "m", {"m": 10.0}) == ""
    assert over(99.0, "other", {"m": 10.0}) == ""


def test_a_budget_for_a_machine_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidWordError, match="pi4, pi5, x86"):
        replace(VEHICLE, budget_ms={"pi3": 10.0})
