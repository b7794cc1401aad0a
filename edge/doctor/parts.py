"""The doctor's look at what EdgeCase itself needs: settings, folder, camera, port."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import shutil
import socket
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.doctor.findings import Finding, fail, fine, warn
from edge.errors import ConfigError
from edge.programs import ask
from edge.settings.secret_files import read_secrets
from edge.store.database import UNBEGUN, damage
from edge.store.layout import Layout

if TYPE_CHECKING:
    from edge.config import CameraSettings, HttpSettings, Settings, StoreSettings
    from edge.settings.file import Reading

NUMPY_TRAP = "numpy.dtype size changed"
"""What Debian 12's simplejpeg says beside numpy 2."""
IMPORT_PICAMERA2 = "import picamera2; print(picamera2.__file__)"
INSTALLERS = ".edgecase"
"""What install.sh leaves on a data disk to know it by."""
LITTLE_MB = 1000
"""Free space, megabytes, below which the doctor warns."""


def settings(found: Reading) -> list[Finding]:
    """Are the settings right?"""
    if not found.problems:
        where = str(found.file) if found.file else "no file: defaults and environment"
        return [fine("settings", where)]
    mend = f"edit {found.file}" if found.file else "change the variable"
    return [fail("settings", p.text, p.hint or mend) for p in found.problems]


def secrets(found: Settings) -> list[Finding]:
    """Can the secrets be read that the settings name? Nothing is said where none is named."""
    try:
        read_secrets(found)
    except ConfigError as e:
        return [fail("secrets", e.message, e.hint)]
    return []


def data_dir(store: StoreSettings) -> list[Finding]:
    """Can cases be stored, and is there room?"""
    folder = store.data_dir
    if closed(folder):
        owner = _nearest(folder).stat().st_uid
        text = f"{folder} is for user {owner} alone: nothing in it was looked at"
        return [warn("data folder", text, f"sudo -u '#{owner}' edgecase doctor")]
    there = _nearest(folder)
    mend = f"sudo install -d -o {os.geteuid()} {folder}"
    if not there.is_dir():
        return [fail("data folder", f"{there} is a file", "choose another store.data_dir")]
    if not os.access(there, os.W_OK | os.X_OK):
        return [fail("data folder", f"{folder}: this user may not write there", mend)]
    made = "" if there == folder else " (will be made)"
    return [
        fine("data folder", f"{folder}{made}"),
        *strangers(folder, {path.name: path.lstat().st_uid for path in folder.glob("*")}),
        space(shutil.disk_usage(there).free / 1e6, store.min_free_mb, folder),
        *database(Layout(folder)),
    ]


def strangers(folder: Path, owners: dict[str, int]) -> list[Finding]:
    """Is anything in it another user's, as after a command that was run as root?"""
    own = _nearest(folder).stat().st_uid
    strange = {name for name, uid in owners.items() if uid != own}
    others = sorted(strange - {"lost+found", INSTALLERS})
    if not others:
        return []
    text = f"{folder}: not its owner's own are {', '.join(others[:5])}"
    return [warn("owner", text, f"sudo chown -R '#{own}' {folder}")]


def closed(folder: Path) -> bool:
    """Whether it is another user's, and this one may not look into it."""
    there = _nearest(folder)
    return there.is_dir() and not os.access(there, os.R_OK | os.X_OK)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there as far as this user can see."""

    def seen(path: Path) -> bool:
        try:
            return path.exists()
        except PermissionError:  # one above it is closed
            return False

    return next(path for path in (folder, *folder.parents) if seen(path))


def elsewhere(store: StoreSettings, system: Path) -> list[Finding]:
    """Say that the installed device has other data than this user's own command."""
    if store.data_dir == system or not closed(system):
        return []
    owner = _nearest(system).stat().st_uid
    text = f"{system} is the installed device's; this round was about {store.data_dir}"
    return [warn("service", text, f"sudo -u '#{owner}' edgecase doctor")]


def database(layout: Layout) -> list[Finding]:
    """Is it whole? Nothing is said before the first start."""
    reason = damage(layout.database)
    if reason in UNBEGUN and not (layout.sidecars.is_dir() and any(layout.sidecars.iterdir())):
        return []
    if reason:
        text = f"{layout.database}: {reason}; a start sets it aside and makes it anew of the cases"
        return [fail("database", text, "sudo systemctl restart edgecase")]
    return [fine("database", f"{layout.database.stat().st_size / 1e6:.1f} MB, whole")]


