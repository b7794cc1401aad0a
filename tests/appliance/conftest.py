"""What needs a whole machine runs only where it is asked for: `-m appliance`, `-m picamera2`,
`-m arm64`, `-m vm`, `-m power`. `--release trixie` takes another Debian.

One container goes through all files, which pytest takes in the order of their names: installed,
on a disk of its own, with a stick, uninstalled.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.appliance.container import RELEASES, ROOT, Container
from tests.appliance.device import MODEL, hand_over_root
from tests.appliance.loops import attached

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

ASKED = ("appliance", "arm64", "picamera2", "power", "vm")
"""Markers whose tests run only where `-m` names one of theirs."""
UNTIL = "APPLIANCE_UNTIL"
"""In the environment: after this time, in seconds since 1970, no test is begun any more."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release", choices=RELEASES, default=RELEASES[0], help="Debian's")
    parser.addoption("--seed", type=int, default=1, help="of the moments at which power is cut")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "appliance: boots a Debian in a container; needs root and the registries"
    )
    if any(marker in config.option.markexpr for marker in ASKED):
        signal.signal(signal.SIGTERM, _interrupt)  # so that what was started is ended


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def pytest_runtest_setup(item: pytest.Item) -> None:
    until = os.environ.get(UNTIL)
    if until and time.time() > float(until) and any(item.iter_markers("appliance")):
        pytest.skip(f"{item.name}: not reached before the time was over")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    named = {marker for marker in ASKED if marker in config.option.markexpr}
    left = [
        item
        for item in items
        if (own := {mark.name for mark in item.iter_markers()}.intersection(ASKED))
        and not own & named
    ]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of a newer model: `stick.img`, for root alone, `open.img`, and the tower's root."""
    folder = tmp_path_factory.mktemp("tower")
    newer = folder / "newer"
    shutil.copytree(ROOT / "models" / "zoo" / MODEL / "1.0.0", newer)
    manifest = (newer / "model.toml").read_text()
    (newer / "model.toml").write_text(manifest.replace('version = "1.0.0"', 'version = "1.0.1"', 1))
    own = {**os.environ, "EDGECASE_TOWER_STORE__DATA_DIR": str(folder / "data")}
    for command in ("release init", f"release add {newer}", f"usb export {folder / 'stick'}"):
        subprocess.run(
            [sys.executable, "-m", "tower_sync_server", *command.split()],
            cwd=ROOT, env=own, check=True, capture_output=True,
        )  # fmt: skip
    for image, mode in (("open.img", "go=rX"), ("stick.img", "go=")):
        subprocess.run(["chmod", "-R", mode, folder / "stick"], check=True)
        subprocess.run(
            ["mke2fs", "-q", "-t", "ext4", "-d", folder / "stick", folder / image, "32M"],
            check=True,
        )
    return folder


@pytest.fixture(scope="session")
def loops(tower: Path) -> Iterator[Mapping[str, Path]]:
    """Two sticks, an empty disk, and one with no file system: block devices of this machine."""
    blank, data = tower / "blank.img", tower / "data.img"
    for image in (blank, data):
        with image.open("wb") as file:
            file.truncate(400_000_000)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", data], check=True)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(attached(tower / f"{name}.img", *options))
            for name, options in (("stick", ["-r"]), ("open", ["-r"]), ("blank", []), ("data", []))
        }


@pytest.fixture(scope="session")
def release(request: pytest.FixtureRequest) -> str:
    """Which Debian, by `--release`."""
    return str(request.config.getoption("--release"))


@pytest.fixture(scope="session")
def machine(tower: Path, loops: Mapping[str, Path], release: str) -> Iterator[Container]:
    made = Container({path: Path(f"/dev/{name}") for name, path in loops.items()}, release=release)
    hand_over_root(tower, made)
    try:
        made.boot()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def bundle(machine: Container) -> Path:
    """What `scripts/make-offline-bundle` makes there, as this machine sees it."""
    machine.run("/src/scripts/make-offline-bundle /root/bundle")
    return machine.root / "root" / "bundle"


@pytest.fixture
def wheels_at_hand(machine: Container, bundle: Path) -> Iterator[None]:
    """Python's packages from a folder: to look each up in the registry is most of pip's work.

    For those who install a second time. From zero, and the tower, it is the registry.
    """
    settings = machine.root / "etc" / "pip.conf"
    before = settings.read_text()
    settings.write_text(f"[global]\nno-index = yes\nfind-links = /root/{bundle.name}/wheels\n")
    yield
    settings.write_text(before)
