"""The device in the container, as its tests talk to it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.appliance.container import ROOT
from tests.e2e.running import free_port

if TYPE_CHECKING:
    from tests.appliance.container import Container

PHOTO = ROOT / "tests" / "data" / "photos" / "vehicle" / "chipped-paint.jpg"
MODEL = "vehicle-damage-severity"
PORT = free_port()


def ask(
    path: str,
    photo: Path | None = None,
    *,
    method: str | None = None,
    within_s: float = 30,
    port: int = PORT,
) -> Any:
    url = f"http://127.0.0.1:{port}{path}"
    body = None
    if photo is not None:
        head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'
        body = head + photo.read_bytes() + b"\r\n--b--\r\n"
    request = urllib.request.Request(
        url,
        body,
        {"Content-Type": "multipart/form-data; boundary=b"} if body else {},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=within_s) as answer:
        return json.load(answer)


def ask_alone(machine: Container, path: str, photo: Path | None = None) -> Any:
    """The same of one with a network of its own, on the port that the settings have at first.

    A process of this machine goes into that network and asks.
    """
    words = [path] if photo is None else [path, str(photo)]
    asks = [sys.executable, "-m", "tests.appliance.device", *words]
    return json.loads(
        subprocess.check_output(["nsenter", "-t", machine.leader(), "-n", *asks], cwd=ROOT)
    )


def pid(machine: Container) -> str:
    return machine.run("systemctl show -p MainPID --value edgecase").strip()


def wait_until_settled(machine: Container) -> None:
    """Until a cut upgrade is judged and the service serves."""
    settled = "test ! -e /opt/edgecase/.before && systemctl -q is-active edgecase"
    machine.run(f"timeout 240 bash -c 'until {settled}; do sleep 1; done'")


def stand_still(machine: Container, within_s: float) -> None:
    """Stop its loop, and wait for the process that the watchdog puts in its place."""
    before = pid(machine)
    assert before != "0", "there is none, and all of this process's group would be stopped"
    machine.run(f"kill -STOP {before}")
    end = time.monotonic() + within_s
    while (
        pid(machine) in (before, "0")
        or machine.run("systemctl is-active edgecase", check=False).strip() != "active"
    ):
        assert time.monotonic() < end
        time.sleep(1)
    assert "watchdog" in machine.run("journalctl -u edgecase --no-pager").lower()


def log_of(machine: Container, unit: str) -> str:
    return machine.run(f"journalctl -u '{unit}' -o cat --no-pager")


def hand_over_root(tower: Path, machine: Container) -> None:
    """Of that tower; `trust` takes it up."""
    root = tower / "data" / "releases" / "repository" / "metadata" / "1.root.json"
    shutil.copyfile(root, machine.root / "opt" / "1.root.json")


def trust(machine: Container) -> None:
    machine.run("install -m 644 /opt/1.root.json /tmp/r; cd /; "
                "runuser -u edgecase -- edgecase models trust /tmp/r")  # fmt: skip


def active(machine: Container) -> str:
    said = machine.run("cd /; runuser -u edgecase -- edgecase models list --json")
    return next(
        m["version"] for m in json.loads(said)["models"] if m["id"] == MODEL and m["active"]
    )


def take_off(machine: Container) -> None:
    """Uninstall it, which keeps the data, and purge it, which doesn't."""
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


if __name__ == "__main__":
    url, *photos = sys.argv[1:]
    print(json.dumps(ask(url, *map(Path, photos), within_s=300, port=8000)))
