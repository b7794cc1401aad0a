"""A Debian trixie with the real picamera2 and libcamera, whose camera is a folder of photos.

Nothing is booted: one program runs in it, sees the checkout and the photos read-only, and can
write nowhere but to one folder.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from tests.appliance.base import CACHE, base, bring_roads
from tests.appliance.container import PATH, ROOT

if TYPE_CHECKING:
    from pathlib import Path

PICAMERA2 = "picamera2==0.3.38"
DEBIAN = "python3-libcamera python3-venv python3-dev gcc libcap-dev"
"""libcamera, and what it takes to compile picamera2's python-prctl."""
PYTHON = "/opt/picamera2/bin/python"
CONFIGURATION = "/usr/share/libcamera/pipeline/virtual/virtual.yaml"
SIZES = ((640, 480), (320, 240))
"""Width and height that the camera can be set to, pixels: a photo's, and a glance's."""
LIMIT_S = 600
"""For one command; compiling is the longest."""


def photo_camera_root() -> Path:
    """Its files, made once (some minutes) and kept."""
    folder = CACHE / "trixie-amd64-picamera2"
    if not (folder / ".done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", base("trixie"), folder], check=True)
        (folder / ".done").unlink()
        roads = bring_roads(folder, "trixie")
        inside = (
            f"apt-get update -q; apt-get install -y -q --no-install-recommends {DEBIAN}; "
            "python3 -m venv --system-site-packages /opt/picamera2; "
            f"{PYTHON} -m pip install -q {PICAMERA2} {' '.join(_locked())}; "
            "mkdir -p /src /photos /out; install -D -m 644 /dev/null " + CONFIGURATION
        )
        _run(folder, roads, "env", "DEBIAN_FRONTEND=noninteractive", "bash", "-ec", inside)
        (folder / ".done").touch()
    return folder


def session(photos: Path, out: Path, width: int = SIZES[0][0], count: int = 1) -> list[Any]:
    """Have the device's adapter take photos there, in `tests.appliance.picamera2_session`.

    Args:
        photos: a folder of JPEGs, which libcamera's one camera shows; empty: there is no camera.
        out: an empty folder, for what comes of it.
        width: asked of the camera, pixels.
        count: of photos, each of the two times that it is opened.
    """
    binds = [f"--bind-ro={ROOT}:/src", f"--bind-ro={photos}:/photos", f"--bind={out}:/out"]
    if any(photos.iterdir()):
        configuration = out / "virtual.yaml"
        configuration.write_text(_configuration())
        binds.append(f"--bind-ro={configuration}:{CONFIGURATION}")
    own = ["--read-only", "--tmpfs=/tmp", "--private-network", "--chdir=/src", *binds]
    asked = json.dumps({"width": width, "height": SIZES[0][1], "count": count})
    module = "tests.appliance.picamera2_session"
    _run(photo_camera_root(), own, PYTHON, "-B", "-m", module, asked)
    told: list[Any] = json.loads((out / "told.json").read_text())
    return told


def _configuration() -> str:
    formats = "".join(
        f"  - {{width: {width}, height: {height}, frame_rates: [30, 30]}}\n"
        for width, height in SIZES
    )
    return (
        "%YAML 1.1\n---\n"
        f'"Photos":\n  supported_formats:\n{formats}'
        '  frames:\n    path: "/photos"\n  model: "Photos"\n'
    )


def _locked() -> list[str]:
    """The camera process's own packages, as a device on this Python gets them."""
    lock = (ROOT / "requirements" / "edge.lock").read_text()
    found = re.findall(
        r"^(numpy|opencv-python-headless)==(\S+)(?: ; (\S+ \S+ '[\d.]+'))?", lock, re.M
    )
    return [f"{name}=={version}" for name, version, where in found if "< '3.12'" not in where]


def _run(root: Path, options: list[str], *command: str) -> None:
    done = subprocess.run(
        ["systemd-nspawn", "-q", "-D", root, "--register=no", "--keep-unit", "--pipe",
         "--resolv-conf=off", f"--machine={root.name}", "--setenv=LANG=C.UTF-8",
         f"--setenv=PATH={PATH}", *options, *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()[-4000:]
