"""A Debian with a real systemd, booted in a container: the machine that install.sh is tried on."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.appliance import groups
from tests.appliance.base import ALONE, CACHE, base, bring_roads, proxies, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
RELEASES = ("bookworm", "trixie")
"""Debian's that install.sh takes; the first is tried where nothing else is asked for."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_S = 120
"""For systemd to come up, before the machine counts as one that doesn't."""
_NUMBERS = count(1)
"""Of the containers of this process."""


def copy_of_checkout(folder: Path) -> Path:
    """What git knows of it: somebody may work in it while this runs, and nobody needs its .venv."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.check_output(listed, cwd=ROOT)
    packed = subprocess.run(
        ["tar", "-c", "--null", "-T", "-"], cwd=ROOT, input=names, check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
    return folder


class Container:
    """One machine. It shares the network of the one that tests, or has none at all.

    It ends with the process that started it, however that one ends.
    """

    def __init__(
        self,
        devices: Mapping[Path, Path],
        architecture: str = "amd64",
        environment: Mapping[str, str] = MappingProxyType({}),
        *,
        release: str = RELEASES[0],
        online: bool = True,
    ) -> None:
        """Copy the base; `devices` and folders (here → there) can be seen in it.

        Each of its programs has `environment`. One that isn't `online` has an empty network, and
        knows no way to any package.
        """
        sweep()
        base_of_it = base(release, architecture)
        self.name = f"edgecase-{release}-{architecture}-{os.getpid()}-{next(_NUMBERS)}"
        self.root = CACHE / self.name
        self._log = CACHE / f"{self.name}-log"
        self._process: subprocess.Popen[bytes] | None = None
        self._alone: Sequence[str | Path] = (*ALONE, "--mount-proc")
        self._suppress_sync = True
        subprocess.run(["cp", "-a", "--reflink=auto", base_of_it, self.root], check=True)
        self._source = copy_of_checkout(CACHE / f"{self.name}-src")
        self._options = [f"--bind={here}:{there}" for here, there in devices.items()]
        self._options += bring_roads(self.root, release) if online else ["--private-network"]
        if environment:
            self._hand_down(environment)
        own = {**environment, **(proxies() if online else {})}
        self._environment = [f"{name}={value}" for name, value in own.items()]

    def boot(self) -> None:
        """Start it; it is up when this returns.

        Nothing waits for the disk (no sync arrives there) unless its power is to be cut.
        """
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # Of a killed systemd-nspawn the container would live on, but not of a namespace.
                ["setpriv", "--pdeathsig=KILL", *groups.enter(self.name), *self._alone,
                 "systemd-nspawn", "-D", self.root, "--register=no", "--keep-unit", "--boot",
                 f"--machine={self.name}", "--resolv-conf=off",
                 f"--suppress-sync={self._suppress_sync}", f"--bind-ro={self._source}:/src",
                 *self._options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                # Trixie's systemd doesn't start where only version 1 of the control groups is.
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )  # fmt: skip
        said, end = "", time.monotonic() + BOOT_S
        while time.monotonic() < end and self._process.poll() is None:
            time.sleep(0.5)
            said = self.run("systemctl is-system-running", check=False).strip()
            if said in ("running", "degraded"):
                return
        raise AssertionError(f"systemd does not come up ({said}): {self._last_words()}")

    def power_off(self) -> None:
        """Stop it as its power button would."""
        if self._process is None:
            return
        self.run("systemctl poweroff --no-block", check=False)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End everything in it at once, as when its power is cut; files keep what was written."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        groups.remove(self.name)  # which waits until they are gone

    def remove(self) -> None:
        """Forget it, whatever it is doing."""
        self.kill()
        groups.remove(self.name)
        self._log.unlink(missing_ok=True)
        subprocess.run(["rm", "-rf", "--one-file-system", self.root, self._source], check=False)

    def run(self, command: str, *, check: bool = True, code: int = 0) -> str:
        """What a command prints there, both streams; it has to end with `code`."""
        done = subprocess.run(
            ["nsenter", "-t", self.leader(), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w",
             "env", "-i", "HOME=/root", f"PATH={PATH}", "LANG=C.UTF-8",
             *self._environment, "bash", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        text = done.stdout.decode()
        assert not check or done.returncode == code, f"{command}: {done.returncode}\n{text}"
        return text

    def leader(self) -> str:
        """Its first process, as this machine counts; "0" where there is none."""
        assert self._process is not None
        child = str(self._process.pid)
        for _ in ("systemd-nspawn", "systemd"):
            children = Path(f"/proc/{child}/task/{child}/children")
            child = next(iter(children.read_text().split()), "0") if children.exists() else "0"
        return child

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return " ".join([line.strip() for line in lines if line.strip()][-2:])

    def _hand_down(self, environment: Mapping[str, str]) -> None:
        """To services, which don't have the environment of systemd itself."""
        folder = self.root / "etc/systemd/system.conf.d"
        folder.mkdir(parents=True, exist_ok=True)
        own = " ".join(f"{name}={value}" for name, value in environment.items())
        (folder / "environment.conf").write_text(f"[Manager]\nDefaultEnvironment={own}\n")
