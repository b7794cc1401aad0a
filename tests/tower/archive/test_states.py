from __future__ import annotations

import json

import pytest

from sync.messages import State
from tower_sync_server.archive.states import MAX_MODELS, shown


def test_what_a_device_does_not_know_stays_unknown() -> None:
    found = shown(State(online=True))

    assert [found[name] for name in ("disk_free", "temperature", "throttled")] == [None] * 3
    assert found["models"] == {}


def test_what_it_knows_is_kept() -> None:
    said = State(
        online=True,
        at=5.5,
        software="1.0",
        cases=1,
        parcels=2,
        size=3,
        dead=4,
        last_seq=9,
        lost=1,
        compared=7.0,
        disk_free=10,
        temperature=61.26,
        throttled=0x50005,
        models={"p/detector": "d@1"},
    )

    wanted = {
        "at": 5.5,
        "clock_ok": True,
        "boot": "",
        "software": "1.0",
        "cases": 1,
        "parcels": 2,
        "size": 3,
        "dead": 4,
        "last_seq": 9,
        "lost": 1,
        "compared": 7.0,
        "disk_free": 10,
        "temperature": 61.3,
        "throttled": 0x50005,
        "models": {"p/detector": "d@1"},
    }
    assert wanted.items() <= shown(said).items()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e300, 1e300])
def test_whatever_it_says_is_json(value: float) -> None:
    said = State(
        online=True,
        at=value,
        compared=value,
        temperature=value,
        cases=-5,
        size=1 << 80,
        disk_free=-1,
        throttled=1 << 80,
        software="\ud800" * 500,
        models={f"role{n}": "x" * 500 for n in range(100)},
    )

    found = json.loads(json.dumps(shown(said), allow_nan=False))

    assert (found["at"], found["temperature"], found["cases"]) == (0.0, None, 0)
    assert found["size"] == 1 << 53
    assert found["software"] == ""
    assert len(found["models"]) == MAX_MODELS
    assert {len(ref) for ref in found["models"].values()} == {100}
