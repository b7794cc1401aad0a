"""A machine with a kernel of its own, emulated: what a container can't have is there.

Control groups that limit memory, a camera that the kernel makes (`vivid`), a hardware watchdog
that resets the machine. QEMU emulates the processor, so that nothing else is needed; it is many
times slower than this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from tests.appliance.base import ALONE, CACHE, base, bring_roads, proxies, sweep
from tests.appliance.container import PATH, copy_of_checkout
from tests.appliance.device import PORT
from tests.e2e.running import free_port

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = "linux-image-amd64 initramfs-tools zstd openssh-server python3-venv libgomp1"
"""Beside the base: its kernel, and what install.sh would fetch; the machine has no network."""
MEMORY_MB = 1024
"""Of the smallest Raspberry Pi 4; install.sh warns below 900."""
DISK = "4G"
NETWORK = "[Match]\nType=ether\n[Network]\nAddress=10.0.2.15/24\n"
"""Where QEMU's user network expects the guest."""
KERNEL = "root=/dev/vda rw console=ttyS0 panic=0 net.ifnames=0 quiet"
"""`panic=0`: a kernel that has crashed stands still for ever, unless the watchdog looks."""
FILES = {
    "etc/systemd/network/80-machine.network": NETWORK,
    "etc/modules-load.d/vivid.conf": "vivid\n",
    "etc/modprobe.d/vivid.conf": "options vivid n_devs=1 node_types=0x1\n",  # one, to take photos
}
WITH_US = ("setpriv", "--pdeathsig=KILL")
"""A command ends with the process that started it, however that one ends."""
BOOT_S = 300
"""Until its ssh answers."""
GRACE_S = 60
"""Until it has shut down."""


def base_with_kernel(release: str) -> Path:
    """A Debian's files with a kernel and an ssh server, made once (some minutes) and kept."""
    folder = CACHE / f"{release}-amd64-kernel"
    if not (folder / ".done").exists():
        plain = base(release)
        made = CACHE / f"edgecase-kernel-{os.getpid()}"
        subprocess.run(["cp", "-a", "--reflink=auto", plain, made], check=True)
        (made / "etc/initramfs-tools").mkdir()
        # A Pi's watchdog is built in; Debian would load this one only when it is named.
        (made / "etc/initramfs-tools/modules").write_text("i6300esb\n")
        for name, text in FILES.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_text(text)
        enable = "systemctl enable systemd-networkd; systemctl mask systemd-networkd-wait-online"
        install = f"apt-get update -q; apt-get install -y -q --no-install-recommends {PACKAGES}"
        _inside(made, bring_roads(made, release), f"{install}; {enable}")
        made.rename(folder)  # whole or not at all
    return folder


