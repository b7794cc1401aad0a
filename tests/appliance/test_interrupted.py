"""An upgrade in the middle of which everything in the machine ends. The tests go in order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.appliance.device import ask, log_of, wait_until_settled

if TYPE_CHECKING:
    from tests.appliance.container import Container

pytestmark = [
    pytest.mark.appliance,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("wheels_at_hand", "newer"),
]
UPGRADE = "/root/newer/install.sh --upgrade"
LOG = "/var/log/edgecase-install.log"


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


@pytest.mark.parametrize("after", ["the version before", "services: edgecase"])
def test_killed_in_mid_upgrade_it_comes_up_old_or_new(machine: Container, after: str) -> None:
    """Whatever was done, by the step after which everything in the machine ends at once."""
    before = cases()
    machine.run(f"echo '# {after}' >>/root/newer/edge/logs.py")
    upgrade_and_kill(machine, f"grep -q '✓ {after}' {LOG}")
    machine.boot()
    wait_until_settled(machine)
    assert ask("/health")["ready"]
    assert cases() == before


def test_an_upgrade_that_was_killed_goes_on_to_its_end(machine: Container) -> None:
    machine.run(UPGRADE)
    site = machine.run("echo /opt/edgecase/current/lib/python3*/site-packages").strip()
    assert machine.run(f"tail -n 1 {site}/edge/logs.py") == "# services: edgecase\n"
    assert findings(machine)["upgrade"]["level"] == "PASS"


def test_a_healthy_version_that_nobody_judged_is_judged_by_the_next_start(
    machine: Container,
) -> None:
    machine.run("echo '# unjudged' >>/root/newer/edge/logs.py")
    upgrade_and_kill(machine, "test -e /opt/edgecase/.before/complete")
    new = (machine.root / "opt/edgecase/current").readlink()
    machine.boot()
    assert machine.run("systemctl is-active multi-user.target edgecase-settle").split() == [
        "active",
        "active",
    ], "nothing waits for the verdict"
    wait_until_settled(machine)
    assert (machine.root / "opt/edgecase/current").readlink() == new
    assert "✓ the new version is healthy" in log_of(machine, "edgecase-settle")


def test_a_broken_version_that_nobody_judged_is_gone_back_from_by_the_next_start(
    machine: Container,
) -> None:
    before = cases(), (machine.root / "opt/edgecase/current").readlink()
    daemon = machine.root / "root/newer/edge/daemon.py"
    good = daemon.read_text()
    broken = good.replace('    log.info("store open', "    raise SystemExit  # ")
    assert broken != good
    daemon.write_text(broken)
    upgrade_and_kill(machine, "test -e /opt/edgecase/.before/complete")
    wants = machine.root / "etc/systemd/system/multi-user.target.wants/edgecase-settle.service"
    unit = wants.readlink()
    wants.unlink()
    machine.boot()
    assert machine.run("sleep 25; systemctl is-active edgecase", check=False) != "active\n"
    machine.kill()
    wants.symlink_to(unit)
    machine.boot()
    wait_until_settled(machine)
    assert (cases(), (machine.root / "opt/edgecase/current").readlink()) == before
    assert "✓ back to the version before" in log_of(machine, "edgecase-settle")
    found = findings(machine)["upgrade"]
    assert found["level"] == "WARN"
    assert "isn't healthy: edgecase.service did not become ready" in found["message"]
    machine.run("rm -r /root/newer; /src/install.sh")
    assert findings(machine)["upgrade"]["level"] == "PASS"
