"""The data on a disk of their own: moved there, waited for, and nothing is written in its place."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.appliance.device import PHOTO, ask, pid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.appliance.container import Container

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(300)]
MOUNT = "var-lib-edgecase.mount"


@pytest.fixture(scope="module")
def link(loops: Mapping[str, Path]) -> str:
    """What udev would make, in a container that has none."""
    uuid = subprocess.check_output(["blkid", "-p", "-o", "value", "-s", "UUID", loops["data"]])
    return f"/dev/disk/by-uuid/{uuid.decode().strip()}"


def test_a_disk_that_will_not_do_is_refused_before_anything_is_changed(
    machine: Container,
) -> None:
    assert "mkfs.ext4" in machine.run("/src/install.sh --data-disk /dev/blank", code=3)
    assert "no such disk" in machine.run("/src/install.sh --data-disk /dev/none", code=3)
    assert "no such disk" in machine.run("/src/install.sh --data-disk /etc/passwd", code=3)
    machine.run(f"test ! -e /etc/systemd/system/{MOUNT}")


def test_the_data_move_to_the_disk(machine: Container, link: str) -> None:
    before = ask("/cases")["cases"]
    assert before
    machine.run(f"mkdir -p /dev/disk/by-uuid; ln -s /dev/data {link}")
    said = machine.run("/src/install.sh --data-disk /dev/data")
    assert "✓ data on a disk of their own: /dev/data" in said
    assert "the data of before are still in /var/lib/edgecase.before-" in said
    options = machine.run("findmnt -n -o OPTIONS /var/lib/edgecase")
    assert {"nosuid", "nodev", "noexec"} <= set(options.strip().split(","))
    assert ask("/cases")["cases"] == before
    assert ask(f"/cases/{ask('/cases', PHOTO)['id']}")["predictions"]


def test_a_second_time_everything_is_as_it_was(machine: Container) -> None:
    before = pid(machine)
    for words in ("", "--data-disk /dev/data"):
        said = machine.run(f"/src/install.sh {words}")
        assert "(as it was)" in said.split("disk of their own")[1].splitlines()[0]
    assert pid(machine) == before


def test_without_the_disk_nothing_starts_and_nothing_is_written(
    machine: Container, link: str
) -> None:
    machine.run(f"systemctl stop {MOUNT}")
    assert machine.run("systemctl is-active edgecase", check=False).strip() == "inactive"
    machine.run(f"rm {link}")
    for unit in ("edgecase", "edgecase-backup", "edgecase-archive", "edgecase-settle"):
        machine.run(f"! systemctl start {unit}")
    machine.run("cd /; ! runuser -u edgecase -- touch /var/lib/edgecase/x")
    machine.run("systemd-tmpfiles --create", check=False)
    assert machine.run("ls -A /var/lib/edgecase") == ""
    assert machine.run("stat -c '%U %a' /var/lib/edgecase").strip() == "root 0"


def test_when_the_disk_comes_the_service_comes_with_it(machine: Container, link: str) -> None:
    machine.run(f"ln -s /dev/data {link}; systemctl start {MOUNT}")
    machine.run("timeout 60 bash -c 'until systemctl -q is-active edgecase; do sleep 1; done'")
    assert len(ask("/cases")["cases"]) > 1
