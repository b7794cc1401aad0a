"""Which offers a device takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from edge.updates.fit import Device, choose
from edge.updates.look import Catalogue
from models.offer import DeviceClass, Offer, Ring
from models.release import File, Format, Task
from models.rollout import Restraint, Rollout

DEVICE = Device(
    ring=Ring.ALL,
    device_class=DeviceClass.PI5,
    runtimes={"onnxruntime": "1.31.1"},
    memory_mb=4000,
    wanted=frozenset({"detector"}),
    profiles=frozenset({"vehicle-damage"}),
    installed={"detector": ("1.0.0",)},
    active={"detector": "1.0.0"},
)


def offer(version: str = "1.1.0", **more: object) -> Offer:
    base = Offer(
        id="detector",
        version=version,
        task=Task.DETECT,
        format=Format.ONNX,
        files=(File("model.onnx", "a" * 64, 100),),
        size=200,
        ring=Ring.ALL,
        released=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=int(version.split(".")[1])),
    )
    return replace(base, **more)


def on_offer(*offers: Offer, rollout: Rollout | None = None) -> Catalogue:
    return Catalogue(offers, (), rollout or Rollout(), {})


def test_the_newest_that_fits_is_taken():
    found = choose(on_offer(offer("1.2.0"), offer("1.1.0"), offer("1.10.0")), DEVICE)
    assert [o.version for o in found.take] == ["1.10.0"]


def test_an_older_one_is_taken_where_the_newest_does_not_fit():
    newest = offer("1.2.0", requires={"onnxruntime": "1.40"})
    found = choose(on_offer(offer("1.1.0"), newest), DEVICE)
    assert [o.version for o in found.take] == ["1.1.0"]
    assert found.leave == {"detector@1.2.0": "needs onnxruntime 1.40, 1.31.1 is installed"}


def test_what_serves_and_what_is_older_is_passed_over():
    found = choose(on_offer(offer("1.0.0"), offer("0.9.0")), DEVICE)
    assert (found.take, found.leave) == ((), {})


def test_a_model_that_no_profile_asks_for_is_passed_over():
    found = choose(on_offer(offer(id="other")), DEVICE)
    assert (found.take, found.leave) == ((), {})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"classes": (DeviceClass.X86,)}, "for x86, this is pi5"),
        ({"requires": {"litert": ""}}, "needs litert, which is not installed"),
        ({"memory_mb": 8000}, "needs 8000 MB of memory, 4000 MB are here"),
        ({"minimum_schema": 99}, "needs EdgeCase with schema 99"),
        ({"profiles": ("skin",)}, "for the profiles skin"),
        ({"ring": Ring.CANARY}, "not open to ring all"),
    ],
)
def test_what_does_not_fit_is_left_with_its_reason(more, why):
    found = choose(on_offer(offer(**more)), DEVICE)
    assert found.take == ()
    assert why in found.leave["detector@1.1.0"]


def test_what_the_tower_holds_back_is_left_with_its_words():
    held = Rollout((Restraint("detector", "1.1.0", paused=True, reason="fails on blue cars"),))
    found = choose(on_offer(offer(), rollout=held), DEVICE)
    assert found.leave == {"detector@1.1.0": "not open to ring all: fails on blue cars"}


def test_a_canary_begins_where_others_still_wait():
    held = Rollout((Restraint("detector", "1.1.0", hold=Ring.CANARY),))
    catalogue = on_offer(offer(), rollout=held)
    assert choose(catalogue, DEVICE).take == ()
    assert choose(catalogue, replace(DEVICE, ring=Ring.CANARY)).take == (offer(),)


def test_what_failed_here_before_does_not_come_back():
    device = replace(DEVICE, refused={"detector@1.1.0": "crashed three times"})
    assert choose(on_offer(offer()), device).leave == {"detector@1.1.0": "crashed three times"}


def test_what_serves_and_is_blacklisted_is_named():
    bad = Rollout((Restraint("detector", "1.0.0", blacklisted=True),))
    assert choose(on_offer(rollout=bad), DEVICE).banned == ("detector@1.0.0",)


def test_a_machine_of_unknown_class_takes_only_what_is_for_every_class():
    device = replace(DEVICE, device_class=None)
    assert choose(on_offer(offer()), device).take
    assert not choose(on_offer(offer(classes=(DeviceClass.PI5,))), device).take
