"""What install.sh decides, without a machine to install on."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.install.sticks import sticks

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
UNITS = sorted(path.name for path in SYSTEMD.glob("*.service"))
EVERY_UNIT = UNITS + sorted(path.name for path in SYSTEMD.glob("*.timer"))
WITH_ROOT = {"edgecase-stick@.service": "25"}
"""Root has to mount; it may do nothing else."""


PYTHON = """#!/bin/bash
case "$*" in
  *uninstall*) echo "uninstalled ${@: -1}" ;;
  *exercise.py\\ dies*|*exercise.py\\ xllamacpp*) kill -ILL $$ ;;
esac
"""
"""Of an environment in which some packages are built for another processor."""


def judge(call: str) -> str:
    parts = ("look", "extras", "disk", "environment", "put", "upgrade")
    script = "".join(f". scripts/install/{part}.sh; " for part in parts) + call
    return subprocess.check_output(["bash", "-euc", script], cwd=ROOT, text=True).strip()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('dsn = "postgresql+psycopg://tower@/tower"', "yes"),
        ("  dsn='postgresql+psycopg://tower@/tower'", "yes"),
        ('dsn = ""', "no"),
        ('# dsn = "postgresql+psycopg://tower@/tower"', "no"),
        ('data_dir = "/srv/dsn"', "no"),
    ],
)
def test_a_database_on_a_server_is_known_by_the_settings(
    line: str, named: str, tmp_path: Path
) -> None:
    (tmp_path / "tower.toml").write_text(f"[store]\n{line}\n")
    assert judge(f"names_a_server {tmp_path}/tower.toml && echo yes || echo no") == named


@pytest.mark.parametrize("word", ["armhf", "armel", "i386"])
def test_a_32_bit_system_is_refused_in_one_line(word: str) -> None:
    said = judge(f"judge_architecture {word}")
    assert "32-bit" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("call", "refused"),
    [
        ("judge_architecture arm64", False),
        ("judge_architecture amd64", False),
        ("judge_architecture riscv64", True),
        ("judge_system debian '' bookworm", False),
        ("judge_system debian '' trixie", False),
        ("judge_system raspbian debian bookworm", False),
        ("judge_system debian '' bullseye", True),
        ("judge_system ubuntu debian noble", True),
        ("judge_system fedora '' ''", True),
        ("judge_space 1500", False),
        ("judge_space 1499", True),
        ("judge_clock 2026-11-20", False),
        ("judge_clock 1970-01-01", True),
    ],
)
def test_a_machine_that_cannot_run_it_is_told_why(call: str, refused: bool) -> None:
    assert bool(judge(call)) is refused


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("ext4 1-2 '' '' ''", ""),
        ("ext4 1-2 /data '' ''", ""),
        ("ext4 1-2 /media/usb '' ''", "umount"),
        ("'' '' '' '' ''", "mkfs.ext4 /dev/sda1"),
        ("vfat 1-2 '' '' ''", "whose a file is"),
        ("ext4 '' '' '' ''", "no UUID"),
        ("'' '' '' /dev/sda1,/dev/sda2 ''", "has partitions"),
        ("ext4 1-2 /boot '' /dev/sda", "the system runs from"),
    ],
)
def test_a_disk_for_the_data_is_judged(facts: str, said: str) -> None:
    told = judge(f"judge_disk /dev/sda1 {facts} /data")
    assert (said in told) if said else told == ""


@pytest.mark.parametrize(
    ("model", "machine"),
    [
        ("Raspberry Pi 5 Model B Rev 1.0", "Raspberry Pi 5"),
        ("Raspberry Pi Compute Module 5 Rev 1.0", "Raspberry Pi 5"),
        ("Raspberry Pi 4 Model B Rev 1.5", "Raspberry Pi 4"),
        ("Raspberry Pi Compute Module 4 Rev 1.1", "Raspberry Pi 4"),
        ("", "no Raspberry Pi, amd64"),
        ("Some Board", "Some Board"),
    ],
)
def test_a_pi_4_is_told_from_a_pi_5(model: str, machine: str) -> None:
    assert judge(f"machine_of '{model}' amd64") == machine


def test_a_stick_is_what_can_be_pulled_out_and_holds_files() -> None:
    said = json.loads("""[
      {"path": "/dev/mmcblk0", "fstype": null, "rm": false, "hotplug": false, "children": [
        {"path": "/dev/mmcblk0p2", "fstype": "ext4", "rm": false, "hotplug": false}]},
      {"path": "/dev/sda", "fstype": null, "rm": true, "hotplug": true, "children": [
        {"path": "/dev/sda1", "fstype": "vfat", "rm": false, "hotplug": false},
        {"path": "/dev/sda2", "fstype": "crypto_LUKS", "rm": true, "hotplug": true}]},
      {"path": "/dev/sdb", "fstype": "exfat", "rm": false, "hotplug": true}]""")
    assert list(sticks(said)) == ["/dev/sda1", "/dev/sdb"]


@pytest.mark.parametrize(
    "args",
    [
        ["--what"],
        ["--offline"],
        ["--tower", "--update-models"],
        ["--data-disk"],
        ["--tower", "--data-disk", "/dev/sda1"],
        ["--uninstall", "--data-disk", "/dev/sda1"],
    ],
)
def test_wrong_usage_ends_with_2(args: list[str]) -> None:
    done = subprocess.run(
        [ROOT / "install.sh", *args, "--dry-run"], capture_output=True, check=False
    )
    assert done.returncode == 2


def test_every_option_and_exit_code_of_the_help_is_in_the_manual() -> None:
    said = subprocess.check_output([ROOT / "install.sh", "--help"], text=True)
    manual = (ROOT / "docs" / "install.md").read_text()
    options = {
        word.strip("[]|,.;") for word in said.split() if word.strip("[]|,.;").startswith("--")
    }
    assert len(options) >= 10
    assert [option for option in sorted(options) if option not in manual] == []
    codes = [
        line.split()[0]
        for line in said.splitlines()
        if line.startswith("  ") and line.split()[0].isdigit()
    ]
    assert codes == [
        line.split("|")[1].strip() for line in manual.splitlines() if line[:4].strip("| ").isdigit()
    ]


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_locked_up(unit: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.fail("systemd-analyze is missing: apt-get install systemd")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    limit = f"--threshold={WITH_ROOT.get(unit, '20')}"
    done = subprocess.run([*command, limit, SYSTEMD / unit], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()[-300:]


@pytest.mark.parametrize("unit", EVERY_UNIT)
def test_systemd_understands_every_line_of_a_unit(unit: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name in EVERY_UNIT:
        text = (SYSTEMD / name).read_text()
        text = re.sub(r"^ExecStart=/usr/local/\S+", f"ExecStart={program}", text, flags=re.M)
        (tmp_path / name).write_text(text)
    name = unit.replace("@.", "@sda1.")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", tmp_path / name],
        capture_output=True,
        check=False,
    )
    assert done.stderr.decode() == ""
    assert done.returncode == 0


def test_every_timer_has_its_service_and_install_sh_puts_it_in_place() -> None:
    timers = {path.stem for path in SYSTEMD.glob("*.timer")}
    assert timers <= {path.stem for path in SYSTEMD.glob("*.service")}
    said = "".join(
        subprocess.check_output([ROOT / "install.sh", *role, "--dry-run"], text=True)
        for role in ([], ["--tower"])
    )
    assert {timer for timer in timers if f"{timer}.timer" not in said} == set()


def test_a_stick_is_only_looked_at() -> None:
    script = (SYSTEMD / "stick").read_text()
    assert "options=ro,nosuid,nodev,noexec" in script
    assert "--look" in script
    rule = (SYSTEMD / "udev" / "70-edgecase-stick.rules").read_text()
    assert 'ENV{ID_BUS}=="usb"' in rule


def test_a_machine_without_a_hardware_watchdog_is_told() -> None:
    assert judge("judge_watchdog /dev/null") == ""
    assert "/dev/none" in judge("judge_watchdog /dev/none")


def tried(native: str, folder: Path, more: str = "") -> subprocess.CompletedProcess[str]:
    """What comes of trying these packages of an environment."""
    (folder / "bin").mkdir()
    (folder / "bin" / "python").write_text(PYTHON)
    (folder / "bin" / "python").chmod(0o755)
    script = (
        f". scripts/install/look.sh; . scripts/install/environment.sh; native={native};"
        f" here=$PWD; model_text='Raspberry Pi 4'; runs_here {folder} {more}"
    )
    return subprocess.run(
        ["bash", "-uc", script], cwd=ROOT, text=True, capture_output=True, check=False
    )


def test_a_package_for_another_processor_is_seen_before_the_service_does(tmp_path: Path) -> None:
    done = tried("numpy,dies,cv2", tmp_path)
    assert done.returncode == 1
    assert "dies can't work: an illegal instruction" in done.stdout
    assert "Raspberry Pi 4" in done.stdout


def test_without_a_language_model_that_runs_the_template_writes(tmp_path: Path) -> None:
    done = tried("numpy,xllamacpp", tmp_path)
    assert done.returncode == 0
    assert "uninstalled xllamacpp" in done.stdout
    assert (tmp_path / ".no-writer").exists()


def test_a_language_model_for_this_processor_takes_the_others_place(tmp_path: Path) -> None:
    done = tried("xllamacpp", tmp_path, "llama_cpp")
    assert done.returncode == 0
    assert not (tmp_path / ".no-writer").exists()


@pytest.mark.parametrize(
    ("model", "folder"),
    [
        ("Raspberry Pi 4 Model B", "llama-a72"),
        ("Raspberry Pi 5 Model B", "llama-a76"),
        ("", "llama-amd64"),
        ("Some Board", ""),
    ],
)
def test_a_machine_takes_the_wheel_that_fits_it(model: str, folder: str, tmp_path: Path) -> None:
    for core in ("a72", "a76", "amd64"):
        (tmp_path / f"llama-{core}").mkdir()
    call = "dpkg() { echo amd64; }; fitting_wheels"
    said = judge(f"role=device; offline={tmp_path}; model_text='{model}'; {call}")
    assert Path(said).name == folder


@pytest.mark.parametrize(
    ("verdict", "said"), [(0, "goes on"), (1, "stops"), (2, "goes on"), (127, "stops")]
)
def test_what_was_asked_for_goes_on_after_a_cut_upgrade_but_not_after_a_broken_one(
    verdict: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / ".before").mkdir()
    (tmp_path / ".before" / "settle").write_text(f"exit {verdict}\n")
    call = "die() { echo stops; exit; }; settle_upgrade; echo goes on"
    assert judge(f"dry= name=edgecase log=x home={tmp_path}; {call}") == said


def test_of_several_units_each_has_to_be_up() -> None:
    systemctl = "systemctl() { [ $3 = up ]; }"
    assert judge(f"{systemctl}; each_unit is-active up up && echo all") == "all"
    assert judge(f"{systemctl}; each_unit is-active up down || echo not all") == "not all"


@pytest.mark.parametrize(
    ("state", "there"),
    [("installed", "yes"), ("half-configured", "no"), ("unpacked", "no"), ("", "no")],
)
def test_a_package_that_was_cut_off_is_not_there(state: str, there: str) -> None:
    assert judge(f"dpkg-query() {{ echo {state}; }}; has_package x && echo yes || echo no") == there


def test_a_version_that_is_half_removed_does_not_count_as_whole(tmp_path: Path) -> None:
    for version in ("old", "older"):
        (tmp_path / version).mkdir()
        (tmp_path / version / ".whole").touch()
    killed = 'rm() { [ $1 = -f ] || kill $BASHPID; command rm "$@"; }'
    judge(f"({killed}; discard {tmp_path}/old {tmp_path}/older) || true")
    assert sorted(path.name for path in tmp_path.glob("**/*")) == ["old", "older"]


@pytest.mark.parametrize(("left", "cache"), [("", "taken"), ("versions/abc/bin", "passed over")])
def test_pip_s_cache_is_not_trusted_after_a_cut(left: str, cache: str, tmp_path: Path) -> None:
    (tmp_path / left).mkdir(parents=True, exist_ok=True)
    python = tmp_path / "python"
    python.write_text("#!/bin/bash\necho ${PIP_NO_CACHE_DIR-taken} >&3; kill $PPID\n")
    python.chmod(0o755)
    said = judge(
        f"role=device offline= home={tmp_path} here=$PWD lock=edge.lock; stamp() {{ echo abc; }};"
        f" python3() {{ mkdir -p $3/bin; cp {python} $3/bin/; }};"
        " (environment) 3>&1 >/dev/null || true"
    )
    assert said.replace("1", "passed over") == cache


def test_a_package_that_does_its_work_is_fine(tmp_path: Path) -> None:
    done = tried("numpy,cv2", tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("part", ["numpy", "cv2", "simplejpeg", "onnxruntime"])
def test_each_compiled_package_is_given_work(part: str) -> None:
    exercise = ROOT / "scripts" / "install" / "exercise.py"
    subprocess.run([sys.executable, exercise, part], check=True, cwd=ROOT, env={"PYTHONPATH": "."})