def space(free_mb: float, min_free_mb: float, folder: Path) -> Finding:
    """Is there room for photos?"""
    text = f"{free_mb:.0f} MB free"
    if free_mb < min_free_mb:
        return fail("space", f"{text}: nothing more is taken", f"du -xh {folder} | sort -h | tail")
    if free_mb < LITTLE_MB:
        return warn("space", text, f"du -xh {folder} | sort -h | tail")
    return fine("space", text)


def camera(wanted: CameraSettings, data: Path) -> list[Finding]:
    """Is the camera there, and what its trigger needs?"""
    looks = {"none": _no_camera, "folder": _folder, "v4l2": _v4l2, "picamera2": _picamera2}
    found = [looks[wanted.kind](wanted, data)]
    if wanted.trigger == "button" and importlib.util.find_spec("gpiozero") is None:
        mend = "sudo apt install python3-gpiozero python3-lgpio"
        found.append(fail("button", "gpiozero is not installed", mend))
    return found


def _no_camera(_: CameraSettings, __: Path) -> Finding:
    return fine("camera", "none: phones send the photos")


def _folder(wanted: CameraSettings, data: Path) -> Finding:
    folder = wanted.folder or data / "inbox"
    there = next(p for p in (folder, *folder.parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        mend = f"sudo install -d -o {os.geteuid()} {folder}"
        return fail("camera", f"folder {folder}: this user may not write there", mend)
    return fine("camera", f"folder {folder}")


def _v4l2(wanted: CameraSettings, _: Path) -> Finding:
    device = Path(wanted.device)
    if not device.exists():
        return fail("camera", f"{device} is not there", "v4l2-ctl --list-devices")
    if not os.access(device, os.R_OK):
        return fail("camera", f"{device}: no permission", "sudo usermod -aG video $USER")
    if not stat.S_ISCHR(device.stat().st_mode):
        return fine("camera", f"{device}: a video file")
    return fine("camera", str(device))


def _picamera2(_: CameraSettings, __: Path) -> Finding:
    return picamera2(*ask([sys.executable, "-c", IMPORT_PICAMERA2], timeout_s=60))


def picamera2(code: int, said: str) -> Finding:
    """Can picamera2 be imported? Tried in a process of its own: it may take that down."""
    if code == 0:
        return fine("camera", f"picamera2 at {said.strip()}")
    if NUMPY_TRAP in said:
        text = "picamera2: Debian's simplejpeg is built for numpy 1, and numpy 2 is installed here"
        return fail("camera", text, "pip install --force-reinstall simplejpeg")
    last = (said.strip().splitlines() or [f"exit code {code}"])[-1]
    mend = "sudo apt install python3-picamera2, and a virtual environment with system packages"
    return fail("camera", f"picamera2 can't be imported: {last}", mend)


def port(http: HttpSettings) -> Finding:
    """Is the port free, or does the daemon answer on it?"""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)  # noqa: S104
    where = f"{http.host}:{http.port}"
    if http.port == 0:
        return fine("port", "the system chooses one")
    try:
        socket.create_connection((host, http.port), timeout=2).close()
    except ConnectionRefusedError:
        return fine("port", f"{where} is free; the daemon does not run")
    except OSError as e:
        return fail(
            "port", f"{where}: {e.strerror or e}", "set http.host to an address of this machine"
        )
    if _is_ours(host, http.port):
        return fine("port", f"the daemon answers on {where}")
    return fail(
        "port", f"something else listens on {where}", f"sudo ss -ltnp 'sport = {http.port}'"
    )


def _is_ours(host: str, number: int) -> bool:
    link = http.client.HTTPConnection(host, number, timeout=3)
    try:
        link.request("GET", "/ping")
        answer = link.getresponse()
        words = json.loads(answer.read(4096))
        return answer.status == http.client.OK and {"status", "device", "time"} <= set(words)
    except (OSError, http.client.HTTPException, ValueError, TypeError):
        return False
    finally:
        link.close()
