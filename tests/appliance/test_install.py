"""install.sh on a Debian with a real systemd, from zero. The tests go in order."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.runner_tflite import TfliteRunner
from tests.appliance.device import PHOTO, PORT, ask, log_of, pid, stand_still
from tests.appliance.short_memory import have_worker_killed
from tests.fakes import tiny_tflite

if TYPE_CHECKING:
    from tests.appliance.container import Container

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(300)]
UPGRADE = "/root/newer/install.sh --upgrade"
TFLITE = """
from pathlib import Path
import numpy as np
from models.runner_tflite import TfliteRunner
runner = TfliteRunner(Path("/opt/tiny.tflite"))
picture = np.linspace(0, 1, 64 * 64 * 3, dtype=np.float32).reshape(1, 64, 64, 3)
print(runner.backend.replace(" ", "-"), *runner.run(picture)["output0"].ravel())
"""
"""A program for the device's own Python."""


def test_a_dry_run_changes_nothing(machine: Container) -> None:
    said = machine.run("/src/install.sh --dry-run")
    assert "· start edgecase.service" in said
    machine.run(
        "test ! -e /opt/edgecase -a ! -e /etc/edgecase -a ! -e /var/log/edgecase-install.log"
    )
    machine.run("id edgecase", code=1)


def test_models_cannot_be_updated_where_nothing_is_installed(machine: Container) -> None:
    assert "isn't installed" in machine.run("/src/install.sh --update-models", code=3)


def test_from_zero_to_a_running_service(machine: Container) -> None:
    said = machine.run("/src/install.sh --no-start")
    assert "✗" not in said
    assert machine.run("systemctl is-active edgecase", check=False).strip() == "inactive"
    machine.run(f"sed -i '/^.http./a port = {PORT}' /etc/edgecase/edge.toml")
    machine.run("/src/install.sh")
    assert machine.run("systemctl is-active edgecase").strip() == "active"
    health = ask("/health")
    assert health["ready"]
    assert health["vision"]["notes"] == [], "every lock of the vision worker holds in the unit"
    told = machine.run("journalctl -u edgecase LOGGER=edge.daemon PRIORITY=6 --no-pager")
    assert "store open" in told, "journald has the fields"
    assert machine.run("stat -c '%a %U' /var/lib/edgecase").split() == ["700", "edgecase"]


def test_a_second_run_changes_nothing_and_stops_nothing(machine: Container) -> None:
    before = pid(machine)
    said = machine.run("/src/install.sh")
    assert said.count("(as it was)") >= 4
    assert pid(machine) == before


def test_a_photo_becomes_a_case_and_outlives_a_reboot(machine: Container) -> None:
    case = ask("/cases", PHOTO)
    assert case["predictions"]
    machine.power_off()
    machine.boot()
    machine.run("timeout 120 bash -c 'until systemctl -q is-active edgecase; do sleep 1; done'")
    assert [one["id"] for one in ask("/cases")["cases"]] == [case["id"]]


def test_a_language_model_writes_the_summary_within_every_lock(machine: Container) -> None:
    case = ask("/cases", PHOTO)
    assert case["summary"]["author"] == "template", "which is there at once"
    end = time.monotonic() + 120
    while (summary := ask(f"/cases/{case['id']}")["summary"])["author"] != "llm":
        assert time.monotonic() < end, log_of(machine, "edgecase")[-2000:]
        time.sleep(0.5)
    assert summary["verified"]
    assert "writer.child xllamacpp" in machine.run("ps -e -ww -o args=")
    assert "writer_less_confined" not in log_of(machine, "edgecase")


def test_a_tflite_file_gives_what_it_gives_here(machine: Container) -> None:
    here = TfliteRunner(tiny_tflite.v8(machine.root / "opt" / "tiny.tflite"))
    picture = np.linspace(0, 1, 64 * 64 * 3, dtype=np.float32).reshape(1, 64, 64, 3)
    said = machine.run(f"/opt/edgecase/current/bin/python -I -c '{TFLITE}' 2>/dev/null")
    backend, *there = said.split()
    assert backend == here.backend.replace(" ", "-")
    expected = here.run(picture)["output0"].ravel()
    assert np.ptp(expected) > 0
    assert [float(number) for number in there] == pytest.approx(list(expected), abs=1e-6)


