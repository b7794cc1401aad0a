"""The device in a machine with a kernel of its own: its camera, its limits, its watchdogs.

A Debian with Debian's kernel in QEMU; the tests go in order. What they show is that the parts
work together; they say nothing of speed. The last one has the machine start anew.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from tests.appliance.device import PORT, ask, log_of, pid
from tests.appliance.virtual_machine import VirtualMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1200)]

SETTINGS = """
[camera]
kind = "v4l2"
width = 1280
height = 720
burst = 1
stall_s = 60

[vision]
deadline_s = 200
"""
"""The camera is the kernel's; what is a matter of seconds elsewhere takes minutes here."""
GROUP = "/sys/fs/cgroup/system.slice/edgecase.service"
BARS = [(1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1), (0, 0, 0)]
"""What `vivid` shows, from the left: how red, green and blue each bar is."""
HUNGRY = (
    "import signal, sys; 'edge.adapters.vision.worker' in sys.orig_argv and signal.signal("
    "signal.SIGUSR1, lambda *_: setattr(sys.modules['__main__'], '_inspected', "
    "lambda *_: [bytes([i % 255]) * 1_000_000 for i in range(1500)]))"
)
"""For a .pth file: a vision worker that gets SIGUSR1 takes 1.5 GB at its next photo."""
ANSWER_S = 300
"""For a photo: its worker dies, the next one starts."""
READY_S = 400
BURN = (
    "import time; b, c = time.monotonic(), time.process_time()\n"
    "while time.monotonic() < b + 5: pass\n"
    "print((time.process_time() - c) / (time.monotonic() - b))"
)
"""Prints which share of a processor one program gets that wants all of it."""
BUSY = 16
"""Programs that want all of the processors at once; there are two."""


@pytest.fixture(scope="module")
def pi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    made = VirtualMachine(tmp_path_factory.mktemp("machine"), SETTINGS)
    try:
        made.boot()
        ready(made)
        yield made
    finally:
        made.remove()


def ready(machine: VirtualMachine) -> None:
    until(lambda: machine.run("systemctl is-active edgecase", check=False).strip() == "active")


def until(holds: Callable[[], object], within_s: float = READY_S) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(2)


def setting(machine: VirtualMachine, name: str) -> str:
    return machine.run(f"cat {GROUP}/{name}").strip()


def killed(machine: VirtualMachine) -> int:
    """Processes of the service that the kernel has ended for want of memory."""
    events = dict(line.split() for line in setting(machine, "memory.events").splitlines())
    return int(events["oom_kill"])


def another_looks(than: int) -> bool:
    """Whether a vision worker with another number serves."""
    try:
        return ask("/health")["vision"]["pid"] not in (None, than)
    except urllib.error.HTTPError:  # it can't take photos just now
        return False


def take_photo() -> Any:
    return ask("/capture", method="POST", within_s=ANSWER_S)


def starve(machine: VirtualMachine) -> int:
    """Have the worker take too much at its next photo; gives its number."""
    worker: int = ask("/health")["vision"]["pid"]
    machine.run(f"kill -USR1 {worker}")
    return worker


def test_a_photo_of_the_camera_becomes_a_case(pi: VirtualMachine) -> None:
    health = ask("/health")
    assert health["camera"]["name"] == "v4l2 /dev/video0"
    assert health["vision"]["notes"] == [], "every lock of the vision worker holds in the unit"
    case = take_photo()
    assert [one["id"] for one in ask("/cases")["cases"]] == [case["id"]]
    url = f"http://127.0.0.1:{PORT}/cases/{case['id']}/image?variant=original"
    with urllib.request.urlopen(url, timeout=30) as answer:
        seen = cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    assert seen.shape == (720, 1280, 3)
    middles = [seen[600, round(1280 * (bar + 0.5) / len(BARS))] for bar in range(len(BARS))]
    assert [tuple(int(c > 90) for c in pixel[::-1]) for pixel in middles] == BARS


def test_the_limits_of_the_unit_are_in_force(pi: VirtualMachine) -> None:
    total = int(pi.run("awk '/^MemTotal/ { print $2 * 1024 }' /proc/meminfo"))
    assert int(setting(pi, "memory.max")) == pytest.approx(0.8 * total, rel=0.01)
    assert setting(pi, "cpu.weight") == "80"
    assert setting(pi, "pids.max") == "256"


