"""A process stands back with all its threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from edge.adapters.vision.priority import set_niceness

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
