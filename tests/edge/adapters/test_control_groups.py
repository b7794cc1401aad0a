"""The sorting of children, in a folder that stands for the kernel's.

With a real kernel and systemd: `tests/appliance/test_virtual_machine.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edge.adapters.control_groups import (
    CHILDREN,
    ControlGroups,
    NoGroups,
    Share,
    group_of,
    is_delegated,
    limits_of,
    open_groups,
)

if TYPE_CHECKING:
    from pathlib import Path

CHILD = (sys.executable, "-c", "import os; print(os.getpid())")
MEBIBYTE = 1 << 20


class Kernel:
    """The control groups of a machine: one of a service, with this process in it."""

    def __init__(self, folder: Path, controllers: str = "cpu memory pids") -> None:
        self.root = folder
        self.service = folder / "system.slice" / "edgecase.service"
        self.service.mkdir(parents=True)
        self.own = folder / "self"
        self.own.write_text("0::/system.slice/edgecase.service\n")
        self.write("cgroup.procs", f"{os.getpid()}\n")
        self.write("cgroup.controllers", controllers)
        self.write("memory.max", str(800 * MEBIBYTE))

    def write(self, name: str, text: str) -> None:
        (self.service / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.service / name).read_text()

    def open(self, *, delegated: bool = True) -> ControlGroups | NoGroups:
        return open_groups(self.root, self.own, lambda _: delegated)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_the_daemon_moves_into_a_group_of_its_own_and_hands_limits_down(kernel: Kernel) -> None:
    assert isinstance(kernel.open(), ControlGroups)
    assert kernel.read("daemon/cgroup.procs") == "0"
    assert kernel.read("cgroup.subtree_control") == "+memory +cpu"


def test_each_kind_of_child_has_limits_below_the_services(kernel: Kernel) -> None:
    kernel.open()
    for name, share in CHILDREN.items():
        assert int(kernel.read(f"{name}/memory.max")) == 800 * MEBIBYTE * share.memory
        assert kernel.read(f"{name}/cpu.weight") == str(share.weight)
    assert not (kernel.service / "daemon" / "memory.max").exists()


def test_the_writer_stands_back_for_photos() -> None:
    assert CHILDREN["writer"].weight < CHILDREN["vision"].weight
    assert all(share.memory < 1 for share in CHILDREN.values()), "something is the daemon's"


def test_without_a_limit_of_memory_the_children_have_none() -> None:
    assert limits_of(Share(0.5, 10), "max", ["memory", "cpu"]) == {"cpu.weight": "10"}


def test_a_kernel_that_does_not_count_memory_still_shares_the_processor(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, "cpu pids")
    (kernel.service / "memory.max").unlink()
    assert isinstance(kernel.open(), ControlGroups)
    assert kernel.read("cgroup.subtree_control") == "+cpu"
    assert kernel.read("writer/cpu.weight") == "10"
    assert not (kernel.service / "writer" / "memory.max").exists()


def test_a_service_that_starts_again_finds_its_groups(kernel: Kernel) -> None:
    kernel.open()
    assert isinstance(kernel.open(), ControlGroups)


def test_a_group_that_is_not_handed_over_is_left_alone(kernel: Kernel) -> None:
    before = sorted(kernel.service.iterdir())
    groups = kernel.open(delegated=False)
    assert groups.inside("vision", CHILD) == CHILD
    assert sorted(kernel.service.iterdir()) == before


def test_a_group_with_other_programs_is_left_alone(kernel: Kernel) -> None:
    kernel.write("cgroup.procs", f"{os.getpid()}\n1\n")
    assert isinstance(kernel.open(), NoGroups)
    assert not (kernel.service / "daemon").exists()


def test_a_group_in_which_nothing_can_be_limited_is_left_alone(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, "pids")
    assert isinstance(kernel.open(), NoGroups)
    assert not (kernel.service / "daemon").exists()


def test_a_system_that_refuses_is_told_in_the_log_and_children_start_all_the_same(
    kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    (kernel.service / "vision").write_text("no folder can be made here")
    assert kernel.open().inside("vision", CHILD) == CHILD
    assert "File exists" in caplog.text


@pytest.mark.parametrize(
    "text", ["", "12:memory:/system.slice/edgecase.service\n", "0::/gone.service\n"]
)
def test_without_a_group_of_version_2_there_is_nothing_to_sort(tmp_path: Path, text: str) -> None:
    own = tmp_path / "self"
    own.write_text(text)
    assert group_of(own, tmp_path) is None
    assert isinstance(open_groups(tmp_path, own, lambda _: True), NoGroups)


def test_only_systemds_mark_hands_a_group_over(tmp_path: Path) -> None:
    assert not is_delegated(tmp_path)
    os.setxattr(tmp_path, "user.delegate", b"1")
    assert is_delegated(tmp_path)


def test_a_child_starts_in_its_group_and_keeps_its_number_and_its_arguments(
    kernel: Kernel,
) -> None:
    command = (*CHILD[:2], "import os, sys; print(os.getpid(), *sys.argv[1:])", "a b", "$0")
    child = subprocess.Popen(
        kernel.open().inside("vision", command), stdout=subprocess.PIPE, text=True
    )
    said, _ = child.communicate()
    assert said == f"{child.pid} a b $0\n"
    assert kernel.read("vision/cgroup.procs") == "0\n"


def test_a_child_whose_group_is_gone_starts_all_the_same(tmp_path: Path) -> None:
    command = ControlGroups(tmp_path / "gone").inside("vision", CHILD)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip().isdigit()
    assert "gone/vision" in done.stderr, "the log says so"