def test_a_worker_that_takes_too_much_memory_dies_alone_and_the_photo_is_answered(
    pi: VirtualMachine,
) -> None:
    site = pi.run("echo /opt/edgecase/current/lib/python3*/site-packages").strip()
    pi.run(f"cat >{site}/hungry.pth <<'END'\n{HUNGRY}\nEND")
    before = ask("/health")["vision"]["pid"]
    pi.run(f"kill -KILL {before}")  # the next one reads the file
    until(lambda: another_looks(before))
    daemon, deaths = pid(pi), killed(pi)
    hungry = starve(pi)
    case = take_photo()
    assert case["id"] in [one["id"] for one in ask("/cases")["cases"]]
    assert killed(pi) == deaths + 1
    assert f"Killed process {hungry}" in pi.run("journalctl -k -o cat --no-pager")
    assert pid(pi) == daemon
    assert another_looks(hungry)
    said = log_of(pi, "edgecase")
    assert "killed by the OOM killer" in said
    assert "the vision worker is replaced" in said


def test_a_service_that_stops_for_want_of_memory_would_not_have_answered(
    pi: VirtualMachine,
) -> None:
    folder = "/run/systemd/system/edgecase.service.d"
    drop_in = f"mkdir -p {folder}; printf '[Service]\\nOOMPolicy=stop\\n' >{folder}/oom.conf"
    pi.run(f"{drop_in}; systemctl daemon-reload")
    daemon = pid(pi)
    starve(pi)
    with pytest.raises(OSError, match=r"Remote end closed|reset|HTTP Error 503"):
        take_photo()
    until(lambda: pid(pi) not in (daemon, "0"))
    assert "Failed with result 'oom-kill'" in log_of(pi, "edgecase")
    pi.run(f"rm -r {folder}; systemctl daemon-reload")
    ready(pi)


def test_a_shell_gets_its_share_while_the_service_wants_everything(pi: VirtualMachine) -> None:
    shares = []
    for group in (GROUP, "/sys/fs/cgroup/system.slice/ssh.service"):
        said = pi.run(
            f"for i in $(seq {BUSY}); do"
            f" (echo $BASHPID >{group}/cgroup.procs; while :; do :; done) & done;"
            f" sleep 1; python3 -c '{BURN}'; kill $(jobs -p)"
        )
        shares.append(float(said.split()[0]))
    print(f"one program's share of a processor beside {BUSY} of the service: {shares[0]:.2f},"
          f" of its own group: {shares[1]:.2f}")  # fmt: skip
    assert shares[0] > 0.5
    assert shares[1] < 0.35, "they did want everything"


def test_a_loop_that_stands_still_is_started_again(pi: VirtualMachine) -> None:
    assert pi.run("systemctl show -p WatchdogUSec --value edgecase").strip() == "1min"
    before, begin = pid(pi), time.monotonic()
    pi.run(f"kill -STOP {before}")
    until(lambda: pid(pi) not in (before, "0"))
    print(f"another process {time.monotonic() - begin:.0f} s after the loop stood still")
    assert "watchdog" in log_of(pi, "edgecase").lower()
    ready(pi)


def test_a_machine_that_stands_still_is_started_again_and_has_every_case(
    pi: VirtualMachine,
) -> None:
    show = "systemctl show -p RuntimeWatchdogUSec --value"
    assert pi.run(show).strip() in ("0", "infinity")
    assert "✓ hardware watchdog" in pi.run("/src/install.sh --watchdog")
    assert pi.run(show).strip() == "15s"
    cases = {one["id"] for one in ask("/cases")["cases"]}
    boot = "cat /proc/sys/kernel/random/boot_id"
    before, begin = pi.run(boot), time.monotonic()
    pi.run("echo c >/proc/sysrq-trigger", check=False)  # its kernel crashes, and stays so
    pi.connect()
    assert pi.run(boot) != before
    print(f"it answers again {time.monotonic() - begin:.0f} s after it stood still")
    ready(pi)
    assert cases
    assert {one["id"] for one in ask("/cases")["cases"]} == cases