def test_the_database_is_copied_every_night_and_the_copy_is_read(machine: Container) -> None:
    timers = machine.run("systemctl list-timers --all --no-legend 'edgecase-*'")
    assert timers.count(".timer") == 4
    machine.run("systemctl start edgecase-backup edgecase-backup-check")
    assert machine.run("ls /var/lib/edgecase/backup").startswith("cases-")


def test_a_stop_is_quick_and_loses_nothing(machine: Container) -> None:
    before = {one["id"] for one in ask("/cases")["cases"]}
    took: list[str] = []
    with ThreadPoolExecutor(3) as pool:
        for _ in range(6):
            pool.submit(lambda: took.append(ask("/cases", PHOTO)["id"]))
        time.sleep(1)
        begin = time.monotonic()
        machine.run("systemctl stop edgecase")
        seconds = time.monotonic() - begin
    assert seconds < 5
    said = log_of(machine, "edgecase").splitlines()[-5:]
    assert not [line for line in said if "SIGKILL" in line or "Failed" in line]
    machine.run("systemctl start edgecase")
    assert {one["id"] for one in ask("/cases")["cases"]} >= before | set(took)
    assert took, "some were in time"


def test_the_daemon_is_told_every_night_to_look_for_models(machine: Container) -> None:
    machine.run("systemctl start edgecase-models")
    assert "updates.url is not set" in log_of(machine, "edgecase-models")


def test_cases_are_archived_only_onto_a_disk_that_is_there(machine: Container) -> None:
    machine.run("mkdir -p /srv/edgecase-archive; systemctl start edgecase-archive")
    assert machine.run("ls /srv/edgecase-archive") == ""
    machine.run("mount -t tmpfs -o size=64M tmpfs /srv/edgecase-archive")
    machine.run("systemctl start edgecase-archive")
    there = machine.run("ls /srv/edgecase-archive/cases").split()
    assert {case["id"] for case in ask("/cases")["cases"]} < set(there)
    machine.run("umount /srv/edgecase-archive")


def test_the_log_is_bounded(machine: Container) -> None:
    said = machine.run("systemd-analyze cat-config systemd/journald.conf")
    assert "SystemMaxUse=200M" in said


def test_the_hardware_watchdog_is_set_on_request_alone(machine: Container) -> None:
    show = "systemctl show -p RuntimeWatchdogUSec --value"
    assert machine.run(show).strip() in ("0", "infinity")
    assert "watchdog" in machine.run("/src/install.sh --watchdog", code=3)
    machine.run("mknod /dev/watchdog c 1 3")  # one that takes everything: it is only asked for
    before = pid(machine)
    assert "✓ hardware watchdog" in machine.run("/src/install.sh --watchdog")
    assert machine.run(show).strip() == "15s"
    assert pid(machine) == before


@pytest.mark.usefixtures("wheels_at_hand")
def test_another_version_takes_over(machine: Container) -> None:
    machine.run("cp -r /src /root/newer && echo '# newer' >> /root/newer/edge/logs.py")
    before = machine.run("readlink /opt/edgecase/current")
    said = machine.run(UPGRADE)
    assert "✓ the new version is healthy" in said
    assert machine.run("readlink /opt/edgecase/current") != before
    assert machine.run("ls /var/lib/edgecase/backup").count("cases-") >= 1


