"""A minimal Debian's files, made once and kept, and the ways to the packages that it needs."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
from pathlib import Path

from tests.appliance import groups

CACHE = Path("/var/cache/edgecase-appliance")
PIP_CACHE = CACHE / "pip"
"""What pip has fetched for a container, for the next one."""
INCLUDE = "systemd,systemd-sysv,dbus,udev,ca-certificates,procps,iproute2,util-linux"
SLOW = "python3-venv,libgomp1"
"""What install.sh would add under emulation at every run; there it belongs to the base."""
ALONE = ("unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child")
"""A command's mounts and processes go with it, however it ends."""


def base(release: str = "bookworm", architecture: str = "amd64") -> Path:
    """A minimal Debian's files, made once (some minutes) and kept."""
    folder = CACHE / f"{release}-{architecture}"
    if not (folder / ".done").exists():
        sweep()
        made = CACHE / f"edgecase-base-{os.getpid()}"
        made.mkdir(parents=True)
        said = subprocess.check_output(["apt-get", "indextargets", "--format", "$(REPO_URI)"])
        foreign = architecture != "amd64"
        include = f"{INCLUDE},{SLOW}" if foreign else INCLUDE
        subprocess.run(
            [*ALONE, "--mount-proc", "debootstrap", f"--arch={architecture}", "--variant=minbase",
             f"--include={include}", *(["--foreign"] if foreign else []),
             release, made, said.decode().split()[0]],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if foreign:  # its packages' own scripts, emulated
            subprocess.run(
                [*ALONE, f"--mount-proc={made}/proc",
                 "chroot", made, "/debootstrap/debootstrap", "--second-stage"],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        (made / ".done").touch()
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)  # whole or not at all, also where two make it at once
    return folder


def sweep() -> None:
    """Remove what processes that are gone have left on this machine: they were killed."""
    for left in CACHE.glob("edgecase-*"):
        if not belongs_to_somebody(left.name):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
    for name in groups.names():
        if not belongs_to_somebody(name):
            groups.remove(name)


def belongs_to_somebody(name: str) -> bool:
    """Whether the process whose number is in the name runs."""
    numbers = [word for word in name.split("-") if word.isdigit()]
    return not numbers or Path(f"/proc/{numbers[0]}").exists()


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
    own = _codename()
    for each in (etc / "apt").glob("sources.list*/*.sources"):
        each.write_text(each.read_text().replace(own, release))
    for file in ("resolv.conf", "hosts", "ssl/certs/ca-certificates.crt"):
        shutil.copyfile(f"/etc/{file}", etc / file)
    keep = _pip_settings()
    with (etc / "pip.conf").open("w") as opened:
        keep.write(opened)
    PIP_CACHE.mkdir(parents=True, exist_ok=True)
    binds = [f"--bind={PIP_CACHE}:/root/.cache/pip"]
    for option in ("find-links", "extra-index-url", "index-url"):
        for word in keep.get("global", option, fallback="").split():
            folder = Path(word.removeprefix("file://"))
            folder = folder.parent if folder.name == "simple" else folder  # with its files
            if folder.is_dir():
                (root / folder.relative_to("/")).mkdir(parents=True, exist_ok=True)
                binds.append(f"--bind-ro={folder}")
    return binds


def proxies() -> dict[str, str]:
    """Of this machine's environment, what says by which way the network is reached."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    return {k: v for k, v in os.environ.items() if k.lower() in names}


def _pip_settings() -> configparser.RawConfigParser:
    """This machine's; what its environment says of them goes before its files."""
    keep = configparser.RawConfigParser()
    files = ["/etc/pip.conf", "~/.config/pip/pip.conf", os.environ.get("PIP_CONFIG_FILE", "")]
    keep.read([Path(file).expanduser() for file in files if file])
    if not keep.has_section("global"):
        keep.add_section("global")
    for option in ("find-links", "extra-index-url", "index-url", "trusted-host"):
        said = os.environ.get(f"PIP_{option.upper().replace('-', '_')}")
        if said:
            keep.set("global", option, said)
    return keep


def _codename() -> str:
    lines = Path("/etc/os-release").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("VERSION_CODENAME="))
