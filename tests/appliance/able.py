"""Whether the tests in a container can run on this machine; if not, one line says what is missing.

    python -m tests.appliance.able

Ends with 0 where they can, with 3 where they can't. A Debian's files are made the first time
(some minutes); nothing else stays.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.appliance.base import CACHE, base, proxies
from tests.appliance.container import Container
from tests.appliance.loops import attached

PROGRAMS = ("debootstrap", "systemd-nspawn", "mke2fs", "losetup", "setpriv", "unshare", "nsenter")
FREE_MB = 6000
"""What a run writes, and some more; it goes again."""
UNABLE = 3
"""The exit status."""


class UnableError(Exception):
    """This machine can't; the message says what is missing."""


def look(release: str) -> None:
    """Try in earnest everything that the tests build on.

    Raises:
        UnableError: at the first thing that doesn't work.
    """
    if os.geteuid() != 0:
        raise UnableError("not root")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise UnableError(f"no {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "disk.img"
        try:
            subprocess.run(
                ["mke2fs", "-q", "-t", "ext4", image, "8M"], check=True, capture_output=True
            )
            with attached(image, "-r") as device:
                _look_at_base(release)
                _look_inside(release, device)
        except (OSError, subprocess.CalledProcessError) as e:
            raise UnableError(f"no loop devices: {_words(e)}") from e


def _look_at_base(release: str) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(CACHE).free // 1_000_000
    if free < FREE_MB:
        raise UnableError(f"{free} MB free in {CACHE}, and {FREE_MB} are needed")
    try:
        base(release)
    except (OSError, subprocess.CalledProcessError) as e:
        raise UnableError(f"debootstrap can't make a Debian {release}: {_words(e)}") from e


def _look_inside(release: str, device: Path) -> None:
    try:
        machine = Container({device: Path("/dev/disk")}, release=release)
    except (OSError, subprocess.CalledProcessError) as e:
        raise UnableError(f"a container can't be prepared: {_words(e)}") from e
    try:
        for command, lack in (
            ("", "systemd doesn't boot in a container"),
            ("mount -t ext4 -o ro,noload /dev/disk /mnt", "no mounting in a container"),
            ("apt-get update -q && apt-get install -q -y --download-only python3-venv",
             "apt in a container reaches no packages"),
        ):  # fmt: skip
            try:
                machine.run(command) if command else machine.boot()
            except AssertionError as e:
                raise UnableError(f"{lack}: {_words(e)}") from e
        _look_at_registry(machine)
    finally:
        machine.remove()


def _look_at_registry(machine: Container) -> None:
    """Python's packages, by nothing but the settings that the container has."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"PATH": os.environ["PATH"], "HOME": folder, **proxies(),
               "PIP_CONFIG_FILE": str(machine.root / "etc/pip.conf")}  # fmt: skip
        pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "download"]
        got = subprocess.run(
            [*pip, "--no-deps", "-d", folder, "segno"], env=own, cwd=folder, check=False,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if got.returncode != 0:
            raise UnableError(f"pip reaches no packages: {got.stderr.strip()[-300:]}")


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[-300:]


def main(arguments: list[str]) -> int:
    """Print what is missing, if anything is."""
    try:
        look(*(arguments or ["bookworm"]))
    except (UnableError, subprocess.SubprocessError, OSError) as e:
        print(_words(e))
        return UNABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
