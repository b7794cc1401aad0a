"""A container's vision worker in a control group whose memory is nearly used up."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.appliance.device import pid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.appliance.container import Container

VERSION_1 = Path("/sys/fs/cgroup/memory")
VERSION_2 = Path("/sys/fs/cgroup")
WORKER = "edge.adapters.vision.worker"


def have_worker_killed(machine: Container, take: Callable[[], object], within_s: float) -> None:
    """Leave it too little memory for a photo: it alone is killed, and another one judges.

    Args:
        machine: where a device runs.
        take: has a photo judged, or raises.
        within_s: for each of the two.
    """
    restarts = "systemctl show -p NRestarts --value edgecase"
    before = pid(machine), machine.run(restarts)
    worker = pid_here(machine, WORKER)
    with squeezed(worker, megabytes=4) as killed:
        end = time.monotonic() + within_s
        while not killed():
            assert time.monotonic() < end, "the kernel lets it have more than it may"
            _done(take)
    end = time.monotonic() + within_s
    while not _done(take):
        assert time.monotonic() < end
        time.sleep(0.5)
    assert pid_here(machine, WORKER) != worker
    assert (pid(machine), machine.run(restarts)) == before, "the daemon outlives it"


def pid_here(machine: Container, command: str) -> int:
    """Of a program in the container with these words in its command, as this machine counts."""
    inside = Path(f"/proc/{machine.leader()}/ns/pid").readlink()
    found = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and _command(process, inside).find(command) >= 0
    ]
    assert len(found) == 1, found
    return found[0]


@contextmanager
def squeezed(process: int, megabytes: int) -> Iterator[Callable[[], int]]:
    """Let it take so much more memory and no more: then the kernel kills it.

    Yields:
        what tells how many the kernel has killed there.
    """
    old = (VERSION_1 / "memory.limit_in_bytes").exists()
    group = (VERSION_1 if old else VERSION_2) / f"edgecase-test-{os.getpid()}"
    group.mkdir()
    try:
        limit = "memory.limit_in_bytes" if old else "memory.max"
        (group / limit).write_text(str(megabytes << 20))
        (group / "cgroup.procs").write_text(str(process))
        events = group / ("memory.oom_control" if old else "memory.events")
        yield lambda: int(_value(events, "oom_kill"))
    finally:
        _leave(group)


def _done(take: Callable[[], object]) -> bool:
    with suppress(OSError, subprocess.CalledProcessError):  # 503: this photo can't be judged
        take()
        return True
    return False


def _command(process: Path, inside: Path) -> str:
    try:
        there = (process / "ns" / "pid").readlink() == inside
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode() if there else ""
    except OSError:  # gone meanwhile
        return ""


def _value(file: Path, key: str) -> str:
    return dict(line.split() for line in file.read_text().splitlines())[key]


def _leave(group: Path) -> None:
    """Whoever is in it goes back, and it is removed."""
    end = time.monotonic() + 10
    while True:
        for process in (group / "cgroup.procs").read_text().split():
            (group.parent / "cgroup.procs").write_text(process)
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