@pytest.mark.usefixtures("wheels_at_hand")
def test_a_broken_upgrade_that_migrated_the_database_goes_back_by_itself(
    machine: Container,
) -> None:
    cases = ask("/cases")["cases"]
    before = machine.run("readlink /opt/edgecase/current")
    edge = machine.root / "root" / "newer" / "edge"
    with (edge / "store" / "migrations.py").open("a") as file:
        file.write("STEPS['0099_next'] = lambda db: db.execute('CREATE TABLE next (x)')\n")
    daemon = (edge / "daemon.py").read_text()
    (edge / "daemon.py").write_text(
        daemon.replace('    log.info("store open', "    raise SystemExit  # ")
    )
    said = machine.run(UPGRADE, code=1)
    assert "✗ the new version isn't healthy" in said
    assert "✓ back to the version before" in said
    assert machine.run("readlink /opt/edgecase/current") == before
    assert machine.run("systemctl is-active edgecase").strip() == "active"
    assert [(one["id"], one["rev"]) for one in ask("/cases")["cases"]] == [
        (one["id"], one["rev"]) for one in cases
    ]
    assert "cases.db" in machine.run("ls /var/lib/edgecase/set-aside/*")
    machine.run("rm -r /root/newer; /src/install.sh")


@pytest.mark.usefixtures("wheels_at_hand")
def test_a_repair_finds_a_damaged_file_and_says_what_it_mended(machine: Container) -> None:
    assert "Nothing was broken." in machine.run("/src/install.sh --repair")
    damaged = "/opt/edgecase/current/lib/python3*/site-packages/edge/config.py"
    machine.run(f"for file in {damaged}; do echo nonsense >> $file; done")
    said = machine.run("/src/install.sh --repair")
    assert "Mended: Python environment" in said
    machine.run(f"grep nonsense {damaged}", code=1)
    assert machine.run("systemctl is-active edgecase").strip() == "active"
    assert "Nothing was broken." in machine.run("/src/install.sh --repair")


@pytest.mark.usefixtures("wheels_at_hand")
def test_debian_s_camera_packages_are_seen_after_its_own(machine: Container) -> None:
    package = machine.root / "root" / "camera"
    (package / "DEBIAN").mkdir(parents=True)
    control = "Package: python3-picamera2\nVersion: 1\nArchitecture: all\nMaintainer: x\n"
    (package / "DEBIAN" / "control").write_text(f"{control}Description: x\n")
    there = package / "usr/lib/python3/dist-packages"
    for name in ("picamera2", "numpy"):
        (there / name).mkdir(parents=True)
        (there / name / "__init__.py").write_text("import numpy\nassert numpy.ones\n")
    machine.run("dpkg-deb -b /root/camera /root/camera.deb && dpkg -i /root/camera.deb")
    assert "✓ Python environment in /opt/edgecase\n" in machine.run("/src/install.sh")
    machine.run("/opt/edgecase/current/bin/python -I -c 'import picamera2'")
    assert ask("/health")["ready"]
    machine.run("dpkg -r python3-picamera2")


def test_a_loop_that_stands_still_is_started_again(machine: Container) -> None:
    machine.run(
        "mkdir -p /run/systemd/system/edgecase.service.d && "
        "printf '[Service]\\nWatchdogSec=6\\nTimeoutAbortSec=3\\n'"
        " > /run/systemd/system/edgecase.service.d/quick.conf && "
        "systemctl daemon-reload && systemctl restart edgecase"
    )
    stand_still(machine, within_s=90)
    machine.run("rm -r /run/systemd/system/edgecase.service.d; systemctl daemon-reload")
    machine.run("systemctl restart edgecase")


def test_where_memory_is_short_the_vision_worker_goes_and_another_one_comes(
    machine: Container,
) -> None:
    machine.run("systemctl restart edgecase")  # one that has taken photos has memory for the next
    have_worker_killed(machine, lambda: ask("/check-image", PHOTO), within_s=90)
    assert ask("/cases", PHOTO)["predictions"]


def test_its_children_may_stand_back(machine: Container) -> None:
    # Coming forward again needs LimitNICE, which not every container may be given.
    change = "import os; os.nice(10)"
    machine.run(
        "mkdir -p /run/systemd/system/edgecase.service.d && "
        f"printf '[Service]\\nExecStartPre=/usr/bin/python3 -c \"{change}\"\\n'"
        " > /run/systemd/system/edgecase.service.d/nice.conf && "
        "systemctl daemon-reload && systemctl restart edgecase"
    )
    assert machine.run("systemctl is-active edgecase").strip() == "active"
    machine.run("rm -r /run/systemd/system/edgecase.service.d; systemctl daemon-reload")
