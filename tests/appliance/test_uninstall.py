"""Off the machine again, and onto one without a network."""

from __future__ import annotations

import pytest

from tests.appliance.container import ROOT, Container
from tests.appliance.device import PHOTO

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(300)]


def test_uninstalling_keeps_the_data_and_purging_does_not(machine: Container) -> None:
    machine.run("/src/install.sh --uninstall")
    machine.run("test ! -e /opt/edgecase -a ! -e /usr/local/bin/edgecase")
    machine.run("test -e /var/lib/edgecase/models -a -e /etc/edgecase/edge.toml")
    left = "find /etc/systemd /etc/udev /usr/local/lib -name '*edgecase*' ! -name 'var-lib*'"
    assert machine.run(left) == ""
    assert machine.run("systemctl list-timers --all --no-legend 'edgecase-*'") == ""
    machine.run("/src/install.sh --purge", code=2)
    machine.run("/src/install.sh --purge --yes")
    machine.run("test ! -e /var/lib/edgecase -a ! -e /etc/edgecase")
    machine.run("id edgecase", code=1)


def test_with_no_network_at_all_it_installs_from_a_bundle(machine: Container) -> None:
    machine.run("/src/scripts/make-offline-bundle /root/bundle")
    machine.run("apt-get purge -y -q 'python3*-venv' libgomp1")
    said = machine.run("unshare --net /src/install.sh --offline /root/bundle")
    assert "✓ start edgecase.service" in said
    assert machine.run("systemctl is-active edgecase").strip() == "active"
    machine.run(f"cd /; edgecase check /src/{PHOTO.relative_to(ROOT)} --json | grep -q predictions")
