"""(c), (d) and (e): a running device, from outside."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import time
import uuid
from typing import TYPE_CHECKING, Any

from scripts.benchmarks.device import Running, device
from scripts.benchmarks.figures import Figure
from scripts.benchmarks.photos import jpeg

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROUNDS = 30
OPEN_GATE = {"EDGECASE_QUALITY__BLUR_THRESHOLD": "0"}


def measure_round_trips(folder: Path, _full: bool) -> list[Figure]:
    """(c): what HTTP adds to a decision, and what durability adds to that."""
    photo = jpeg()
    with device(folder, **OPEN_GATE) as running:
        check, beyond, keep, sync = [], [], [], []
        for _ in range(ROUNDS + 1):
            answer, ms = post(running, "/check-image", photo)
            check.append(ms)
            beyond.append(ms - answer["timings"]["total"])
            _, ms = post(running, "/cases", photo, key=str(uuid.uuid4()))
            keep.append(ms)
            sync.append(durable_write_ms(folder, photo))
    added = statistics.median(k - c for k, c in zip(keep[1:], check[1:], strict=True))
    return [
        Figure("POST /check-image, 12 MP", statistics.median(check[1:]), "ms"),
        Figure("(c) of that beyond the inspection itself", statistics.median(beyond[1:]), "ms", 10),
        Figure("POST /cases, 12 MP, durable", statistics.median(keep[1:]), "ms"),
        Figure("POST /cases − /check-image", added, "ms"),
        Figure(
            "this disk: write, fsync, rename, fsync of the same bytes",
            statistics.median(sync),
            "ms",
        ),
    ]


def measure_memory(folder: Path, full: bool) -> list[Figure]:
    """(d): memory with the default models, and whether it grows."""
    photo, rounds = jpeg(size=(1600, 1200)), 2000 if full else 300
    with device(folder) as running:
        for _ in range(50):
            post(running, "/check-image", photo)
        early = running.memory_mb()
        for _ in range(rounds - 50):
            post(running, "/check-image", photo)
        late = running.memory_mb()
    return [
        Figure("(d) daemon + vision worker", max(early, late), "MB", 300),
        Figure(f"growth from 50 to {rounds} photos", late - early, "MB", 10),
    ]


def measure_start(folder: Path, _full: bool) -> list[Figure]:
    """(e): from start to ready; the first start also measures the models."""
    times = []
    for _ in range(4):
        with device(folder) as running:
            times.append(running.ready_s)
    return [
        Figure("first start, models measured", times[0], "s"),
        Figure("(e) start to ready", statistics.median(times[1:]), "s", 3.0),
    ]


def post(running: Running, path: str, photo: bytes, key: str = "") -> tuple[dict[str, Any], float]:
    """Send a photo; the answer, and milliseconds from the first byte out to the last one in."""
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + photo + f"\r\n--{boundary}--\r\n".encode()
    headers: Mapping[str, str] = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        **({"Idempotency-Key": key} if key else {}),
    }
    connection = http.client.HTTPConnection(running.address.removeprefix("http://"), timeout=60)
    started = time.perf_counter()
    connection.request("POST", path, body, dict(headers))
    answer = connection.getresponse()
    data = json.loads(answer.read())
    spent = (time.perf_counter() - started) * 1000
    connection.close()
    if answer.status >= 400:
        raise SystemExit(f"{path}: {answer.status} {data}")
    return data, spent


def durable_write_ms(folder: Path, data: bytes) -> float:
    """What this disk takes to make the same bytes durable, milliseconds."""
    started = time.perf_counter()
    path = folder / "fsync.probe"
    with path.with_suffix(".tmp").open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.with_suffix(".tmp").rename(path)
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    return (time.perf_counter() - started) * 1000
