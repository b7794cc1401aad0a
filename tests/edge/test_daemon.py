"""The daemon as a whole, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from edge.config import Settings
from edge.daemon import load_profiles
from edge.errors import ConfigError
from tests.e2e.running import ROOT, Device, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running(data: Path, **settings: str) -> Iterator[Device]:
    """A daemon that is gone in the end."""
    device = Device(data, **settings)
    try:
        yield device
    finally:
        device.process.kill()
        device.process.wait()


def test_the_daemon_never_imports_what_a_photo_or_a_model_could_crash() -> None:
    code = "import sys, json, edge.daemon; print(json.dumps(sorted(sys.modules)))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    # numpy is not among them: sqlite-utils imports it where there is one.
    heavy = {"cv2", "onnxruntime", "PIL", "simplejpeg", "xllamacpp", "llama_cpp", "ai_edge_litert"}

    assert heavy & set(json.loads(said.stdout)) == set()


@pytest.mark.slow
def test_a_daemon_becomes_ready_and_stops_cleanly_within_five_seconds(tmp_path: Path) -> None:
    with running(tmp_path) as device:
        until(lambda: device.ask("/health")[0] == 200)
        started = time.monotonic()
        device.process.send_signal(signal.SIGTERM)
        assert device.process.wait(10) == 0
        assert time.monotonic() - started < 5


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        there = {"EDGECASE_HTTP__PORT": port, "EDGECASE_STORE__DATA_DIR": str(tmp_path)}
        ran = subprocess.run(
            [sys.executable, "-m", "edge", "run"],
            env={**os.environ, **there},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            cwd=ROOT,
        )
    assert ran.returncode == 1
    assert f"Can't listen on 127.0.0.1:{port}: Address already in use." in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_a_killed_worker_is_replaced_while_the_daemon_answers(tmp_path: Path) -> None:
    with running(tmp_path) as device:
        until(lambda: device.ask("/health")[0] == 200)
        first = device.ask("/health")[1]["vision"]["pid"]
        os.kill(first, signal.SIGKILL)
        assert device.ask("/ping")[0] == 200
        until(
            lambda: (
                device.ask("/health")[1]["vision"]["pid"] not in (first, None)
                and device.ask("/health")[0] == 200
            )
        )


@pytest.mark.slow
def test_a_wrong_setting_is_shown_by_the_page_that_still_starts(tmp_path: Path) -> None:
    with running(tmp_path, EDGECASE_QUALITY__BLUR_TRESHOLD="7") as device:
        until(lambda: device.ask("/ping")[0] == 200)
        status, said = device.ask("/health")
        assert status == 503
        assert "EDGECASE_QUALITY__BLUR_TRESHOLD" in said["reason"]
        assert "blur_threshold" in json.dumps(said).lower()
        request = urllib.request.Request(
            f"http://127.0.0.1:{device.port}/", headers={"Accept": "text/html"}
        )
        with pytest.raises(urllib.error.HTTPError) as shown:
            urllib.request.urlopen(request, timeout=10)
        with shown.value as page:
            assert "EDGECASE_QUALITY__BLUR_TRESHOLD" in page.read().decode()


@pytest.mark.slow
def test_a_secret_that_cannot_be_read_is_shown_and_does_not_end_the_daemon(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    url, file = "http://127.0.0.1:9/", "EDGECASE_WEBHOOKS__SECRET_FILE"
    with running(tmp_path, EDGECASE_WEBHOOKS__URL=url, **{file: missing}) as device:
        until(lambda: device.ask("/ping")[0] == 200)
        status, said = device.ask("/health")
    assert status == 503
    assert missing in said["reason"]


def test_the_owners_profile_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "profiles"
    own.mkdir()
    (own / "mine.toml").write_text(
        'id = "skin"\ntitle = "Mine"\n[quality]\nblur_threshold = 7.0\n[classifier]\nmodel = "m"\n'
    )
    settings = Settings.model_validate({"store": {"data_dir": tmp_path}})

    assert load_profiles(settings)["skin"].title == "Mine"


def test_a_broken_profile_of_the_owners_is_named(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.toml").write_text("id = 7")
    settings = Settings.model_validate({"store": {"data_dir": tmp_path}})

    with pytest.raises(ConfigError, match=r"mine\.toml"):
        load_profiles(settings)


def test_the_settings_thresholds_stand_over_every_profile(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"store": {"data_dir": tmp_path}, "quality": {"blur_threshold": 321}}
    )

    thresholds = {p.quality.blur_threshold for p in load_profiles(settings).values()}
    assert thresholds == {321}


def test_a_device_profile_that_is_none_is_refused(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"store": {"data_dir": tmp_path}, "device": {"profile": "vehicles"}}
    )

    with pytest.raises(ConfigError, match="vehicles"):
        load_profiles(settings)
