"""The tower on the same machine, and the copies of its database."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.appliance.device import log_of
from tests.e2e.running import free_port

if TYPE_CHECKING:
    from tests.appliance.container import Container

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(300)]


def wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.5)
        else:
            return


def test_the_tower_s_database_is_copied_and_the_copy_is_tried(machine: Container) -> None:
    port = free_port()
    (machine.root / "etc/edgecase").mkdir(exist_ok=True)
    (machine.root / "etc/edgecase/tower.toml").write_text(
        f"[http]\nport = {port}\n[broker]\nport = {free_port()}\nworkers_port = {free_port()}\n"
    )
    machine.run("/src/install.sh --tower")
    timers = machine.run("systemctl list-timers --all --no-legend 'edgecase-tower-*'")
    assert timers.count(".timer") == 3
    wait_for(f"http://127.0.0.1:{port}/ping")
    machine.run(
        "systemctl start edgecase-tower-backup edgecase-tower-backup-check edgecase-tower-scrub"
        " || { journalctl --no-pager -n 30 -u 'edgecase-tower-*'; false; }"
    )
    assert machine.run("ls /var/lib/edgecase-tower/backup").startswith("archive-")
    assert "read from end to end" in log_of(machine, "edgecase-tower-backup-check")
    assert "all of them" in log_of(machine, "edgecase-tower-scrub")


def test_the_tower_goes_and_the_device_stays(machine: Container) -> None:
    machine.run("/src/install.sh --tower --purge --yes")
    left = machine.run("find /etc/systemd /opt /var/lib -maxdepth 3 -name 'edgecase-tower*'")
    assert left == ""
    assert machine.run("systemctl is-active edgecase").strip() == "active"
