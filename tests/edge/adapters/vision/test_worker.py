"""The real worker with real, tiny models, behind the real pool."""

import asyncio
import os
import signal
import subprocess
import sys
import zlib
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from edge.adapters.vision.messages import Start
from edge.adapters.vision.pool import VisionLimits
from edge.errors import (
    BadImageError,
    ImageTooLargeError,
    RefusedModelFileError,
    UnknownProfileError,
)
from models.detection import Prediction, Source
from models.release import Golden
from tests.edge.adapters.vision.support import COMMAND, LoopLatency, serving, timed, until
from tests.fakes import vision_models
from tests.fakes.vision_models import FINDS, GRADES, jpeg, scene

LIMITS = VisionLimits(heartbeat_s=0.5)


def plan(root: Path, **others: object) -> Start:
    models = {"tiny": str(root / "tiny"), "tiny-class": str(root / "tiny-class")}
    return Start((FINDS, GRADES), models, threads=1, **others)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    vision_models.detector(tmp_path / "tiny")
    vision_models.classifier(tmp_path / "tiny-class")
    return tmp_path


@asynccontextmanager
async def worker(start, limits: VisionLimits = LIMITS, measured: Path | None = None):
    make = start if callable(start) else lambda: start
    async with serving(make, limits, measured, COMMAND) as vision:
        assert vision.status().ready, vision.status().reason
        yield vision


async def test_a_photo_goes_all_the_way_through(root: Path):
    async with worker(plan(root)) as vision:
        inspection, photo = await vision.inspect(jpeg(scene()), "grades")
        status = vision.status()
    assert {p.label for p in inspection.predictions if p.shown} == {"red"}
    assert inspection.models == {"detector": "tiny@1.0.0", "classifier": "tiny-class@1.0.0"}
    assert (photo.width, photo.height) == (1280, 960)
    assert {(m.profile, m.role) for m in status.models} == {
        ("finds", "detector"),
        ("grades", "detector"),
        ("grades", "classifier"),
    }
    assert all(m.median_ms > 0 and m.backend.startswith("onnxruntime") for m in status.models)
    assert status.refused == {}


async def test_what_cannot_be_read_comes_back_as_the_device_calls_it(root: Path):
    async with worker(plan(root, max_megapixels=1.0)) as vision:
        for data in (b"", b"hello", jpeg(scene(800, 600))[:-100]):
            with pytest.raises(BadImageError) as caught:
                await vision.inspect(data, "finds")
            assert caught.value.hint
        with pytest.raises(ImageTooLargeError):
            await vision.inspect(jpeg(scene()), "finds")
        with pytest.raises(BadImageError):
            await vision.annotate(b"hello", ())
        with pytest.raises(UnknownProfileError, match="nobody"):
            await vision.inspect(jpeg(scene(800, 600)), "nobody")
        assert vision.status().restarts == 0


async def test_an_image_bomb_is_refused_fast_and_costs_next_to_no_memory(root: Path):
    ihdr = b"IHDR" + (40_000).to_bytes(4) * 2 + b"\x08\x02\x00\x00\x00"
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d" + ihdr + zlib.crc32(ihdr).to_bytes(4)
    async with worker(plan(root)) as vision:
        await vision.inspect(jpeg(scene()), "finds")
        child = psutil.Process(vision.status().pid)
        before, spent = child.memory_info().rss, sum(child.cpu_times()[:2])
        await _refused(vision, png + b"\x00" * 100_000)
        assert sum(child.cpu_times()[:2]) - spent < 0.2
        assert child.memory_info().rss - before < 100e6


async def _refused(vision, data: bytes) -> None:
    with pytest.raises((ImageTooLargeError, BadImageError)):
        await vision.inspect(data, "finds")


async def test_a_photo_for_which_memory_does_not_suffice_is_said_and_the_next_one_is_taken(
    root: Path,
):
    start = plan(root, memory_mb=512, max_megapixels=400.0)
    noise = np.zeros((7_500, 7_500, 3), np.uint8)
    noise[::7] = 255
    heavy = cv2.imencode(".png", noise, (cv2.IMWRITE_PNG_COMPRESSION, 1))[1].tobytes()
    async with worker(start, replace(LIMITS, deadline_s=30)) as vision:
        with pytest.raises(ImageTooLargeError, match="memory") as caught:
            await vision.inspect(heavy, "finds")
        assert "memory_mb" in caught.value.hint
        await vision.inspect(jpeg(scene()), "finds")


async def test_the_drawing_is_a_jpeg_of_at_most_1600_pixels(root: Path):
    box = Prediction("dent", 0.9, (500, 500, 1500, 1500), Source.DETECTOR)
    async with worker(plan(root)) as vision:
        plain = await vision.annotate(jpeg(scene(4000, 3000)), ())
        drawn = await vision.annotate(jpeg(scene(4000, 3000)), (box,))
    pixels = [cv2.imdecode(np.frombuffer(d, np.uint8), cv2.IMREAD_COLOR) for d in (plain, drawn)]
    assert [p.shape for p in pixels] == [(1200, 1600, 3)] * 2
    changed = np.abs(pixels[0].astype(int) - pixels[1]).max(axis=2) > 60
    assert changed[200:600, 198:202].mean() > 0.9
    assert changed[700:, 700:].mean() < 0.01


async def test_a_fresh_worker_serves_within_three_seconds_of_a_kill(root: Path):
    async with worker(plan(root)) as vision, LoopLatency() as loop:
        photo = jpeg(scene())
        await vision.inspect(photo, "finds")
        os.kill(vision.status().pid or 0, signal.SIGKILL)
        assert await timed(vision.inspect(photo, "finds")) < 3.0
        assert vision.status().restarts == 1
    assert loop.worst_s < 0.1


