"""On the Pi's architecture: install.sh from zero, and the answers that this machine gives too.

A Debian with a real systemd on an emulated Cortex-A72, as in a Pi 4. The tests go in order.
What it shows is that packages, models and results are right there; it says nothing of speed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.appliance.container import ROOT, Container
from tests.appliance.device import PHOTO, PORT, ask
from tests.appliance.emulation import PI_4, PI_5, emulated, wheels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.arm64, pytest.mark.timeout(3600)]
PHOTOS = ROOT / "tests" / "data" / "photos" / "vehicle"
CONFIDENCE = 0.01
"""By which a confidence may differ from this machine's, 0..1."""
PIXELS = 1.0
"""By which an edge of a box may differ."""
DEADLINE_S = 300
"""For one photo: emulation is slow, and slower where much else runs."""
NO_EMPTY_NETWORK = "The vision worker can't live without network: [Errno 22] Invalid argument."
"""Without root that takes a user namespace, which is for a process of one thread; QEMU has two."""
AARCH64 = 183
"""Of an ELF file's header: whose instructions it holds."""


@pytest.fixture(scope="module")
def pi() -> Iterator[Container]:
    with emulated():
        made = Container({}, "arm64", {"QEMU_CPU": PI_4})
        try:
            wheels(made.root / "opt" / "bundle" / "wheels")
            made.boot()
            yield made
        finally:
            made.remove()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What this machine says of each photo."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("EDGECASE_")}
    said = subprocess.check_output(
        [sys.executable, "-m", "edge", "check", "--json", *sorted(PHOTOS.glob("*.jpg"))],
        cwd=ROOT,
        env={**own, "EDGECASE_STORE__DATA_DIR": str(tmp_path_factory.mktemp("data"))},
    )
    return by_name(json.loads(said))


def by_name(answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {answer["file"].rpartition("/")[2]: answer for answer in answers}


def site_of(machine: Container) -> Path:
    return next((machine.root / "opt/edgecase/versions").glob("*/lib/python3*/site-packages"))


def distance(one: dict[str, Any], other: dict[str, Any]) -> tuple[float, float]:
    """The largest difference in a confidence, and in a box; all else has to be the same."""
    for key in ("status", "message", "decision", "summary", "estimate", "models", "missing"):
        assert one.get(key) == other.get(key), key
    assert one["quality"]["flaws"] == other["quality"]["flaws"]
    assert one["blur_score"] == pytest.approx(other["blur_score"], rel=1e-3)
    kept = [
        [(p["label"], p["source"], p["refines"], p["shown"]) for p in answer["predictions"]]
        for answer in (one, other)
    ]
    assert kept[0] == kept[1]
    confidence = pixels = 0.0
    for mine, theirs in zip(one["predictions"], other["predictions"], strict=True):
        confidence = max(confidence, abs(mine["confidence"] - theirs["confidence"]))
        edges = zip(mine["box"], theirs["box"], strict=True)
        pixels = max(pixels, *(abs(a - b) for a, b in edges))
    return confidence, pixels


def test_from_zero_to_a_running_service_with_nothing_compiled(pi: Container) -> None:
    assert pi.run("uname -m").strip() == "aarch64"
    begin = time.monotonic()
    said = pi.run("/src/install.sh --offline /opt/bundle --no-start")
    assert "✗" not in said
    pi.run(f"sed -i '/^.http./a port = {PORT}' /etc/edgecase/edge.toml")
    pi.run(f"printf '[vision]\\ndeadline_s = {DEADLINE_S}\\n' >> /etc/edgecase/edge.toml")
    pi.run("/src/install.sh --offline /opt/bundle")
    assert ask("/health")["ready"]
    print(f"ready {time.monotonic() - begin:.0f} s after install.sh began")


def test_every_package_is_a_wheel_for_it(pi: Container) -> None:
    site = site_of(pi)
    tags = {
        line.rpartition("-")[2].strip()
        for file in site.glob("*.dist-info/WHEEL")
        for line in file.read_text().splitlines()
        if line.startswith("Tag: ")
    }
    assert {tag for tag in tags if tag != "any" and not tag.endswith("aarch64")} == set()
    compiled = [path for path in site.rglob("*.so*") if path.read_bytes()[:4] == b"\x7fELF"]
    assert len(compiled) > 50
    others = [p.name for p in compiled if p.read_bytes()[18] != AARCH64]
    assert others == []
    versions = site.parents[2]
    assert not (versions / ".no-writer").exists(), "the language model's package runs on it"


@pytest.mark.parametrize("cpu", [PI_4, PI_5])
def test_every_photo_gets_the_answer_that_it_gets_here(
    pi: Container, here: dict[str, Any], cpu: str
) -> None:
    said = pi.run(
        f"cd /; QEMU_CPU={cpu} runuser -u edgecase -- edgecase check --json"
        f" /src/{PHOTOS.relative_to(ROOT)}/*.jpg 2>/dev/null"
    )
    there = by_name(json.loads(said))
    assert there.keys() == here.keys()
    far = [distance(there[name], here[name]) for name in here]
    confidence, pixels = max(c for c, _ in far), max(p for _, p in far)
    marked = sum(len(answer["predictions"]) for answer in here.values())
    print(f"{len(far)} photos, {marked} predictions; largest difference: "
          f"{confidence:.6f} in a confidence, {pixels:.4f} pixels in a box")  # fmt: skip
    assert confidence <= CONFIDENCE
    assert pixels <= PIXELS


def test_the_doctor_finds_nothing_that_fails(pi: Container) -> None:
    said = json.loads(pi.run("cd /; runuser -u edgecase -- edgecase doctor --json 2>/dev/null"))
    print("\n".join(f"{f['level']} {f['name']}: {f['message']}" for f in said["findings"]))
    assert [f for f in said["findings"] if f["level"] == "FAIL"] == []
    assert said["ok"]


def test_the_daemon_judges_a_photo_that_comes_by_http(pi: Container, here: dict[str, Any]) -> None:
    begin = time.monotonic()
    confidence, pixels = distance(ask("/check-image", PHOTO), here[PHOTO.name])
    print(f"answered after {time.monotonic() - begin:.1f} s")
    assert confidence <= CONFIDENCE
    assert pixels <= PIXELS
    assert pi.run("systemctl show -p NRestarts --value edgecase").strip() == "0"


def test_a_case_gets_its_summary_from_the_language_model(pi: Container) -> None:
    case = ask("/cases", PHOTO)
    end = time.monotonic() + DEADLINE_S
    while (summary := ask(f"/cases/{case['id']}")["summary"])["author"] != "llm":
        assert time.monotonic() < end, pi.run("journalctl -u edgecase -n 30 -o cat --no-pager")
        time.sleep(1)
    assert summary["verified"]


def test_the_vision_worker_lacks_no_lock_but_the_one_that_emulation_refuses(pi: Container) -> None:
    assert set(ask("/health")["vision"]["notes"]) <= {NO_EMPTY_NETWORK}
