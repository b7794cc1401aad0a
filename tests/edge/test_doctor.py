"""What the doctor says of which machine."""

from __future__ import annotations

import os
import socket
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge import vitals
from edge.config import CameraSettings, HttpSettings, StoreSettings
from edge.doctor import machine, parts
from edge.doctor.findings import Finding, Level, fail, fine, healthy, warn
from edge.doctor.round import examine, judge_models, judge_writer
from edge.ports import ModelInUse, VisionStatus, WriterStatus
from edge.programs import ask
from edge.settings.file import read
from edge.store.layout import Layout
from models.jsonable import InvalidWordError
from models.profile import ClassifierUse, DetectorUse, Profile, QualityRules
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from collections.abc import Callable

PI4 = "processor\t: 0\nCPU part\t: 0xd08\nModel\t\t: Raspberry Pi 4 Model B\n"
PI5 = "processor\t: 0\nCPU part\t: 0xd0b\n"
RULES = QualityRules(blur_threshold=1)


def level(finding: Finding) -> str:
    return finding.level.value


def test_a_failure_says_how_to_mend_it() -> None:
    with pytest.raises(InvalidWordError):
        fail("disk", "it is full", "")


def test_warnings_leave_the_device_healthy_and_failures_do_not() -> None:
    assert healthy([fine("a", "x"), warn("b", "y")])
    assert not healthy([fine("a", "x"), fail("b", "y", "z")])


@pytest.mark.parametrize(
    ("version", "bits", "expected"),
    [
        ((3, 11, 2), 64, "PASS"),
        ((3, 13, 1), 64, "PASS"),
        ((3, 10, 9), 64, "FAIL"),
        ((3, 14, 0), 64, "FAIL"),
        ((3, 11, 2), 32, "FAIL"),
    ],
)
def test_python(version: tuple[int, int, int], bits: int, expected: str) -> None:
    assert level(machine.python(version, bits)) == expected


@pytest.mark.parametrize(
    ("total", "available", "expected"),
    [(8000, 6000, "PASS"), (8000, 200, "WARN"), (500, 400, "WARN")],
)
def test_memory(total: float, available: float, expected: str) -> None:
    assert level(machine.memory(total, available)) == expected


@pytest.mark.parametrize(
    ("throttled", "expected", "word"),
    [
        (None, "PASS", "no vcgencmd"),
        (0x0, "PASS", "not throttled"),
        (0x50005, "WARN", "now: the voltage is too low, it is throttled"),
        (0x80000, "WARN", "since the boot: it is too hot"),
    ],
)
def test_power(throttled: int | None, expected: str, word: str) -> None:
    found = machine.power(throttled)
    assert level(found) == expected
    assert word in found.message


@pytest.mark.parametrize(
    ("text", "value"), [("throttled=0x50000\n", 0x50000), ("error=1", None), ("", None)]
)
def test_vcgencmds_answer_is_read(text: str, value: int | None) -> None:
    assert vitals.parse_throttled(text) == value


@pytest.mark.parametrize(
    ("now", "synchronised", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), True, "FAIL"),
        (datetime(2027, 1, 1, tzinfo=UTC), False, "WARN"),
        (datetime(2027, 1, 1, tzinfo=UTC), True, "PASS"),
    ],
)
def test_clock(now: datetime, synchronised: bool, expected: str) -> None:
    assert level(machine.clock(now, synchronised)) == expected


@pytest.mark.parametrize(
    ("version", "cpuinfo", "expected"),
    [
        ("1.31.1", PI4, "PASS"),
        ("1.21.0", PI4, "FAIL"),
        ("1.21.0", PI5, "WARN"),
        ("", PI5, "FAIL"),
    ],
)
def test_onnxruntime(version: str, cpuinfo: str, expected: str) -> None:
    assert level(machine.onnxruntime(version, cpuinfo)) == expected


def test_this_machine_can_be_examined() -> None:
    names = [f.name for f in machine.examine_machine(machine.gather())]
    assert names == ["python", "memory", "power", "clock", "onnxruntime"]


def test_a_program_that_hangs_or_is_missing_is_no_crash() -> None:
    assert ask([sys.executable, "-c", "import time; time.sleep(9)"], 0.2)[0] == -1
    assert ask(["/no/such/program"])[0] == -1
    assert ask([sys.executable, "-c", "print(7)"]) == (0, "7\n")


