"""An upgrade in the middle of which everything in the machine ends. The tests go in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.appliance.device import ask, log_of, wait_until_settled

if TYPE_CHECKING:
    from pathlib import Path

    from tests.appliance.container import Container

pytestmark = [
    pytest.mark.appliance,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("wheels_at_hand", "newer"),
]
UPGRADE = "/root/newer/install.sh --upgrade"
LOG = "/var/log/edgecase-install.log"
HALF_MADE = (
    "[ $(ls -d /opt/edgecase/versions/* | wc -l) != $(ls /opt/edgecase/versions/*/.whole | wc -l) ]"
)
"""What a shell sees while a version is being made."""


@pytest.fixture(scope="module")
def newer(machine: Container) -> None:
    """A version that lies there, for an upgrade."""
    machine.run("cp -r /src /root/newer")


def cases() -> list[tuple[str, int]]:
    return [(one["id"], one["rev"]) for one in ask("/cases")["cases"]]


def upgrade_and_kill(machine: Container, when: str) -> None:
    """Begin one, and end everything there as soon as `when`, a shell's condition, holds."""
    machine.run(f": >{LOG}; {UPGRADE} >/dev/null 2>&1 & until {when}; do sleep 0.1; done")
    machine.kill()


def findings(machine: Container) -> dict[str, Any]:
    said = machine.run("runuser -u edgecase -- edgecase doctor --json", check=False)
    return {each["name"]: each for each in json.loads(said)["findings"]}


def current(machine: Container) -> Path:
    """The version that the next start takes, also where the machine is off."""
    return (machine.root / "opt/edgecase/current").readlink()


def test_killed_in_mid_upgrade_it_comes_up_as_it_was(machine: Container) -> None:
    before = cases(), current(machine)
    machine.run("echo '# newer' >>/root/newer/edge/logs.py")
    upgrade_and_kill(machine, HALF_MADE)
    machine.boot()
    wait_until_settled(machine)
    assert ask("/health")["ready"]
    assert (cases(), current(machine)) == before


def test_a_healthy_version_that_nobody_judged_is_judged_by_the_next_start(
    machine: Container,
) -> None:
    before = cases(), current(machine)
    upgrade_and_kill(machine, "test -e /opt/edgecase/.before/complete")
    machine.boot()
    said = machine.run("systemctl is-active multi-user.target edgecase-settle")
    assert said.split() == ["active", "active"], "nothing waits for the verdict"
    wait_until_settled(machine)
    assert "✓ the new version is healthy" in log_of(machine, "edgecase-settle")
    assert cases() == before[0]
    assert current(machine) != before[1]


def test_an_upgrade_that_was_killed_goes_on_to_its_end(machine: Container) -> None:
    machine.run(UPGRADE)
    site = machine.run("echo /opt/edgecase/current/lib/python3*/site-packages").strip()
    assert machine.run(f"tail -n 1 {site}/edge/logs.py") == "# newer\n"
    assert findings(machine)["upgrade"]["level"] == "PASS"


def test_a_broken_version_that_nobody_judged_is_gone_back_from_by_the_next_start(
    machine: Container,
) -> None:
    before = cases(), current(machine)
    daemon = machine.root / "root/newer/edge/daemon.py"
    good = daemon.read_text()
    daemon.write_text(good.replace('    log.info("store open', "    raise SystemExit  # "))
    assert daemon.read_text() != good
    upgrade_and_kill(machine, "test -e /opt/edgecase/.before/complete")
    wants = machine.root / "etc/systemd/system/multi-user.target.wants/edgecase-settle.service"
    unit = wants.readlink()
    wants.unlink()
    machine.boot()
    restarted = "systemctl show -p NRestarts edgecase | grep -v =0"
    machine.run(f"timeout 120 bash -c 'until {restarted}; do sleep 1; done'")
    assert current(machine) != before[1], "without the unit it stays"
    machine.kill()
    wants.symlink_to(unit)
    machine.boot()
    wait_until_settled(machine)
    assert (cases(), current(machine)) == before
    assert "✓ back to the version before" in log_of(machine, "edgecase-settle")
    found = findings(machine)["upgrade"]
    assert found["level"] == "WARN"
    assert "isn't healthy: edgecase.service did not become ready" in found["message"]
    machine.run("rm -r /root/newer; /src/install.sh")
    assert findings(machine)["upgrade"]["level"] == "PASS"
