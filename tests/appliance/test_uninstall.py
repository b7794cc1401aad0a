"""Off the machine again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.appliance.container import Container

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