def test_wrong_settings_are_told_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text("[http]\nprot = 1\nport = -1\n")
    found = parts.settings(read(tmp_path / "edge.toml", {}))
    assert [level(f) for f in found] == ["FAIL", "FAIL"]
    assert found[0].mend == f"edit {tmp_path}/edge.toml"


async def test_with_wrong_settings_only_the_machine_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text("[http]\nprot = 1\n")
    names = {f.name for f in await examine(read(tmp_path / "edge.toml", {}))}
    assert "settings" in names
    assert names.isdisjoint({"camera", "port", "data folder", "model"})


def test_a_data_folder_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    folder, space = parts.data_dir(StoreSettings(data_dir=tmp_path / "a" / "b"))
    assert (level(folder), "will be made" in folder.message) == ("PASS", True)
    assert space.name == "space"
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_data_folder_fails(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    (found,) = parts.data_dir(StoreSettings(data_dir=tmp_path / "data"))
    assert level(found) == "FAIL"


def test_a_data_folder_of_somebody_else_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    (found,) = parts.data_dir(StoreSettings(data_dir=tmp_path))
    assert level(found) == "FAIL"
    assert str(tmp_path) in found.mend


async def test_where_only_the_service_may_look_its_user_is_named_and_the_rest_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "closed", lambda folder: folder == tmp_path)
    environ = {"EDGECASE_STORE__DATA_DIR": str(tmp_path)}
    found = {f.name: f for f in await examine(read(None, environ))}
    assert level(found["data folder"]) == "WARN"
    assert found["data folder"].mend == f"sudo -u '#{os.geteuid()}' edgecase doctor"
    assert found.keys() & {"model", "https", "database"} == set()
    assert "port" in found


def test_another_user_hears_that_the_installed_device_has_other_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, system = StoreSettings(data_dir=tmp_path / "own"), tmp_path / "system"
    assert parts.elsewhere(own, system) == []
    system.mkdir()
    assert parts.elsewhere(own, system) == []
    monkeypatch.setattr(parts, "closed", lambda folder: folder == system)
    (found,) = parts.elsewhere(own, system)
    assert level(found) == "WARN"
    assert "sudo -u" in found.mend


def test_what_root_has_left_in_the_data_folder_is_named(tmp_path: Path) -> None:
    own = tmp_path.stat().st_uid
    assert (
        parts.strangers(tmp_path, {"images": own, "lost+found": own + 1, ".edgecase": own + 1})
        == []
    )
    (found,) = parts.strangers(tmp_path, {"images": own, "models": own + 1})
    assert level(found) == "WARN"
    assert "models" in found.message
    assert found.mend == f"sudo chown -R '#{own}' {tmp_path}"


async def test_it_never_changes_anything(tmp_path: Path) -> None:
    found = await examine(read(None, {"EDGECASE_STORE__DATA_DIR": str(tmp_path)}))
    assert "model" in {f.name for f in found}
    assert list(tmp_path.iterdir()) == []


async def test_a_profile_that_is_none_is_named_with_those_that_are(tmp_path: Path) -> None:
    environ = {"EDGECASE_STORE__DATA_DIR": str(tmp_path), "EDGECASE_DEVICE__PROFILE": "nonesuch"}
    found = {f.name: f for f in await examine(read(None, environ))}["profile"]
    assert level(found) == "FAIL"
    assert "vehicle-damage" in found.mend


