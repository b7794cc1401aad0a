"""The Pi's processor on another one: QEMU's user emulation, for as long as a test lasts."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.markers import Marker

from tests.appliance.base import CACHE, belongs_to_somebody
from tests.appliance.container import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PI_4, PI_5 = "cortex-a72", "cortex-a76"
"""Their processors; the first has no dot products, and is the least that EdgeCase has to run on."""
QEMU_OF = "forky"
"""Debian's whose QEMU is taken. Trixie's doesn't say in `statx` on which mount a file is, so that
trixie's systemd gives a service no root of its own; in bookworm's ONNX Runtime dies at import."""
NO_CREDENTIALS = "[Service]\nImportCredential=\nLoadCredential=\nSetCredential=\n"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
NAME = "edgecase-arm64-{process}"
"""Of what is registered; two runs at once have one each."""
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
PYTHON = {"bookworm": "3.11", "trixie": "3.13"}
"""Each Debian's own."""
GLIBC = {"bookworm": 36, "trixie": 41}
"""Each Debian's own, its minor version; it can stand in for older ones."""
OLDEST_GLIBC = 17
"""That a wheel for 64-bit Arm may ask for."""


@contextmanager
def emulated() -> Iterator[None]:
    """Have the kernel run 64-bit Arm's programs; what was changed for that is undone.

    The interpreter is opened here and now (flag F), so that no root file system needs one.
    """
    if os.uname().machine == "aarch64":
        yield
        return
    mounted = not (BINFMT / "register").exists()
    if mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], check=True)
    own = NAME.format(process=os.getpid())
    try:
        for left in BINFMT.glob(NAME.format(process="*")):
            if not belongs_to_somebody(left.name):  # its run was killed
                left.write_text("-1")
        (BINFMT / "register").write_text(f":{own}:M::{MAGIC}:{MASK}:{_qemu()}:OCFP")
        try:
            yield
        finally:
            (BINFMT / own).write_text("-1")
    finally:
        if mounted:
            subprocess.run(["umount", BINFMT], check=True)


def leave_out_credentials(root: Path) -> None:
    """Of every service: systemd makes a process with mounts of its own for them; QEMU refuses that.

    None of Debian's was given any here, and without this trixie's journal doesn't start.
    """
    folder = root / "etc/systemd/system/service.d"
    folder.mkdir(parents=True)
    (folder / "no-credentials.conf").write_text(NO_CREDENTIALS)


def wheels(folder: Path, release: str) -> None:
    """Fetch what the device's lock file names, for that Debian's Python on 64-bit Arm.

    This machine's pip does it, which is much faster than an emulated one. A package without a
    wheel ends it: nothing may be compiled on a Pi.
    """
    python = PYTHON[release]
    glibc = range(GLIBC[release], OLDEST_GLIBC - 1, -1)
    pip = ["python3", "-m", "pip", "--disable-pip-version-check", "download", "-q", "-d", folder,
           "--only-binary=:all:", "--no-deps", "--implementation=cp", f"--python-version={python}",
           f"--abi=cp{python.replace('.', '')}", "--abi=abi3", "--abi=none",
           *(f"--platform=manylinux_2_{minor}_aarch64" for minor in glibc),
           "--platform=manylinux2014_aarch64"]  # fmt: skip
    folder.mkdir(parents=True)
    lock = folder.with_suffix(".lock")
    lock.write_text(_lines_for(python, (ROOT / "requirements" / "edge.lock").read_text()))
    for wanted in (["--require-hashes", "-r", lock], ["setuptools>=77"]):
        subprocess.run([*pip, *wanted], check=True, capture_output=True)


def _lines_for(python: str, lock: str) -> str:
    """What is meant for that Python: pip goes by the one that it runs on itself."""
    kept = []
    there = {"python_full_version": f"{python}.0", "platform_machine": "aarch64"}
    for line in lock.replace("\\\n", "").splitlines():
        package, hashes, values = line.partition(" --hash")
        name, _, marker = package.partition(";")
        if not marker or Marker(marker).evaluate(there):
            kept.append(name + hashes + values)
    return "\n".join(kept)


def _qemu() -> Path:
    """Its one file; apt fetches it once and checks it, by lists that aren't this machine's."""
    folder = CACHE / f"qemu-{QEMU_OF}"
    program = folder / "usr" / "bin" / "qemu-aarch64"
    if program.exists():
        return program
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    mirror = subprocess.check_output(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], text=True
    )
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    debian = next(uri for uri in mirror.split() if "security" not in uri)
    (folder / "sources.list").write_text(f"deb [signed-by={keyring}] {debian} {QEMU_OF} main\n")
    apt = ["apt-get", "-qq", "-o", f"Dir::Etc::SourceList={folder}/sources.list",
           "-o", "Dir::Etc::SourceParts=-", "-o", f"Dir::State::Lists={folder}/lists",
           "-o", f"Dir::Cache={folder}", "-o", "APT::Sandbox::User=root"]  # fmt: skip
    for command in (["update"], ["download", "qemu-user"]):
        subprocess.run([*apt, *command], cwd=folder, check=True, capture_output=True)
    package = next(folder.glob("qemu-user_*.deb"))
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    package.unlink()
    return program
