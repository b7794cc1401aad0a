"""The whole program: `edgecase-tower run` serves releases, signs them anew, and tells devices."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from models.offer import Ring
from tests.fakes.broker import free_port, mosquitto
from tests.tower.releases.shop import Clock, Shop, make_model
from tests.tower.releases.test_bell import Listener, until
from tower_sync_server.releases.shelf import read_metadata
from tower_sync_server.releases.tuf_words import Timestamp
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow  # a tower has to start
def test_the_running_tower_signs_anew_and_tells_devices(tmp_path: Path) -> None:
    shop = Shop(tmp_path, Clock(datetime.now(UTC) - timedelta(days=5))).begin_starter()
    port = free_port()
    url = f"http://127.0.0.1:{port}/releases/metadata/timestamp.json"

    def timestamp() -> Timestamp:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return read_metadata(answer.read(), Timestamp).signed

    def is_up() -> bool:
        try:
            return timestamp().version >= 1
        except OSError:
            return False

    with mosquitto(tmp_path) as broker:
        device = Listener(broker, Ring.CANARY)
        env = {
            **os.environ,
            "EDGECASE_TOWER_STORE__DATA_DIR": str(tmp_path / "tower"),
            "EDGECASE_TOWER_HTTP__PORT": str(port),
            "EDGECASE_TOWER_MQTT__PORT": str(broker.port),
            "EDGECASE_TOWER_INGEST__WORKERS": "0",
            "EDGECASE_TOWER_RELEASES__CHECK_S": "1",
        }
        command = [sys.executable, "-m", "tower_sync_server", "run"]
        with subprocess.Popen(command, env=env, cwd=tmp_path) as tower:
            try:
                until(is_up, 60)
                until(lambda: timestamp().version == 2, 30)  # it had a day left, now it has seven
                assert timestamp().expires - datetime.now(UTC) > timedelta(days=6)
                until(lambda: device.heard == [1], 30)
                shop.clock.now = datetime.now(UTC)
                shop.releases().add(make_model(tmp_path / "m"), Wish())  # beside it, by a command
                until(lambda: device.heard[-1] == 2, 30)
            finally:
                tower.terminate()
                assert tower.wait(20) == 0
        device.stop()
