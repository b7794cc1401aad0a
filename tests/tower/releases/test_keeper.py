"""The tower keeps its repository: signatures in time, rollouts watched, devices told.

A fleet of a hundred devices looks at the real repository in its own order; what each does with a
version is decided here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from models.offer import DeviceClass, Offer, Ring
from models.rollout import DeviceReport, Outcome, Result, is_offered
from tests.tower.releases.shop import DAY, Shop, make_model
from tower_sync_server.releases import edits
from tower_sync_server.releases.judge import Heard, Limits
from tower_sync_server.releases.keeper import Keeper
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from pathlib import Path

    from models.rollout import Rollout


class Bells:
    """Notes who was told what."""

    def __init__(self) -> None:
        self.rung: list[tuple[Ring, int]] = []

    def ring(self, ring: Ring, version: int) -> None:
        self.rung.append((ring, version))

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class Device:
    """Takes what it is offered, and says what became of it."""

    name: str
    ring: Ring
    fails: Callable[[Device], bool]
    tried: dict[str, Result] = field(default_factory=dict)
    """Ref → what became of it."""

    def look(self, offers: tuple[Offer, ...], held: Rollout) -> None:
        for offer in offers:
            if self.tried.get(offer.ref) is Result.ACTIVATED:
                self.tried[offer.ref] = Result.PROVED
            if is_offered(offer, held, self.ring) and offer.ref not in self.tried:
                bad = self.fails(self)
                self.tried[offer.ref] = Result.ROLLED_BACK if bad else Result.ACTIVATED

    def report(self) -> Heard:
        said = tuple(Outcome(*ref.split("@"), r) for ref, r in self.tried.items())  # type: ignore[arg-type]
        return Heard(self.name, DeviceReport(self.ring, DeviceClass.PI4, said))


class Fleet:
    """A hundred devices: 5 go first, 20 follow, 75 are everybody else."""

    def __init__(self, fails: Callable[[Device], bool], seed: int) -> None:
        rings = [Ring.CANARY] * 5 + [Ring.EARLY] * 20 + [Ring.ALL] * 75
        self.devices = [Device(f"d{n:03}", ring, fails) for n, ring in enumerate(rings)]
        self._rng = random.Random(seed)

    def look(self, shop: Shop) -> None:
        """A few minutes: a tenth of the fleet happens to look, each in its own moment."""
        now = shop.repository().read()
        assert now.targets is not None
        for device in self._rng.sample(self.devices, 10):
            device.look(edits.offers(now.targets.signed), now.held)

    def reports(self) -> list[Heard]:
        return [device.report() for device in self.devices]

    def touched(self, ref: str) -> int:
        return sum(1 for device in self.devices if ref in device.tried)


def keeper_of(shop: Shop, fleet: Fleet | None = None, bells: Bells | None = None) -> Keeper:
    reports = (lambda: []) if fleet is None else fleet.reports
    return Keeper(shop.places, reports, bells or Bells(), shop.clock, Limits())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path).begin_starter()
    wish = Wish(ring=Ring.ALL, start=Ring.CANARY)
    shop.releases().add(make_model(tmp_path / "m"), wish)
    return shop


# ---- rollouts


@pytest.mark.parametrize("seed", range(5))
def test_a_model_that_fails_in_canary_touches_at_most_five_of_a_hundred(
    shop: Shop, seed: int
) -> None:
    fleet = Fleet(lambda device: True, seed)
    keeper = keeper_of(shop, fleet)
    for _ in range(60):
        fleet.look(shop)
        keeper.look()
    assert 1 <= fleet.touched("writer@1.0.0") <= 5
    held = shop.repository().read().held.of("writer", "1.0.0")
    assert held.paused
    assert "failed" in held.reason


@pytest.mark.parametrize("seed", range(3))
def test_one_that_fails_on_one_machine_in_three_is_stopped_in_canary_too(
    shop: Shop, seed: int
) -> None:
    """The canaries of the seed decide; whoever is unlucky touches the early ring and no more."""
    fleet = Fleet(lambda device: int(device.name[1:]) % 3 == 0, seed)
    keeper = keeper_of(shop, fleet)
    for _ in range(60):
        fleet.look(shop)
        keeper.look()
    assert fleet.touched("writer@1.0.0") <= 5


@pytest.mark.parametrize("seed", range(2))
def test_a_good_model_reaches_everybody_ring_after_ring(shop: Shop, seed: int) -> None:
    """The control: the tower does not just stop everything."""
    fleet = Fleet(lambda device: False, seed)
    keeper = keeper_of(shop, fleet)
    widest = []
    for _ in range(150):
        fleet.look(shop)
        keeper.look()
        widest.append(shop.repository().read().held.of("writer", "1.0.0").hold)
    assert list(dict.fromkeys(widest)) == [Ring.CANARY, Ring.EARLY, Ring.ALL]
    assert fleet.touched("writer@1.0.0") == 100


def test_without_the_tower_watching_a_failing_model_stays_in_its_ring(shop: Shop) -> None:
    """The ring alone holds five; it is the watching that stops them before they all tried."""
    fleet = Fleet(lambda device: True, 0)
    for _ in range(60):
        fleet.look(shop)
    assert fleet.touched("writer@1.0.0") == 5


def test_without_rings_it_would_have_touched_many(tmp_path: Path) -> None:
    """The control that must be worse: offered to all at once, the same model, the same watching."""
    shop = Shop(tmp_path).begin_starter()
    shop.releases().add(make_model(tmp_path / "m"), Wish(ring=Ring.ALL, start=Ring.ALL))
    fleet = Fleet(lambda device: True, 0)
    for _ in range(60):
        fleet.look(shop)
        keeper_of(shop, fleet).look()
    assert fleet.touched("writer@1.0.0") > 5


def test_a_person_who_resumes_is_not_overruled_by_the_same_failures(shop: Shop) -> None:
    fleet = Fleet(lambda device: device.name == "d000", 1)
    keeper = keeper_of(shop, fleet)
    fleet.devices[0].look(*offers_of(shop))
    keeper.look()
    assert shop.repository().read().held.of("writer", "1.0.0").paused
    shop.releases().resume("writer", None)
    keeper.look()
    assert not shop.repository().read().held.of("writer", "1.0.0").paused
    fleet.devices[1].tried["writer@1.0.0"] = Result.ROLLED_BACK
    keeper.look()
    assert shop.repository().read().held.of("writer", "1.0.0").paused


def offers_of(shop: Shop) -> tuple[tuple[Offer, ...], Rollout]:
    now = shop.repository().read()
    assert now.targets is not None
    return edits.offers(now.targets.signed), now.held


# ---- signatures


def test_it_signs_anew_what_would_run_out(shop: Shop) -> None:
    keeper = keeper_of(shop)
    before = shop.repository().read().timestamp
    shop.clock.now += 3 * DAY
    keeper.look()
    after = shop.repository().read().timestamp
    assert before is not None
    assert after is not None
    assert after.signed.version == before.signed.version + 1
    assert after.signed.expires == shop.clock.now + 7 * DAY


def test_a_tower_without_releases_is_left_alone(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    keeper_of(shop).look()
    assert not shop.places.home.exists()


def test_trouble_with_the_releases_is_said_and_ends_nothing(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    (shop.places.metadata / "timestamp.json").write_text("{")
    keeper_of(shop).look()
    assert "can't be kept up" in caplog.text
    assert "backup" in caplog.text


# ---- hints


def test_devices_are_told_once_of_each_change(shop: Shop, tmp_path: Path) -> None:
    bells = Bells()
    keeper = keeper_of(shop, bells=bells)
    keeper.look()
    keeper.look()
    assert [ring for ring, _ in bells.rung] == list(Ring)
    shop.releases().add(make_model(tmp_path / "n", "1.1.0"), Wish())  # by a command, meanwhile
    keeper.look()
    assert len(bells.rung) == 6
    assert bells.rung[-1][1] > bells.rung[0][1]
    shop.clock.now += 2 * DAY
    keeper.look()  # a new timestamp alone is nothing to look at
    assert len(bells.rung) == 6