def _inside(root: Path, binds: list[str], script: str) -> str:
    """What a script prints in these files, before they are a machine: at full speed."""
    environment = {"DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8", "PATH": PATH}
    done = subprocess.run(
        [*WITH_US, *ALONE, "--mount-proc", "systemd-nspawn", "-q", "-D", root, "--as-pid2",
         "--register=no", "--keep-unit", "--pipe", "--resolv-conf=off", f"--machine={root.name}",
         *(f"--setenv={name}={value}" for name, value in {**environment, **proxies()}.items()),
         *binds, "bash", "-ec", script],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    text = done.stdout.decode()
    assert done.returncode == 0, text[-4000:]
    return text


class VirtualMachine:
    """One machine with EdgeCase installed; only this one reaches it, by ssh."""

    def __init__(self, folder: Path, settings: str, release: str) -> None:
        """Make its disk: a Debian, on which install.sh has been run as in the making of an image.

        Args:
            folder: empty, for the disk.
            settings: added to edge.toml.
            release: Debian's.
        """
        self.folder = folder
        self._port = free_port()
        self._qemu: subprocess.Popen[bytes] | None = None
        self._link: subprocess.Popen[bytes] | None = None
        sweep()
        root = folder / f"machine-{release}"
        subprocess.run(["cp", "-a", "--reflink=auto", base_with_kernel(release), root], check=True)
        self._let_in(root)
        copy_of_checkout(root / "src")
        # With /run/lock, which systemd makes where it runs.
        said = _inside(root, bring_roads(root, release), "mkdir -p /run/lock; /src/install.sh")
        assert "✗" not in said, said
        with (root / "etc/edgecase/edge.toml").open("a") as file:
            file.write(settings)
        for name in ("vmlinuz", "initrd.img"):
            shutil.copyfile(next((root / "boot").glob(f"{name}-*")), folder / name)
        disk = ["mke2fs", "-q", "-t", "ext4", "-d", root, folder / "disk.img", DISK]
        subprocess.run(disk, check=True)
        shutil.rmtree(root)

    def boot(self) -> None:
        """Start it; it can be talked to when this returns."""
        network = f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self._port}-:22"
        self._qemu = subprocess.Popen(
            [*WITH_US, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max",
             "-smp", "2", "-m", str(MEMORY_MB), "-nodefaults", "-no-user-config",
             "-display", "none", "-monitor", "none",
             "-serial", f"file:{self.folder / 'console.log'}",
             "-kernel", self.folder / "vmlinuz", "-initrd", self.folder / "initrd.img",
             "-append", KERNEL,
             "-drive", f"if=virtio,format=raw,cache=unsafe,file={self.folder / 'disk.img'}",
             "-device", "i6300esb", "-action", "watchdog=reset",
             "-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile=",
             "-device", "virtio-rng-pci"],
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.connect()

    def connect(self) -> None:
        """Wait until it answers: after a start, and after it has started itself again."""
        if self._link is not None:  # one that still hopes ends by itself
            self._link.wait()
        end = time.monotonic() + BOOT_S
        while not self._linked():
            assert time.monotonic() < end, self.console()
            time.sleep(1)

    def run(self, command: str, *, check: bool = True, code: int = 0) -> str:
        """What a command prints there, both streams; it has to end with `code`."""
        done = subprocess.run(
            [*self._ssh(), command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        text = done.stdout.decode()
        assert not check or done.returncode == code, f"{command}: {done.returncode}\n{text}"
        return text

    def console(self) -> str:
        """The end of what its kernel and systemd said."""
        return (self.folder / "console.log").read_text(errors="replace")[-4000:]

    def remove(self) -> None:
        """Stop it, and forget its disk."""
        if self._qemu is not None:
            self.run("systemctl poweroff --no-block", check=False)
            try:
                self._qemu.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._qemu.kill()
                self._qemu.wait()
        self._hang_up()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _let_in(self, root: Path) -> None:
        """Have its root trust a key that is made for it."""
        key = self.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(key.with_suffix(".pub"), root / "root/.ssh/authorized_keys")

    def _linked(self) -> bool:
        """Whether a connection is up, which all commands share; begins one where there is none."""
        if self._link is None or self._link.poll() is not None:
            ports = f"127.0.0.1:{PORT}:127.0.0.1:8000"
            self._link = subprocess.Popen(
                self._ssh("-M", "-N", "-o", "ExitOnForwardFailure=yes", "-L", ports),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        check = subprocess.run(self._ssh("-O", "check"), capture_output=True, check=False)
        return check.returncode == 0

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.kill()
            self._link.wait()
        self._link = None

    def _ssh(self, *arguments: str) -> list[str]:
        """The command line; a machine that stands still is noticed after half a minute."""
        options = [
            "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR",
            "ConnectTimeout=20", "ServerAliveInterval=10", "ServerAliveCountMax=3",
            f"ControlPath={self.folder / 'link'}",
        ]  # fmt: skip
        return ["ssh", "-F", "none", "-i", str(self.folder / "key"), "-p", str(self._port),
                *(word for option in options for word in ("-o", option)),
                *arguments, "root@127.0.0.1"]  # fmt: skip
