"""A device in a network of its own that leads nowhere, and a clock without a battery."""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.running import Device

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBC = ctypes.CDLL(None, use_errno=True)


class LonelyDevice(Device):
    """A daemon that reaches nobody, nor anybody it, but for who goes into its network."""

    prefix = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")

    def ask(self, path: str, method: str = "GET", photo: Path | None = None) -> tuple[int, Any]:
        """One request from within its network."""
        try:
            with inside(self.process.pid):
                return super().ask(path, method, photo)
        except OSError:  # it has not come so far
            return 0, {}


@contextmanager
def inside(pid: int) -> Iterator[None]:
    """The calling thread is in the network of that process."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        _enter(there)
        yield
    finally:
        _enter(own)
        os.close(own)
        os.close(there)


def _enter(network: int) -> None:
    if LIBC.setns(network, 0):
        raise OSError(ctypes.get_errno(), "setns")


def started_in(moment: str) -> dict[str, str]:
    """The environment of a process that believes it began at `moment` (YYYY-MM-DD hh:mm:ss)."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "apt-get install faketime"
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"@{moment}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }
