"""install.sh on a Debian with a real systemd: from zero to nothing again. The tests go in order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.appliance.container import ROOT, Container
from tests.e2e.running import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(900)]
PHOTO = ROOT / "tests" / "data" / "photos" / "vehicle" / "chipped-paint.jpg"
MODEL = "vehicle-damage-severity"
PORT = free_port()
LSBLK = """#!/bin/sh
echo '{"blockdevices": [{"path": "/dev/stick", "type": "loop", "fstype": "ext4", "rm": true}]}'
"""


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of a newer model: `stick.img`, readable by root alone, and the tower's `root`."""
    folder = tmp_path_factory.mktemp("tower")
    newer = folder / "newer"
    shutil.copytree(ROOT / "models" / "zoo" / MODEL / "1.0.0", newer)
    manifest = (newer / "model.toml").read_text()
    (newer / "model.toml").write_text(manifest.replace('version = "1.0.0"', 'version = "1.0.1"', 1))
    own = {**os.environ, "EDGECASE_TOWER_STORE__DATA_DIR": str(folder / "data")}
    for command in ("release init", f"release add {newer}", f"usb export {folder / 'stick'}"):
        subprocess.run(
            [sys.executable, "-m", "tower_sync_server", *command.split()],
            cwd=ROOT, env=own, check=True, capture_output=True,
        )  # fmt: skip
    subprocess.run(["chmod", "-R", "go=", folder / "stick"], check=True)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-d", folder / "stick", folder / "stick.img", "32M"],
        check=True,
    )
    return folder


@pytest.fixture(scope="module")
def machine(tower: Path) -> Iterator[Container]:
    loop = subprocess.check_output(["losetup", "--show", "-f", "-r", tower / "stick.img"])
    made = Container({Path(loop.decode().strip()): Path("/dev/stick")})
    root = tower / "data" / "releases" / "repository" / "metadata" / "1.root.json"
    shutil.copyfile(root, made.root / "opt" / "1.root.json")
    try:
        made.boot()
        yield made
    finally:
        made.remove()
        subprocess.run(["losetup", "-d", loop.decode().strip()], check=True)


