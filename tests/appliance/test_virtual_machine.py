"""The device in a machine with a kernel of its own: its camera, its limits, its watchdogs.

A Debian with Debian's kernel in QEMU; the tests go in order. What they show is that the parts
work together; they say nothing of speed. The last one has the machine start anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from tests.appliance.device import PHOTO, PORT, ask, log_of, pid
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
WRITER = f"{GROUP}/writer"
SHELL = "/sys/fs/cgroup/system.slice/ssh.service"
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
def pi(release: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    made = VirtualMachine(tmp_path_factory.mktemp("machine"), SETTINGS, release)
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


def killed(machine: VirtualMachine, group: str) -> int:
    """Processes of a group that the kernel has ended for want of memory."""
    events = setting(machine, f"{group}/memory.events").splitlines()
    return int(dict(line.split() for line in events)["oom_kill"])


def programs(machine: VirtualMachine, group: str) -> set[str]:
    """The numbers of those that are in a group."""
    return set(setting(machine, f"{group}/cgroup.procs").split())


def share(machine: VirtualMachine, group: str, beside: str) -> float:
    """Of a processor, that one program of a group gets while the other group wants everything."""
    said = machine.run(
        f"for i in $(seq {BUSY}); do"
        f" (echo $BASHPID >{beside}/cgroup.procs; while :; do :; done) & done; sleep 1;"
        f" (echo $BASHPID >{group}/cgroup.procs; exec python3 -c '{BURN}'); kill $(jobs -p)"
    )
    return float(said.split()[0])


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


def test_without_dot_products_the_detector_finds_what_it_finds_with_them(
    pi: VirtualMachine,
) -> None:
    flags = pi.run("cat /proc/cpuinfo").split()
    assert "avx2" in flags
    assert not {"avx_vnni", "avx512_vnni"} & set(flags)
    said = subprocess.check_output([sys.executable, "-m", "edge", "check", "--json", PHOTO])
    (here,) = json.loads(said)
    there = ask("/check-image", PHOTO, within_s=ANSWER_S)
    words = [[(p["label"], p["source"]) for p in one["predictions"]] for one in (here, there)]
    assert words[0] == words[1] != [], log_of(pi, "edgecase")[-6000:]
    for mine, theirs in zip(here["predictions"], there["predictions"], strict=True):
        assert theirs["confidence"] == pytest.approx(mine["confidence"], abs=0.01)


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


def test_each_kind_of_child_has_a_group_and_limits_of_its_own(pi: VirtualMachine) -> None:
    assert pid(pi) in programs(pi, "daemon")
    assert str(ask("/health")["vision"]["pid"]) in programs(pi, "vision")
    take_photo()  # which gives the writer something to do
    until(lambda: programs(pi, "writer"))
    assert programs(pi, ".") == set()
    for group, weight in (("vision", 100), ("writer", 10)):
        limit, most = (int(setting(pi, f"{name}/memory.max")) for name in (group, "."))
        assert limit == pytest.approx(0.75 * most, rel=0.01)
        assert setting(pi, f"{group}/cpu.weight") == str(weight)


def test_a_worker_that_takes_over_is_in_the_group_too(pi: VirtualMachine) -> None:
    before = ask("/health")["vision"]["pid"]
    pi.run("systemctl reload edgecase")

    def took_over() -> bool:
        if "not reloaded" in pi.run("systemctl show -p StatusText edgecase"):
            pi.run("systemctl reload edgecase")  # too slow in its trial, where others work, too
        return another_looks(before)

    until(took_over)
    assert str(ask("/health")["vision"]["pid"]) in programs(pi, "vision")


def test_the_service_can_write_to_no_group_but_its_own(pi: VirtualMachine) -> None:
    inside = f"nsenter -t {pid(pi)} -m -S $(id -u edgecase) sh -c"
    pi.run(f"{inside} 'test -w {GROUP}/cgroup.procs'")
    for above in ("/sys/fs/cgroup", "/sys/fs/cgroup/system.slice"):
        said = pi.run(f"{inside} 'echo 0 >{above}/cgroup.procs'", code=2)
        assert "Read-only file system" in said


def test_a_worker_that_takes_too_much_memory_dies_alone_and_the_photo_is_answered(
    pi: VirtualMachine,
) -> None:
    site = pi.run("echo /opt/edgecase/current/lib/python3*/site-packages").strip()
    pi.run(f"cat >{site}/hungry.pth <<'END'\n{HUNGRY}\nEND")
    before = ask("/health")["vision"]["pid"]
    pi.run(f"kill -KILL {before}")  # the next one reads the file
    until(lambda: another_looks(before))
    daemon, deaths = pid(pi), killed(pi, "vision")
    hungry = starve(pi)
    case = take_photo()
    assert case["id"] in [one["id"] for one in ask("/cases")["cases"]]
    assert killed(pi, "vision") == deaths + 1
    assert killed(pi, "daemon") == 0
    kernel = pi.run("journalctl -k -o cat --no-pager")
    assert f"Killed process {hungry}" in kernel
    assert f"oom_memcg={GROUP.removeprefix('/sys/fs/cgroup')}/vision" in kernel, "that was full"
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
    beside_service, beside_itself = share(pi, SHELL, WRITER), share(pi, SHELL, SHELL)
    print(f"a shell's program gets {beside_service:.2f} of a processor beside {BUSY} of the "
          f"service, {beside_itself:.2f} beside {BUSY} of its own group")  # fmt: skip
    assert beside_service > 0.5
    assert beside_itself < 0.35, "they did want everything"


def test_photos_get_their_share_while_the_writer_wants_everything(pi: VirtualMachine) -> None:
    beside_writer, beside_itself = share(pi, f"{GROUP}/vision", WRITER), share(pi, WRITER, WRITER)
    print(f"a program in the group of photos gets {beside_writer:.2f} of a processor beside {BUSY} "
          f"of the writer, {beside_itself:.2f} in the writer's own group")  # fmt: skip
    assert beside_writer > 0.5
    assert beside_itself < 0.35, "they did want everything"


def test_a_loop_that_stands_still_is_started_again(pi: VirtualMachine) -> None:
    assert pi.run("systemctl show -p WatchdogUSec --value edgecase").strip() == "1min"
    before, begin = pid(pi), time.monotonic()
    pi.run(f"kill -STOP {before}")
    until(lambda: pid(pi) not in (before, "0"))
    print(f"another process {time.monotonic() - begin:.0f} s after the loop stood still")
    assert "watchdog" in log_of(pi, "edgecase").lower()
    ready(pi)
    assert pid(pi) in programs(pi, "daemon"), "what starts again sorts itself again"


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
