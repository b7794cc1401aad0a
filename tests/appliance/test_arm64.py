"""On the Pi's architecture: install.sh from zero, and the answers that this machine gives too.

A Debian with a real systemd on an emulated Cortex-A72, as in a Pi 4, that never had a network.
The tests go in order. What they show is that packages, models and results are right there, and
that the appliance looks after itself; they say nothing of speed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.appliance.container import ROOT, Container
from tests.appliance.device import (
    MODEL,
    PHOTO,
    ask_alone,
    hand_over_root,
    log_of,
    stand_still,
    take_off,
    trust,
)
from tests.appliance.emulation import PI_4, PI_5, emulated, leave_out_credentials, wheels
from tests.appliance.short_memory import have_worker_killed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
INSTALL = "/src/install.sh --offline /opt/bundle"
UPGRADE = "/root/newer/install.sh --upgrade --offline /opt/bundle"
AARCH64 = 183
"""Of an ELF file's header: whose instructions it holds."""


@pytest.fixture(scope="module")
def pi(tower: Path, loops: Mapping[str, Path], release: str) -> Iterator[Container]:
    with emulated():
        stick = {loops["stick"]: Path("/dev/stick")}
        made = Container(stick, "arm64", {"QEMU_CPU": PI_4}, release=release, online=False)
        try:
            wheels(made.root / "opt" / "bundle" / "wheels", release)
            leave_out_credentials(made.root)
            hand_over_root(tower, made)
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


def cases(machine: Container) -> list[str]:
    return [case["id"] for case in ask_alone(machine, "/cases")["cases"]]


def serving(machine: Container) -> set[str]:
    return {model["ref"] for model in ask_alone(machine, "/models")["serving"]}


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


def test_from_zero_without_a_network_to_a_running_service(pi: Container) -> None:
    assert pi.run("uname -m").strip() == "aarch64"
    assert [line.split()[0] for line in pi.run("ip -o -br link").splitlines()] == ["lo"]
    begin = time.monotonic()
    assert "✗" not in pi.run(f"{INSTALL} --no-start")
    pi.run(f"printf '[vision]\\ndeadline_s = {DEADLINE_S}\\n' >> /etc/edgecase/edge.toml")
    pi.run(INSTALL)
    print(f"ready {time.monotonic() - begin:.0f} s after install.sh began")
    assert "active (running)" in pi.run("systemctl status --no-pager edgecase")
    assert ask_alone(pi, "/health")["ready"]


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
    confidence, pixels = distance(ask_alone(pi, "/check-image", PHOTO), here[PHOTO.name])
    print(f"answered after {time.monotonic() - begin:.1f} s")
    assert confidence <= CONFIDENCE
    assert pixels <= PIXELS
    assert pi.run("systemctl show -p NRestarts --value edgecase").strip() == "0"


def test_a_case_gets_its_summary_from_the_language_model(pi: Container) -> None:
    case = ask_alone(pi, "/cases", PHOTO)
    end = time.monotonic() + DEADLINE_S
    while (summary := ask_alone(pi, f"/cases/{case['id']}")["summary"])["author"] != "llm":
        assert time.monotonic() < end, log_of(pi, "edgecase")[-2000:]
        time.sleep(1)
    assert summary["verified"]


def test_the_vision_worker_lacks_no_lock_but_the_one_that_emulation_refuses(pi: Container) -> None:
    assert set(ask_alone(pi, "/health")["vision"]["notes"]) <= {NO_EMPTY_NETWORK}


def test_it_comes_up_by_itself_after_a_reboot_and_takes_a_photo(pi: Container) -> None:
    before = cases(pi)
    begin = time.monotonic()
    pi.power_off()
    pi.boot()
    pi.run(
        f"timeout {DEADLINE_S} bash -c 'until systemctl -q is-active edgecase; do sleep 1; done'"
    )
    print(f"ready again {time.monotonic() - begin:.0f} s after it was told to power off")
    assert cases(pi) == before
    assert ask_alone(pi, "/cases", PHOTO)["predictions"]


def test_a_loop_that_stands_still_is_started_again(pi: Container) -> None:
    begin = time.monotonic()
    stand_still(pi, within_s=DEADLINE_S)
    print(f"another process serves {time.monotonic() - begin:.0f} s after the loop was stopped")
    assert ask_alone(pi, "/health")["ready"]


def test_a_vision_worker_that_the_kernel_kills_is_replaced(pi: Container) -> None:
    have_worker_killed(pi, lambda: ask_alone(pi, "/check-image", PHOTO), within_s=DEADLINE_S)


def test_a_stick_s_newer_model_serves(pi: Container) -> None:
    trust(pi)
    said = pi.run("/src/install.sh --update-models /dev/stick --yes")
    assert f"{MODEL}: 1.0.0 → 1.0.1" in said
    assert "The service serves them." in said
    assert serving(pi) >= {f"{MODEL}@1.0.1"}


def test_another_version_takes_over(pi: Container) -> None:
    pi.run("cp -r /src /root/newer && echo '# newer' >> /root/newer/edge/logs.py")
    before = pi.run("readlink /opt/edgecase/current")
    begin = time.monotonic()
    assert "✓ the new version is healthy" in pi.run(UPGRADE)
    print(f"upgraded after {time.monotonic() - begin:.0f} s")
    assert pi.run("readlink /opt/edgecase/current") != before
    assert serving(pi) >= {f"{MODEL}@1.0.1"}


def test_a_version_whose_service_does_not_start_goes_back_by_itself(pi: Container) -> None:
    """Its Python is that of the first version, which is still there: to make one takes minutes."""
    kept, before = cases(pi), pi.run("readlink /opt/edgecase/current")
    pi.run("cp /src/edge/logs.py /root/newer/edge/")
    pi.run("sed -i 's/edgecase run/edgecase walk/' /root/newer/systemd/edgecase.service")
    begin = time.monotonic()
    said = pi.run(UPGRADE, code=1)
    print(f"back after {time.monotonic() - begin:.0f} s")
    assert "✗ the new version isn't healthy" in said
    assert "✓ back to the version before" in said
    assert pi.run("readlink /opt/edgecase/current") == before
    assert cases(pi) == kept
    assert ask_alone(pi, "/cases", PHOTO)["predictions"]


def test_uninstalling_keeps_the_data_and_purging_does_not(pi: Container) -> None:
    take_off(pi)