def ask(path: str, photo: Path | None = None) -> Any:
    url = f"http://127.0.0.1:{PORT}{path}"
    body = None
    if photo is not None:
        head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'
        body = head + photo.read_bytes() + b"\r\n--b--\r\n"
    request = urllib.request.Request(
        url, body, {"Content-Type": "multipart/form-data; boundary=b"} if body else {}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def pid(machine: Container) -> str:
    return machine.run("systemctl show -p MainPID --value edgecase").strip()


def active(machine: Container) -> str:
    said = machine.run("cd /; runuser -u edgecase -- edgecase models list --json")
    return next(
        m["version"] for m in json.loads(said)["models"] if m["id"] == MODEL and m["active"]
    )


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


def test_the_database_is_copied_every_night_and_the_copy_is_read(machine: Container) -> None:
    timers = machine.run("systemctl list-timers --all --no-legend 'edgecase-*'")
    assert timers.count("edgecase-backup") >= 2
    machine.run("systemctl start edgecase-backup edgecase-backup-check")
    assert machine.run("ls /var/lib/edgecase/backup").startswith("cases-")


def test_another_version_takes_over(machine: Container) -> None:
    machine.run("cp -r /src /root/newer && echo '# newer' >> /root/newer/edge/logs.py")
    before = machine.run("readlink /opt/edgecase/current")
    said = machine.run("/root/newer/install.sh --upgrade")
    assert "✓ the new version is healthy" in said
    assert machine.run("readlink /opt/edgecase/current") != before
    assert machine.run("ls /var/lib/edgecase/backup").count("cases-") >= 1


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
    said = machine.run("/root/newer/install.sh --upgrade", code=1)
    assert "✗ the new version isn't healthy" in said
    assert "✓ back to the version before" in said
    assert machine.run("readlink /opt/edgecase/current") == before
    assert machine.run("systemctl is-active edgecase").strip() == "active"
    assert [(one["id"], one["rev"]) for one in ask("/cases")["cases"]] == [
        (one["id"], one["rev"]) for one in cases
    ]
    assert "cases.db" in machine.run("ls /var/lib/edgecase/set-aside/*")
    machine.run("rm -r /root/newer; /src/install.sh")


def test_a_repair_finds_a_damaged_file_and_says_what_it_mended(machine: Container) -> None:
    assert "Nothing was broken." in machine.run("/src/install.sh --repair")
    damaged = "/opt/edgecase/current/lib/python3*/site-packages/edge/config.py"
    machine.run(f"for file in {damaged}; do echo nonsense >> $file; done")
    said = machine.run("/src/install.sh --repair")
    assert "Mended: Python environment" in said
    machine.run(f"grep nonsense {damaged}", code=1)
    assert machine.run("systemctl is-active edgecase").strip() == "active"
    assert "Nothing was broken." in machine.run("/src/install.sh --repair")


def test_a_loop_that_stands_still_is_started_again(machine: Container) -> None:
    machine.run(
        "mkdir -p /run/systemd/system/edgecase.service.d && "
        "printf '[Service]\\nWatchdogSec=6\\nTimeoutAbortSec=3\\n'"
        " > /run/systemd/system/edgecase.service.d/quick.conf && "
        "systemctl daemon-reload && systemctl restart edgecase"
    )
    before = pid(machine)
    machine.run(f"kill -STOP {before}")
    end = time.monotonic() + 90
    while (
        pid(machine) in (before, "0")
        or machine.run("systemctl is-active edgecase", check=False).strip() != "active"
    ):
        assert time.monotonic() < end
        time.sleep(1)
    assert "watchdog" in machine.run("journalctl -u edgecase --no-pager").lower()
    machine.run("rm -r /run/systemd/system/edgecase.service.d; systemctl daemon-reload")
    machine.run("systemctl restart edgecase")


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


def test_a_stick_of_a_tower_that_nobody_trusts_is_refused(machine: Container) -> None:
    machine.run("/src/install.sh --update-models /dev/stick --yes", code=1)
    assert active(machine) == "1.0.0"


def test_no_stick_is_said(machine: Container) -> None:
    assert "no stick" in machine.run("/src/install.sh --update-models", code=4)


def test_a_stick_is_found_by_itself_and_its_model_serves(machine: Container) -> None:
    machine.run("install -m 644 /opt/1.root.json /tmp/r; cd /; "
                "runuser -u edgecase -- edgecase models trust /tmp/r")  # fmt: skip
    (machine.root / "usr/local/sbin/lsblk").write_text(LSBLK)
    (machine.root / "usr/local/sbin/lsblk").chmod(0o755)
    said = machine.run("/src/install.sh --update-models --yes")
    assert f"{MODEL}: 1.0.0 → 1.0.1" in said
    assert "The service serves them." in said
    serving = {m["ref"] for m in ask("/models")["serving"]}
    assert f"{MODEL}@1.0.1" in serving
    machine.run("findmnt -S /dev/stick", code=1)
    assert "stick" not in machine.run("ls -a /run /var/lib/edgecase")


def test_going_back_is_taken_over_by_a_signal_where_a_token_is_wanted(machine: Container) -> None:
    machine.run("sed -i '/^.http./a auth = \"token\"' /etc/edgecase/edge.toml")
    machine.run("systemctl restart edgecase")
    before = pid(machine)
    said = machine.run("/src/install.sh --rollback")
    assert f"{MODEL}: 1.0.1 → 1.0.0" in said
    assert "The service serves them." in said
    assert pid(machine) == before


def test_a_bare_file_wants_the_owner_s_leave_and_is_marked(machine: Container) -> None:
    shutil.copyfile(
        ROOT / "models" / "zoo" / MODEL / "1.0.0" / "model.onnx", machine.root / "root" / "x.onnx"
    )
    take = "/src/install.sh --update-models /root/x.onnx --yes"
    machine.run(take, code=1)
    assert "owner" in machine.run(f"{take} --allow-unsigned", code=1)
    machine.run("printf 'allow_unsigned = true\\n' >> /etc/edgecase/edge.toml")
    machine.run(f"{take} --allow-unsigned --answer labels=a,b,c", code=2)
    machine.run(f"{take} --allow-unsigned --answer labels=a,b,c --answer scaling=unit")
    said = machine.run("cd /; runuser -u edgecase -- edgecase models list --json")
    signed = {(m["id"], m["version"]): m["signed"] for m in json.loads(said)["models"]}
    assert signed.pop((MODEL, "1.0.1"))
    assert [ident for (ident, _), vouched in signed.items() if not vouched] == ["x"]


def test_uninstalling_keeps_the_data_and_purging_does_not(machine: Container) -> None:
    machine.run("/src/install.sh --uninstall")
    machine.run("test ! -e /opt/edgecase -a ! -e /usr/local/bin/edgecase")
    machine.run("test -e /var/lib/edgecase/models -a -e /etc/edgecase/edge.toml")
    machine.run("/src/install.sh --purge", code=2)
    machine.run("/src/install.sh --purge --yes")
    machine.run("test ! -e /var/lib/edgecase -a ! -e /etc/edgecase")
    machine.run("id edgecase", code=1)


def test_with_no_network_at_all_it_installs_from_a_bundle(machine: Container) -> None:
    machine.run("/src/scripts/make-offline-bundle /root/bundle")
    machine.run("apt-get purge -y -q 'python3*-venv' libgomp1; rm -rf /root/.cache")
    said = machine.run("unshare --net /src/install.sh --offline /root/bundle")
    assert "✓ start edgecase.service" in said
    assert machine.run("systemctl is-active edgecase").strip() == "active"
    machine.run(f"cd /; edgecase check /src/{PHOTO.relative_to(ROOT)} --json | grep -q predictions")
