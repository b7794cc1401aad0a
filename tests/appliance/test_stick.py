"""A technician's visit: sticks and bare files."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.appliance.container import ROOT, Container
from tests.appliance.device import MODEL, active, ask, log_of, pid, trust

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(300)]
LSBLK = """#!/bin/sh
echo '{"blockdevices": [{"path": "/dev/stick", "type": "loop", "fstype": "ext4", "rm": true}]}'
"""


def test_a_stick_of_a_tower_that_nobody_trusts_is_refused(machine: Container) -> None:
    machine.run("/src/install.sh --update-models /dev/stick --yes", code=1)
    assert active(machine) == "1.0.0"


def test_no_stick_is_said(machine: Container) -> None:
    assert "no stick" in machine.run("/src/install.sh --update-models", code=4)


def test_a_stick_that_is_put_in_is_looked_at_and_told_of(
    machine: Container, loops: Mapping[str, Path]
) -> None:
    rule = 'ENV{ID_BUS}="usb", ENV{ID_FS_USAGE}="filesystem"\n'
    (machine.root / "etc/udev/rules.d/00-pretend.rules").write_text(rule)
    said = machine.run(f"udevadm test --action=add /sys/class/block/{loops['open'].name}")
    assert f"SYSTEMD_WANTS=edgecase-stick@{loops['open'].name}.service" in said
    trust(machine)
    machine.run("systemctl start edgecase-stick@open edgecase-stick@stick")
    told = log_of(machine, "edgecase-stick@open")
    assert MODEL in told
    assert "1.0.1" in told
    assert "only root may read" in log_of(machine, "edgecase-stick@stick")
    assert active(machine) == "1.0.0"
    machine.run("findmnt -S /dev/open", code=1)


def test_a_stick_is_found_by_itself_and_its_model_serves(machine: Container) -> None:
    (machine.root / "usr/local/sbin/lsblk").write_text(LSBLK)
    (machine.root / "usr/local/sbin/lsblk").chmod(0o755)
    said = machine.run("/src/install.sh --update-models --yes")
    assert f"{MODEL}: 1.0.0 → 1.0.1" in said
    assert "The service serves them." in said
    serving = {m["ref"] for m in ask("/models")["serving"]}
    assert f"{MODEL}@1.0.1" in serving
    machine.run("findmnt -S /dev/stick", code=1)
    assert "stick" not in machine.run("ls -a /run /var/lib/edgecase")


def test_going_back_is_taken_over_by_a_signal_where_a_token_is_wanted(machine: Container) -> None:
    machine.run("sed -i '/^.http./a auth = \"token\"' /etc/edgecase/edge.toml")
    machine.run("systemctl restart edgecase")
    before = pid(machine)
    said = machine.run("/src/install.sh --rollback")
    assert f"{MODEL}: 1.0.1 → 1.0.0" in said
    assert "The service serves them." in said
    assert pid(machine) == before


def test_a_bare_file_wants_the_owner_s_leave_and_is_marked(machine: Container) -> None:
    shutil.copyfile(
        ROOT / "models" / "zoo" / MODEL / "1.0.0" / "model.onnx", machine.root / "root" / "x.onnx"
    )
    take = "/src/install.sh --update-models /root/x.onnx --yes"
    machine.run(take, code=1)
    assert "owner" in machine.run(f"{take} --allow-unsigned", code=1)
    machine.run("printf 'allow_unsigned = true\\n' >> /etc/edgecase/edge.toml")
    machine.run(f"{take} --allow-unsigned --answer labels=a,b,c", code=2)
    machine.run(f"{take} --allow-unsigned --answer labels=a,b,c --answer scaling=unit")
    said = machine.run("cd /; runuser -u edgecase -- edgecase models list --json")
    signed = {(m["id"], m["version"]): m["signed"] for m in json.loads(said)["models"]}
    assert signed.pop((MODEL, "1.0.1"))
    assert [ident for (ident, _), vouched in signed.items() if not vouched] == ["x"]
