"""The locks, tried in a process of their own."""

import json
import subprocess
import sys

import pytest

PROBE = """
import ctypes, json, os, resource, socket, sys
from edge.adapters.jail import confine
if sys.argv[1:] == ["nobody"]:
    os.setresuid(65534, 65534, 65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # its /proc is its own, as after a start
notes = confine(512)
found = {"notes": notes}
found["core"] = resource.getrlimit(resource.RLIMIT_CORE)
found["oom"] = open("/proc/self/oom_score_adj").read().strip()
status = open("/proc/self/status").read()
found["privileges"] = status.partition("NoNewPrivs:")[2].split()[0]
signal = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(signal))
found["dies_with_parent"] = signal.value
found["interfaces"] = [line.split(":")[0].strip() for line in open("/proc/self/net/dev")][2:]
try:
    socket.socket().connect(("192.0.2.1", 9))
except OSError as e:
    found["connect"] = e.strerror or str(e)
try:
    bytearray(600 << 20)
except MemoryError:
    found["memory"] = "limited"
print(json.dumps(found))
"""


@pytest.mark.parametrize("user", ["", "nobody"])
def test_the_locks_hold(user: str):
    command = [sys.executable, "-c", PROBE, *filter(None, [user])]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    if any("network" in note for note in found["notes"]):
        pytest.skip("this system permits no network namespace; the note says so")
    assert found == {
        "notes": [],
        "core": [0, 0],
        "oom": "500",
        "privileges": "1",
        "dies_with_parent": 9,
        "interfaces": ["lo"],
        "connect": "Network is unreachable",
        "memory": "limited",
    }
