"""Dashboards and alerts load as they are, and ask for nothing that isn't measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from edge.api.metrics import Metrics
from edge.api.metrics import Reading as DeviceReading
from edge.ports import VisionStatus
from edge.store.outbox import Backlog
from tower_sync_server.api.health import Health, Reading

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "monitoring"
PROMTOOL = Path(sys.executable).with_name("promtool")
LABEL = re.compile(r"[{,]\s*([a-z_]+)=~?\"")
NAME = re.compile(r"\bedgecase_[a-z_]+")
FILES = sorted(FOLDER.iterdir())


def device_metrics() -> str:
    metrics = Metrics()
    metrics.count("GET", "/ping", 200, 0.01)
    status = VisionStatus(True, "", 1, 0, 0)
    return metrics.page(
        DeviceReading({"accepted": 1}, Backlog(0, 0, 0, 0, None), False, status, 1, 0)
    ).decode()


class Intake:
    """Workers that have taken something in."""

    reason = ""
    answered: ClassVar = {"stored": 1}
    restarts = 0
    held_back: ClassVar = {"gate": 1}


def tower_metrics() -> str:
    registry = CollectorRegistry()
    health = Health(ready=True, reason="", free_bytes=1, quarantined=0)
    registry.register(Reading({"accepted": 1}, health, Intake()))
    return generate_latest(registry).decode()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_metric_that_is_asked_for_is_measured(path: Path) -> None:
    asked = set(NAME.findall(path.read_text(encoding="utf-8")))
    known = set(NAME.findall(device_metrics())) | set(NAME.findall(tower_metrics()))
    assert asked
    assert asked <= known


def labels(text: str) -> set[str]:
    return set(LABEL.findall(text))


@pytest.mark.parametrize("path", [f for f in FILES if f.suffix == ".json"], ids=lambda p: p.name)
def test_every_label_that_is_asked_for_is_there(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    by = re.findall(r"by \(([a-z_, ]+)\)", " ".join(asked))
    wanted = labels(" ".join(asked)) | {name.strip() for each in by for name in each.split(",")}
    assert {"instance", "status"} <= wanted
    assert wanted - {"instance"} <= labels(device_metrics()) | labels(tower_metrics())


@pytest.mark.parametrize("path", [f for f in FILES if f.suffix == ".json"], ids=lambda p: p.name)
def test_a_dashboard_is_one(path: Path) -> None:
    board = json.loads(path.read_text(encoding="utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) > 5
    assert all(panel["targets"] and panel["title"] for panel in board["panels"])


def promtool(*arguments: object, text: str = "") -> str:
    done = subprocess.run(
        [PROMTOOL, *map(str, arguments)], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_the_alerts() -> None:
    assert "SUCCESS" in promtool("check", "rules", FOLDER / "alerts.yml")


def test_prometheus_finds_nothing_to_say_about_the_device_s_metrics() -> None:
    promtool("check", "metrics", text=device_metrics())


@pytest.mark.parametrize("name", ["alerts_test.yml", "alerts_days_test.yml"])
def test_the_alerts_fire_when_they_should(tmp_path: Path, name: str) -> None:
    text = (ROOT / "tests" / "data" / name).read_text(encoding="utf-8")
    (tmp_path / "test.yml").write_text(text.replace("ALERTS", str(FOLDER / "alerts.yml")))
    promtool("test", "rules", tmp_path / "test.yml")


def test_prometheus_finds_nothing_to_say_about_the_tower_s_metrics() -> None:
    promtool("check", "metrics", text=tower_metrics())


def test_every_query_of_a_dashboard_can_be_asked(tmp_path: Path) -> None:
    rules = [
        f"      - record: r{n}\n        expr: {json.dumps(target['expr'])}"
        for path in FILES
        if path.suffix == ".json"
        for n, panel in enumerate(json.loads(path.read_text(encoding="utf-8"))["panels"])
        for target in panel["targets"]
    ]
    path = tmp_path / "rules.yml"
    path.write_text("groups:\n  - name: all\n    rules:\n" + "\n".join(rules) + "\n")
    promtool("check", "rules", path)
