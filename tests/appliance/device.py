"""The device in the container, as its tests talk to it."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.appliance.container import ROOT
from tests.e2e.running import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.appliance.container import Container

PHOTO = ROOT / "tests" / "data" / "photos" / "vehicle" / "chipped-paint.jpg"
MODEL = "vehicle-damage-severity"
PORT = free_port()


def ask(
    path: str, photo: Path | None = None, *, method: str | None = None, within_s: float = 30
) -> Any:
    url = f"http://127.0.0.1:{PORT}{path}"
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


def pid(machine: Container) -> str:
    return machine.run("systemctl show -p MainPID --value edgecase").strip()


def wait_until_settled(machine: Container) -> None:
    """Until a cut upgrade is judged and the service serves."""
    settled = "test ! -e /opt/edgecase/.before && systemctl -q is-active edgecase"
    machine.run(f"timeout 240 bash -c 'until {settled}; do sleep 1; done'")


def log_of(machine: Container, unit: str) -> str:
    return machine.run(f"journalctl -u '{unit}' -o cat --no-pager")


def trust(machine: Container) -> None:
    machine.run("install -m 644 /opt/1.root.json /tmp/r; cd /; "
                "runuser -u edgecase -- edgecase models trust /tmp/r")  # fmt: skip


def active(machine: Container) -> str:
    said = machine.run("cd /; runuser -u edgecase -- edgecase models list --json")
    return next(
        m["version"] for m in json.loads(said)["models"] if m["id"] == MODEL and m["active"]
    )
