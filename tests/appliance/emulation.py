"""The Pi's processor on another one: QEMU's user emulation, for as long as a test lasts."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.appliance.base import CACHE
from tests.appliance.container import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PI_4, PI_5 = "cortex-a72", "cortex-a76"
"""Their processors; the first has no dot products, and is the least that EdgeCase has to run on."""
RELEASE = "trixie"
"""Debian's whose QEMU is taken; ONNX Runtime dies at import in bookworm's."""
BINFMT = Path("/proc/sys/fs/binfmt_misc")
NAME = "edgecase-arm64"
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
GLIBC = range(36, 16, -1)
"""Minor versions of glibc 2 that bookworm's, 2.36, can stand in for."""


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
    try:
        (BINFMT / "register").write_text(f":{NAME}:M::{MAGIC}:{MASK}:{_qemu()}:OCFP")
        try:
            yield
        finally:
            (BINFMT / NAME).write_text("-1")
    finally:
        if mounted:
            subprocess.run(["umount", BINFMT], check=True)


def wheels(folder: Path) -> None:
    """Fetch what the device's lock file names, for bookworm's Python on 64-bit Arm.

    This machine's pip does it, which is much faster than an emulated one. A package without a
    wheel ends it: nothing may be compiled on a Pi.
    """
    tags = [f"--platform=manylinux_2_{minor}_aarch64" for minor in GLIBC]
    pip = ["python3", "-m", "pip", "--disable-pip-version-check", "download", "-q", "-d", folder,
           "--only-binary=:all:", "--no-deps", "--implementation=cp", "--python-version=3.11",
           "--abi=cp311", "--abi=abi3", "--abi=none", "--platform=manylinux2014_aarch64",
           *tags]  # fmt: skip
    for wanted in (["--require-hashes", "-r", ROOT / "requirements" / "edge.lock"],
                   ["setuptools>=77"]):  # fmt: skip
        subprocess.run([*pip, *wanted], check=True, capture_output=True)


def _qemu() -> Path:
    """Its one file; apt fetches it once and checks it, by lists that aren't this machine's."""
    folder = CACHE / f"qemu-{RELEASE}"
    program = folder / "usr" / "bin" / "qemu-aarch64"
    if program.exists():
        return program
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    mirror = subprocess.check_output(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"], text=True
    )
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    debian = next(uri for uri in mirror.split() if "security" not in uri)
    (folder / "sources.list").write_text(f"deb [signed-by={keyring}] {debian} {RELEASE} main\n")
    apt = ["apt-get", "-qq", "-o", f"Dir::Etc::SourceList={folder}/sources.list",
           "-o", "Dir::Etc::SourceParts=-", "-o", f"Dir::State::Lists={folder}/lists",
           "-o", f"Dir::Cache={folder}", "-o", "APT::Sandbox::User=root"]  # fmt: skip
    for command in (["update"], ["download", "qemu-user"]):
        subprocess.run([*apt, *command], cwd=folder, check=True, capture_output=True)
    package = next(folder.glob("qemu-user_*.deb"))
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    package.unlink()
    return program