async def test_a_database_is_read_from_end_to_end(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert parts.database(layout) == []
    async with opened(tmp_path) as store:
        for number in range(20):
            await store.add(draft([photo(number)], number), [photo(number)])
    assert [level(f) for f in parts.database(layout)] == ["PASS"]
    raw = bytearray(layout.database.read_bytes())
    raw[-8192:-4096] = os.urandom(4096)
    layout.database.write_bytes(raw)
    (found,) = parts.database(layout)
    assert level(found) == "FAIL"
    assert "systemctl restart edgecase" in found.mend


@pytest.mark.parametrize(("free", "expected"), [(50, "FAIL"), (500, "WARN"), (5000, "PASS")])
def test_space(free: float, expected: str) -> None:
    assert level(parts.space(free, 64, Path("/data"))) == expected


def cameras(data: Path, **values: object) -> list[str]:
    return [level(f) for f in parts.camera(CameraSettings.model_validate(values), data)]


def test_each_camera_is_looked_at_in_its_own_way(tmp_path: Path) -> None:
    (tmp_path / "clip.avi").touch()
    assert cameras(tmp_path) == ["PASS"]
    assert cameras(tmp_path, kind="folder") == ["PASS"]
    assert cameras(tmp_path, kind="folder", folder=tmp_path / "clip.avi" / "x") == ["FAIL"]
    assert cameras(tmp_path, kind="v4l2", device=str(tmp_path / "video9")) == ["FAIL"]
    assert cameras(tmp_path, kind="v4l2", device=str(tmp_path / "clip.avi")) == ["PASS"]


def test_a_button_needs_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cameras(tmp_path, trigger="button") == ["PASS", "FAIL"]


@pytest.mark.parametrize(
    ("code", "said", "expected", "mend"),
    [
        (0, "/usr/lib/python3/dist-packages/picamera2/__init__.py\n", "PASS", ""),
        (
            1,
            "ValueError: numpy.dtype size changed, may indicate binary incompatibility",
            "FAIL",
            "simplejpeg",
        ),
        (1, "ModuleNotFoundError: No module named 'picamera2'", "FAIL", "python3-picamera2"),
        (-11, "", "FAIL", "python3-picamera2"),
    ],
)
def test_picamera2(code: int, said: str, expected: str, mend: str) -> None:
    found = parts.picamera2(code, said)
    assert level(found) == expected
    assert mend in found.mend


def listening(answer: Callable[[socket.socket], None]) -> tuple[int, threading.Thread]:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server:
            for _ in range(2):  # one look whether somebody listens, one question
                link, _ = server.accept()
                with link:
                    answer(link)

    thread = threading.Thread(target=serve)
    thread.start()
    return server.getsockname()[1], thread


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"status": "ok", "device": "garage", "time": "2026-11-20T12:00:00+00:00"}', "PASS"),
        (b'{"hello": "world"}', "FAIL"),
        (b"<html>", "FAIL"),
        (b"7", "FAIL"),
    ],
)
def test_whoever_answers_on_the_port_is_recognised(body: bytes, expected: str) -> None:
    def answer(link: socket.socket) -> None:
        if link.recv(4096):
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            link.sendall(head + body)

    port, thread = listening(answer)
    found = parts.port(HttpSettings(port=port))
    thread.join(10)
    assert level(found) == expected


def test_a_free_port_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "is free" in parts.port(HttpSettings(port=port)).message
    assert level(parts.port(HttpSettings(port=0))) == "PASS"


def profile(name: str, classifier: str | None = None) -> Profile:
    use = None if classifier is None else ClassifierUse(classifier)
    return Profile(name, name, RULES, DetectorUse(f"{name}-detector"), use)


def vision(*serving: str, **refused: str) -> VisionStatus:
    models = tuple(
        ModelInUse("detector", "any", f"{name}@1.0.0", "onnxruntime 1.31", 1, 20.0, 25.0)
        for name in serving
    )
    return VisionStatus(True, "", 1, 0, 0, models, {f"{k}@1.0.0": v for k, v in refused.items()})


@pytest.mark.parametrize(
    ("status", "levels"),
    [
        (vision("car-detector"), [Level.PASS, Level.PASS]),
        (vision("leaf-detector"), [Level.PASS, Level.FAIL]),
        (vision("car-detector", "leaf-detector"), [Level.PASS, Level.PASS]),
        (vision("leaf-detector", broken="NaN"), [Level.PASS, Level.FAIL, Level.FAIL]),
    ],
)
def test_models(status: VisionStatus, levels: list[Level]) -> None:
    profiles = {"car": profile("car"), "leaf": profile("leaf")}
    assert [f.level for f in judge_models(status, profiles, "car")] == levels


def test_a_missing_classifier_is_a_warning() -> None:
    found = judge_models(vision("car-detector"), {"car": profile("car", "severity")}, "car")
    assert [f.level for f in found] == [Level.PASS, Level.WARN]


@pytest.mark.parametrize(
    ("engine", "wanted", "expected"),
    [
        ("template", "auto", "PASS"),
        ("template", "template", "PASS"),
        ("template", "xllamacpp", "WARN"),
        ("xllamacpp", "auto", "PASS"),
    ],
)
def test_writer(engine: str, wanted: str, expected: str) -> None:
    found = judge_writer(WriterStatus(engine, "", "because"), wanted)
    assert level(found) == expected
    assert "because" in found.message
