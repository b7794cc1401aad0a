"""A Debian with a real systemd, booted in a container: the machine that install.sh is tried on."""

from __future__ import annotations

import configparser
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
CACHE = Path("/var/cache/edgecase-appliance")
INCLUDE = "systemd,systemd-sysv,dbus,udev,ca-certificates,procps,iproute2,util-linux"
SLOW = "python3-venv,libgomp1"
"""What install.sh would add under emulation at every run; there it belongs to the base."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def base(release: str = "bookworm", architecture: str = "amd64") -> Path:
    """A minimal Debian's files, made once (some minutes) and kept."""
    folder = CACHE / f"{release}-{architecture}"
    if not (folder / ".done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        said = subprocess.check_output(["apt-get", "indextargets", "--format", "$(REPO_URI)"])
        foreign = architecture != "amd64"
        include = f"{INCLUDE},{SLOW}" if foreign else INCLUDE
        subprocess.run(
            ["debootstrap", f"--arch={architecture}", "--variant=minbase", f"--include={include}",
             *(["--foreign"] if foreign else []), release, folder, said.decode().split()[0]],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if foreign:  # its packages' own scripts, emulated; the mounts go with it, however it ends
            subprocess.run(
                ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child",
                 f"--mount-proc={folder}/proc",
                 "chroot", folder, "/debootstrap/debootstrap", "--second-stage"],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        (folder / ".done").touch()
    return folder


def bring_roads(root: Path, release: str = "bookworm") -> list[str]:
    """How this machine reaches Debian's and Python's packages; install.sh knows none of it.

    Args:
        root: the container's files.
        release: Debian's, in the place of this machine's own.

    Returns:
        what `systemd-nspawn` has to bind for it.
    """
    etc = root / "etc"
    shutil.rmtree(etc / "apt")
    shutil.copytree("/etc/apt", etc / "apt")
    for each in (etc / "apt" / "apt.conf.d").iterdir():
        if any(word in each.read_text() for word in ("/usr/bin/", "/usr/lib/", "rm -f")):
            each.unlink()  # hooks of programs that aren't there
    for each in (etc / "apt").glob("sources.list*/*.sources"):
        each.write_text(each.read_text().replace("bookworm", release))
    for file in ("resolv.conf", "hosts", "ssl/certs/ca-certificates.crt"):
        shutil.copyfile(f"/etc/{file}", etc / file)
    keep = configparser.RawConfigParser()
    keep.read(["/etc/pip.conf", Path("~/.config/pip/pip.conf").expanduser()])
    with (etc / "pip.conf").open("w") as opened:
        keep.write(opened)
    binds: list[str] = []
    for option in ("find-links", "extra-index-url", "index-url"):
        for word in keep.get("global", option, fallback="").split():
            folder = Path(word.removeprefix("file://"))
            folder = folder.parent if folder.name == "simple" else folder  # with its files
            if folder.is_dir():
                (root / folder.relative_to("/")).mkdir(parents=True, exist_ok=True)
                binds.append(f"--bind-ro={folder}")
    return binds


def _copy_of_checkout(folder: Path) -> Path:
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
    """One machine. It shares the network of the one that tests."""

    def __init__(
        self,
        devices: Mapping[Path, Path],
        architecture: str = "amd64",
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Copy the base; `devices` and folders (here → there) can be seen in it.

        Each of its programs has `environment`.
        """
        self.name = f"edgecase-{architecture}-{os.getpid()}"
        self.root = CACHE / self.name
        shutil.rmtree(self.root, ignore_errors=True)
        subprocess.run(
            ["cp", "-a", "--reflink=auto", base(architecture=architecture), self.root], check=True
        )
        self._source = _copy_of_checkout(CACHE / f"{self.name}-src")
        self._binds = [f"--bind={here}:{there}" for here, there in devices.items()]
        self._binds += bring_roads(self.root)
        self._environment = [f"{name}={value}" for name, value in environment.items()]
        if environment:
            self._hand_down()
        self._process: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Start it; it is up when this returns."""
        self._process = subprocess.Popen(
            ["systemd-nspawn", "-D", self.root, "--register=no", "--keep-unit", "--boot",
             f"--machine={self.name}", "--resolv-conf=off",
             f"--bind-ro={self._source}:/src", *self._binds],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(120):
            time.sleep(0.5)
            said = self.run("systemctl is-system-running", check=False).strip()
            if said in ("running", "degraded"):
                return
        raise AssertionError(f"systemd does not come up: {said}")

    def power_off(self) -> None:
        """Stop it as its power button would."""
        if self._process is None:
            return
        self.run("systemctl poweroff --no-block", check=False)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Forget it."""
        self.power_off()
        for folder in (self.root, self._source):
            shutil.rmtree(folder, ignore_errors=True)

    def run(self, command: str, *, check: bool = True, code: int = 0) -> str:
        """What a command prints there, both streams; it has to end with `code`."""
        done = subprocess.run(
            ["nsenter", "-t", self._leader(), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w",
             "env", "-i", "HOME=/root", f"PATH={PATH}", "LANG=C.UTF-8",
             *self._environment, "bash", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        text = done.stdout.decode()
        assert not check or done.returncode == code, f"{command}: {done.returncode}\n{text}"
        return text

    def _leader(self) -> str:
        assert self._process is not None
        children = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        return Path(children).read_text().split()[0] if Path(children).exists() else "0"

    def _hand_down(self) -> None:
        """To services, which don't have the environment of systemd itself."""
        folder = self.root / "etc/systemd/system.conf.d"
        folder.mkdir(parents=True, exist_ok=True)
        own = f"[Manager]\nDefaultEnvironment={' '.join(self._environment)}\n"
        (folder / "environment.conf").write_text(own)