async def test_a_kill_under_a_photo_gets_a_second_try(root: Path):
    photo = jpeg(scene(6000, 4500))
    async with worker(plan(root)) as vision:
        job = asyncio.create_task(vision.inspect(photo, "finds"))
        await asyncio.sleep(0.02)
        os.kill(vision.status().pid or 0, signal.SIGKILL)
        inspection, _ = await job
        assert inspection.predictions
        assert vision.status().restarts == 1


async def test_a_worker_stopped_under_a_photo_is_replaced_at_the_deadline(root: Path):
    photo = jpeg(scene(6000, 4500))
    async with worker(plan(root), replace(LIMITS, deadline_s=2.0)) as vision:
        stopped = vision.status().pid or 0
        job = asyncio.create_task(vision.inspect(photo, "finds"))
        await asyncio.sleep(0.02)
        os.kill(stopped, signal.SIGSTOP)
        results = await asyncio.gather(job, return_exceptions=True)
        assert "too long" in str(results[0])
        await until(lambda: vision.status().pid not in (stopped, None))
        await vision.inspect(jpeg(scene()), "finds")


async def test_models_are_swapped_under_load_and_no_request_fails(root: Path):
    versions = iter(range(100))

    def next_plan() -> Start:
        n = next(versions)
        vision_models.detector(root / f"tiny-{n}", version=f"1.0.{n}")
        return replace(plan(root), models={"tiny": str(root / f"tiny-{n}")})

    photo = jpeg(scene())
    async with worker(next_plan, replace(LIMITS, queue=64)) as vision:
        seen: list[str] = []
        tasks: list[asyncio.Task[None]] = []

        async def one() -> None:
            inspection, _ = await vision.inspect(photo, "finds")
            seen.append(inspection.models["detector"])

        async def client() -> None:  # a request every tenth of a second, whether answered or not
            while True:
                tasks.append(asyncio.create_task(one()))
                await asyncio.sleep(0.1)

        clock = asyncio.create_task(client())
        for _ in range(3):
            await vision.reload()
            await asyncio.sleep(0.3)
        clock.cancel()
        await asyncio.gather(*tasks)
        assert vision.status().restarts == 0
    assert len(seen) >= 10
    assert sorted(set(seen)) == [f"tiny@1.0.{n}" for n in range(4)]


async def test_a_model_that_fails_its_golden_image_is_refused_and_the_old_one_serves_on(
    root: Path,
):
    wrong = Golden("golden.png", (("blue", 0.99, (0.0, 0.0, 16.0, 16.0)),))
    folder = root / "wrong"
    folder.mkdir()
    cv2.imwrite(str(folder / "golden.png"), scene(64, 64))
    vision_models.detector(folder, version="2.0.0", golden=(wrong,))
    plans = iter([plan(root), replace(plan(root), models={"tiny": str(folder)})])
    async with worker(lambda: next(plans)) as vision:
        with pytest.raises(RefusedModelFileError, match="tiny@2.0.0"):
            await vision.reload()
        inspection, _ = await vision.inspect(jpeg(scene()), "finds")
    assert inspection.models["detector"] == "tiny@1.0.0"


@pytest.mark.parametrize("damage", ["missing", "truncated", "text"])
async def test_at_the_start_a_damaged_model_is_refused_and_the_quality_still_judged(
    root: Path, damage: str
):
    weights = root / "tiny" / "weights.onnx"
    if damage == "missing":
        weights.unlink()
    else:
        weights.write_bytes(weights.read_bytes()[:100] if damage == "truncated" else b"hello")
    async with worker(plan(root)) as vision:
        assert "tiny@1.0.0" in vision.status().refused
        inspection, _ = await vision.inspect(jpeg(scene()), "finds")
    assert inspection.missing == ("tiny",)
    assert inspection.quality.usable


async def test_a_model_is_measured_once_and_not_at_the_next_start(root: Path, tmp_path: Path):
    file = tmp_path / "measured.json"
    start = replace(plan(root), threads=0)
    async with worker(start, measured=file) as vision:
        first = vision.status().models
    written = file.read_bytes()
    async with worker(start, measured=file) as vision:
        assert vision.status().models == first
    assert file.read_bytes() == written


async def test_the_worker_has_no_network_and_dies_with_the_daemon(root: Path):
    async with worker(plan(root)) as vision:
        pid = vision.status().pid
        if vision.status().notes:
            pytest.skip("this system permits no network namespace; the note says so")
        ours, theirs = (Path(f"/proc/{p}/ns/net").readlink() for p in ("self", pid))
        assert ours != theirs
        assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "500"
        limits = Path(f"/proc/{pid}/limits").read_text()
    assert "Max core file size        0" in limits


async def test_a_worker_outlives_no_daemon(root: Path):
    program = (
        "import asyncio, os, signal\n"
        "from edge.adapters.vision.pool import *\n"
        "from edge.adapters.vision.messages import Start\n"
        "async def main():\n"
        "    vision = WorkerVision(lambda: Start(()), VisionLimits())\n"
        "    await vision.start()\n"
        "    print((await vision.ready()).pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    daemon = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, check=False
    )
    pid = int(daemon.stdout)
    await until(lambda: not psutil.pid_exists(pid))


DECODES_OR_INFERS = ["PIL", "ai_edge_litert", "cv2", "onnx", "onnxruntime", "pillow_heif"]


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("edge.adapters.vision.pool", [*DECODES_OR_INFERS, "numpy"]),
        ("edge.daemon", DECODES_OR_INFERS),  # sqlite-utils takes numpy in wherever it is installed
    ],
)
def test_the_daemons_side_imports_nothing_that_decodes_or_infers(module: str, heavy: list[str]):
    program = f"import sys, {module}\nprint(sorted(set({heavy!r}) & set(sys.modules)))\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"
