"""A process stands back with all its threads."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from edge.adapters.vision import priority
from edge.adapters.vision.priority import BEHIND, set_niceness, standing_back

THREADS = """
import threading, time
for _ in range(3):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("here", flush=True)
time.sleep(60)
"""


def niceness(pid: int) -> set[int]:
    return {
        os.getpriority(os.PRIO_PROCESS, int(task.name))
        for task in Path(f"/proc/{pid}/task").iterdir()
    }


def test_every_thread_stands_back_and_not_only_the_first():
    with subprocess.Popen([sys.executable, "-c", THREADS], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        usual = os.getpriority(os.PRIO_PROCESS, 0)
        assert niceness(child.pid) == {usual}
        set_niceness(child.pid, 12)
        assert niceness(child.pid) == {12}
        child.kill()
    set_niceness(child.pid, 12)  # it is gone: nothing happens


@pytest.mark.parametrize(
    ("uid", "limit", "usual", "stands_back"),
    [
        (0, 0, 0, True),
        (1000, 0, 0, False),  # it could never come forward again
        (1000, 20, 0, True),  # LimitNICE=+0
        (1000, 20, -5, False),
        (1000, 20, 5, True),
        (1000, resource.RLIM_INFINITY, 0, True),
    ],
)
def test_only_who_may_come_forward_again_stands_back(monkeypatch, uid, limit, usual, stands_back):
    asked: list[int] = []
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(os, "getpriority", lambda *_: usual)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    monkeypatch.setattr(priority, "set_niceness", lambda _, niceness: asked.append(niceness))
    with standing_back(1):
        assert asked == ([usual + BEHIND] if stands_back else [])
    assert asked == ([usual + BEHIND, usual] if stands_back else [])
