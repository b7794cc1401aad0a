"""A device takes released models by itself, while photos keep coming."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from edge.library.library import ModelLibrary
from edge.updates.look import trust
from edge.updates.trusted import TrustedMetadata
from tests.e2e.running import Device, until
from tests.fakes import bad_models
from tests.fakes.release_tower import ReleaseTower
from tests.fakes.vision_models import detector, jpeg, scene
from tower_sync_server.releases import admission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

PROFILE = """
id = "finds"
title = "Finds"
[quality]
blur_threshold = 0.0
min_contrast = 0.0
min_brightness = 0.0
max_clipped = 1.0
[detector]
model = "tiny"
"""
QUICK = {
    "EDGECASE_DEVICE__PROFILE": "finds",
    "EDGECASE_UPDATES__SHADOW_PHOTOS": "10",
    "EDGECASE_UPDATES__PROBATION_HOURS": "0.001",
    "EDGECASE_HTTP__RATE_PER_MINUTE": "1000000",
}


class Load:
    """Photos that keep coming, and what became of them."""

    def __init__(self, device: Device) -> None:
        self.statuses: list[int] = []
        self._device, self._photo = device, jpeg(scene())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            self.statuses.append(post(self._device, self._photo))


def post(device: Device, photo: bytes) -> int:
    link = http.client.HTTPConnection("127.0.0.1", device.port, timeout=30)
    try:
        headers = {"Content-Type": "image/jpeg", "Idempotency-Key": str(uuid.uuid4())}
        link.request("POST", "/cases", photo, headers)
        answer = link.getresponse()
        answer.read()
        return answer.status
    finally:
        link.close()


@pytest.fixture
def tower(tmp_path: Path) -> ReleaseTower:
    return ReleaseTower(tmp_path / "tower")


def version(tmp_path: Path, number: str, change: Callable[[str], str] = str) -> Path:
    folder = tmp_path / f"tiny-{number}"
    folder.mkdir()
    detector(folder, version=number)
    manifest = folder / "model.toml"
    manifest.write_text(change(manifest.read_text()))
    return folder


@pytest.fixture
def device(tmp_path: Path, tower: ReleaseTower) -> Iterator[Device]:
    data = tmp_path / "device"
    (data / "profiles").mkdir(parents=True)
    (data / "profiles" / "finds.toml").write_text(PROFILE)
    library = ModelLibrary(tmp_path / "no-zoo", data / "models")
    library.install(version(tmp_path, "1.0.0"))
    trust(TrustedMetadata(data), tower.root)
    with (tmp_path / "device.log").open("wb") as log:
        running = Device(data, log, **QUICK, EDGECASE_UPDATES__URL=str(tower.folder))
    try:
        until(lambda: running.ask("/health")[0] == 200)
        yield running
    finally:
        died = running.process.poll()
        running.process.terminate()
        running.process.wait(20)
        said = (tmp_path / "device.log").read_text(errors="replace")
        assert died is None, f"the device ended with {died}:\n{said[-4000:]}"


def serving(device: Device) -> str:
    models: list[dict[str, Any]] = device.ask("/models")[1].get("serving", [])
    return next((m["ref"] for m in models if m["profile"] == "finds"), "")


def outcome(tmp_path: Path, number: str) -> str:
    path = tmp_path / "device" / "models" / "outcomes.json"
    said = json.loads(path.read_text()) if path.exists() else []
    return next((o["result"] for o in said if o["version"] == number), "")


def test_a_better_version_serves_after_its_trial_and_no_request_fails(device, tower, tmp_path):
    tower.add(version(tmp_path, "1.1.0"))
    assert device.ask("/models/pull", "POST")[0] == 202
    with Load(device) as load:
        until(lambda: serving(device) == "tiny@1.1.0")
        until(lambda: outcome(tmp_path, "1.1.0") == "proved")
    assert set(load.statuses) == {201}
    case = device.cases()[0]
    assert case["models"]["detector"] == "tiny@1.1.0"


def test_one_that_sees_something_else_never_serves(device, tower, tmp_path):
    swapped = version(
        tmp_path, "1.1.0", lambda text: text.replace('["red", "blue"]', '["blue", "red"]')
    )
    assert '["blue", "red"]' in (swapped / "model.toml").read_text()
    tower.add(swapped)
    assert device.ask("/models/pull", "POST")[0] == 202
    seen = set()
    with Load(device) as load:
        until(lambda: seen.add(serving(device)) or outcome(tmp_path, "1.1.0") == "worse")
        time.sleep(1)
    assert set(load.statuses) == {201}
    assert seen | {serving(device)} == {"tiny@1.0.0"}


def test_one_that_is_ten_times_slower_never_serves(device, tower, tmp_path):
    tower.add(bad_models.spoilt(tmp_path / "slow", "1.1.0", bad_models.slow))
    assert device.ask("/models/pull", "POST")[0] == 202
    with Load(device) as load:
        until(lambda: outcome(tmp_path, "1.1.0") == "worse")
    assert set(load.statuses) == {201}
    assert serving(device) == "tiny@1.0.0"
    assert "ms of the processor" in device.ask("/models")[1]["updates"]["problem"]


@pytest.mark.parametrize("kind", bad_models.KINDS)
def test_a_signed_bad_model_never_serves_and_no_request_fails(
    device, tower, tmp_path, monkeypatch, kind
):
    # The tower would refuse it too: whoever signs it here has looked away.
    monkeypatch.setattr(admission, "can_try", lambda _: False)
    monkeypatch.setattr(admission, "check_graph", lambda *_: None)
    tower.add(bad_models.KINDS[kind](tmp_path / "bad"))
    began = time.monotonic()
    assert device.ask("/models/pull", "POST")[0] == 202
    seen = set()
    with Load(device) as load:
        until(lambda: seen.add(serving(device)) or outcome(tmp_path, "1.1.0") == "refused")
        took = time.monotonic() - began
        time.sleep(1)
    reason = device.ask("/models")[1]["updates"]["problem"]
    print(f"{kind}: out after {took:.1f} s, {len(load.statuses)} requests: {reason}")
    assert took < 60
    assert set(load.statuses) == {201}
    assert seen | {serving(device)} == {"tiny@1.0.0"}
