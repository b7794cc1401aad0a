"""Versions on their way, while towers, people and the power do what they like."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from edge.errors import DiskFullError
from edge.updates import course, probation
from edge.updates.probation import Terms
from edge.updates.pull import LOCK
from models.offer import Ring
from models.rollout import Result
from tests.edge.updates.serving import World, until
from tower_sync_server.releases.work import Wish


@pytest.fixture
def world(tmp_path, tower, seen, monkeypatch) -> World:
    monkeypatch.setattr(probation, "LOOK_S", 0.01)
    return World(tmp_path, tower, seen)


async def test_a_version_goes_through_its_stations(world: World):
    world.add("1.1.0")
    world.terms = Terms(seconds=0.05)
    world.shade.open.set()
    async with world.running():
        await until(lambda: world.result("1.1.0") is Result.PROVED)
    assert (world.active, world.eyes.reloads) == ("1.1.0", 1)


async def test_a_pause_ends_the_trial_and_it_begins_again_when_it_is_open_again(world: World):
    world.add("1.1.0")
    async with world.running() as updater:
        await until(lambda: world.shade.tried)
        world.tower.releases.pause("tiny", "1.1.0", "wait")
        updater.look_soon()
        await until(lambda: world.shade.cut_off == 1)
        await until(lambda: updater.status().phase == "idle")
        assert "wait" in updater.status().problem
        updater.look_soon()  # another look doesn't begin it anew
        await asyncio.sleep(0.3)
        assert len(world.shade.tried) == 1
        world.tower.releases.resume("tiny", "1.1.0")
        updater.look_soon()
        await until(lambda: len(world.shade.tried) == 2)
    assert world.active == "1.0.0"


async def test_what_is_not_open_to_the_ring_of_the_device_is_not_even_fetched(world: World):
    world.add("1.1.0", Wish(ring=Ring.EARLY))
    async with world.running() as updater:
        await until(lambda: updater._found is not None)
        await asyncio.sleep(0.2)
    assert not (world.models / "tiny" / "1.1.0").exists()
    assert world.result("1.1.0") is None


async def test_a_trial_ends_when_the_ring_becomes_narrower(world: World):
    world.add("1.1.0")
    async with world.running() as updater:
        await until(lambda: world.shade.tried)
        world.tower.releases.promote("tiny", "1.1.0", Ring.CANARY, step=False)
        updater.look_soon()
        await until(lambda: world.shade.cut_off == 1)


async def test_a_blacklist_during_probation_sends_the_device_back_at_the_next_look(world: World):
    world.add("1.1.0")
    world.shade.open.set()
    async with world.running() as updater:
        await until(lambda: updater.status().phase == "probation")
        world.tower.releases.blacklist("tiny", "1.1.0", "it is bad")
        updater.look_soon()
        await until(lambda: world.eyes.status().models[0].ref == "tiny@1.0.0")
        await until(lambda: updater.status().phase == "idle")
        updater.look_soon()
        await asyncio.sleep(0.3)
    assert (world.active, world.result("1.1.0")) == ("1.0.0", Result.ROLLED_BACK)
    assert world.eyes.reloads == 2


async def test_one_that_sees_quite_another_thing_than_the_one_before_goes_back(world: World):
    world.add("1.1.0")
    world.shade.open.set()
    async with world.running():
        await until(lambda: world.second.folders == ["tiny@1.0.0"])
        world.second.say("agreement 0.20 on 10 photos")
        await until(lambda: world.active == "1.0.0")
        await until(lambda: world.result("1.1.0") is Result.ROLLED_BACK)


async def test_one_that_sees_the_same_as_the_one_before_stays_on_probation(world: World):
    world.add("1.1.0")
    world.shade.open.set()
    async with world.running() as updater:
        await until(lambda: world.second.folders)
        world.second.say("")
        await asyncio.sleep(0.2)
        assert (updater.status().phase, world.active) == ("probation", "1.1.0")


async def test_no_blacklisted_version_takes_the_place_of_another(world: World):
    world.have("1.1.0")
    world.library.activate("tiny", "1.1.0")
    world.add("1.1.0")
    world.add("1.2.0")
    await world.eyes.reload()
    world.shade.open.set()
    async with world.running() as updater:
        await until(lambda: updater.status().phase == "probation")
        world.tower.releases.blacklist("tiny", "1.1.0", "bad")
        world.tower.releases.blacklist("tiny", "1.2.0", "bad too")
        updater.look_soon()
        await until(lambda: world.active == "1.0.0")


async def test_what_cannot_be_replaced_goes_on_serving_and_is_not_restarted(world: World):
    world.tower.releases.blacklist("tiny", "1.0.0", "bad")
    async with world.running() as updater:
        await until(lambda: world.result("1.0.0") is Result.ROLLED_BACK)
        updater.look_soon()
        await asyncio.sleep(0.3)
    assert (world.active, world.eyes.reloads) == ("1.0.0", 0)


async def test_a_cut_between_activation_and_its_note_is_taken_up(world: World):
    world.have("1.1.0")
    world.outcomes.note("tiny", "1.1.0", Result.WAITING)
    world.library.activate("tiny", "1.1.0")
    async with world.running() as updater:
        await until(lambda: updater.status().phase == "probation")
    assert world.result("1.1.0") is Result.ACTIVATED
    assert world.eyes.status().models[0].ref == "tiny@1.1.0"


async def test_a_cut_between_the_word_and_the_way_back_is_taken_up(world: World):
    world.have("1.1.0")
    world.library.activate("tiny", "1.1.0")
    world.outcomes.note("tiny", "1.1.0", Result.ROLLED_BACK, "it crashed")
    async with world.running():
        await until(lambda: world.active == "1.0.0")
    assert world.outcomes.failed() == {"tiny@1.1.0": "it crashed"}


async def test_a_version_whose_folder_is_gone_comes_again_and_is_tried_again(world: World):
    world.add("1.1.0")
    world.have("1.1.0")
    world.library.activate("tiny", "1.1.0")
    world.outcomes.note("tiny", "1.1.0", Result.ACTIVATED)
    world.lose("1.1.0")
    async with world.running():
        await until(lambda: world.shade.tried == ["tiny@1.1.0"])
        assert world.active == "1.0.0"
        world.shade.open.set()
        await until(lambda: world.result("1.1.0") is Result.ACTIVATED)
    assert world.active == "1.1.0"


async def test_what_a_person_went_back_from_does_not_come_again_by_itself(world: World):
    world.add("1.1.0")
    world.shade.open.set()
    async with world.running() as updater:
        await until(lambda: updater.status().phase == "probation")
        world.library.rollback("tiny")
        await world.eyes.reload()
        await until(lambda: updater.status().phase == "idle")
        updater.look_soon()
        await asyncio.sleep(0.3)
    assert world.active == "1.0.0"
    assert world.shade.tried == ["tiny@1.1.0"]


async def test_what_waits_for_a_person_is_told_also_after_a_restart_and_noticed(world: World):
    world.policy = "ask"
    world.add("1.1.0")
    world.shade.open.set()
    async with world.running() as updater:
        await until(lambda: updater.status().waiting == ("tiny@1.1.0",))
    assert world.active == "1.0.0"
    async with world.running() as updater:
        await until(lambda: updater.status().waiting == ("tiny@1.1.0",))
        assert world.shade.tried == ["tiny@1.1.0"]  # once
        world.library.activate("tiny", "1.1.0")  # a person's word
        await world.eyes.reload()
        updater.look_soon()
        await until(lambda: updater.status().phase == "probation")
        assert updater.status().waiting == ()
    assert world.result("1.1.0") is Result.ACTIVATED


async def test_a_device_that_is_switched_off_each_evening_comes_to_the_end_of_a_trial(
    world: World, monkeypatch
):
    monkeypatch.setattr(course, "COUNT_S", 0.05)
    hours = itertools.count(0.0, 3600.0)
    monkeypatch.setattr(course, "monotonic", lambda: next(hours))
    world.add("1.1.0")
    async with world.running():
        await until(lambda: world.outcomes.spent("tiny", "1.1.0", Result.TRYING) >= 7200)
    async with world.running():
        await until(lambda: world.shade.before >= 7200)
        world.shade.open.set()
        await until(lambda: world.result("1.1.0") is Result.ACTIVATED)
    assert world.outcomes.spent("tiny", "1.1.0", Result.PROVED) == 0.0


async def test_a_version_that_crashes_goes_back_and_stays_away(world: World):
    world.add("1.1.0")
    world.shade.open.set()
    async with world.running() as updater:
        await until(lambda: updater.status().phase == "probation")
        world.eyes.restarts += 3
        await until(lambda: world.result("1.1.0") is Result.ROLLED_BACK)
        await until(lambda: world.active == "1.0.0")
        updater.look_soon()
        await asyncio.sleep(0.3)
    assert world.shade.tried == ["tiny@1.1.0"]


async def test_one_that_does_not_start_is_refused_and_the_one_before_serves(world: World):
    world.add("1.1.0")
    world.eyes.refuses["tiny@1.1.0"] = "it can't"
    world.shade.open.set()
    async with world.running():
        await until(lambda: world.result("1.1.0") is Result.REFUSED)
        await until(lambda: world.active == "1.0.0")


async def test_a_full_disk_ends_neither_the_updater_nor_the_version(world: World, monkeypatch):
    world.add("1.1.0")
    full = [True]
    note = world.outcomes.note

    def noted(*what: object) -> None:
        if full[0]:
            raise DiskFullError("full", "free some")
        note(*what)

    monkeypatch.setattr(world.outcomes, "note", noted)
    world.shade.open.set()
    async with world.running() as updater:
        await until(lambda: updater.status().problem == "full")
        full[0] = False
        updater.look_soon()
        await until(lambda: world.result("1.1.0") is Result.ACTIVATED)


async def test_a_full_disk_does_not_keep_a_crashing_version(world: World, monkeypatch):
    world.add("1.1.0")
    world.shade.open.set()
    async with world.running() as updater:
        await until(lambda: updater.status().phase == "probation")

        def noted(*_: object) -> None:
            raise DiskFullError("full", "free some")

        monkeypatch.setattr(world.outcomes, "note", noted)
        world.eyes.restarts += 3
        await until(lambda: world.eyes.status().models[0].ref == "tiny@1.0.0")


async def test_a_repository_that_sets_off_a_bug_takes_nothing_down(world: World):
    def mad() -> object:
        raise ZeroDivisionError

    world.source = mad
    async with world.running() as updater:
        await until(lambda: "ZeroDivisionError" in updater.status().problem)
        updater.look_soon()
        await asyncio.sleep(0.1)


async def test_a_bug_of_our_own_ends_it_loudly(world: World, monkeypatch):
    """The control: only what foreign files may set off is survived."""
    world.add("1.1.0")

    async def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(world.shade, "run", broken)
    updater = world.made()
    task = asyncio.create_task(updater.run())
    updater.look_soon()
    await until(lambda: (world.models / "tiny" / "1.1.0").exists())
    for _ in range(100):
        updater.look_soon()
        await asyncio.wait([task], timeout=0.1)
        if task.done():
            break
    with pytest.raises(ZeroDivisionError):
        await task


async def test_two_programs_do_not_fetch_at_once(world: World):
    import fcntl

    world.add("1.1.0")
    world.models.mkdir(exist_ok=True)
    with (world.models / LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        async with world.running() as updater:
            await until(lambda: "Another program" in updater.status().problem)
    assert world.result("1.1.0") is None
