"""The demo: real photos by the phone's endpoint and the folder camera, until all is durable."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "tests" / "data" / "photos" / "vehicle"
VERDICT = {"ok": "[green]usable[/]", "uncertain": "[yellow]a person should look[/]"}
console = Console(soft_wrap=True)


async def main() -> int:
    """Run the demo; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop at the end; exit 0 if all held")
    once = parser.parse_args().once
    data = Path(tempfile.mkdtemp(prefix="edgecase-demo-"))
    address = f"http://127.0.0.1:{free_port(8000)}"
    device = await start_device(data, address)
    try:
        async with aiohttp.ClientSession(address) as http:
            held = await show(http, device, data, address)
        if not once:
            console.print(f"\nOpen [bold]{address}[/], or {address}/docs; Ctrl-C ends it")
            await device.wait()
        return 0 if held else 1
    except asyncio.CancelledError:
        return 0
    finally:
        await stop(device)
        shutil.rmtree(data, ignore_errors=True)


async def show(
    http: aiohttp.ClientSession, device: asyncio.subprocess.Process, data: Path, address: str
) -> bool:
    """Send the photos both ways, print what comes back; True if everything held."""
    started = time.monotonic()
    await ready(http, device)
    console.print(f"Device ready at {address} after {time.monotonic() - started:.1f} s\n")
    photos = sorted(PHOTOS.glob("*.jpg"))
    cut = len(photos) - 2
    verdicts = [await by_phone(http, photo) for photo in photos[:cut]]
    dropped = photos[cut:]
    for photo in dropped:
        shutil.copy(photo, data / "inbox" / photo.name)
    kept = {v["case"] for v in verdicts if v["case"]}
    cases = await settled(http, len(kept), len(kept) + len(dropped))
    report(cases)
    unexplained = [v for v in verdicts if not v["message"] and v["status"] != "ok"]
    whole = [await durable(http, case) for case in cases]
    console.print(f"\n{len(cases)} cases, each durable with its photo, boxes and summary.")
    return bool(cases) and all(whole) and kept <= {c["id"] for c in cases} and not unexplained


async def by_phone(http: aiohttp.ClientSession, photo: Path) -> dict[str, Any]:
    """Check a photo as the phone does, and keep it as a case if it is usable."""
    form, picture = aiohttp.FormData(), await asyncio.to_thread(photo.read_bytes)
    form.add_field("image", picture, filename="photo.jpg", content_type="image/jpeg")
    async with http.post("/check-image", data=form) as answer:
        verdict: dict[str, Any] = await answer.json()
    seen = ", ".join(f"{p['label']} {p['confidence']:.2f}" for p in shown(verdict)) or "nothing"
    status = VERDICT.get(verdict["status"], "[red]take it again[/]")
    console.print(f"{photo.name:<28} {status} · {seen} · {verdict['timings']['total']:.0f} ms")
    if verdict["message"]:
        console.print(f"{'':<28} [dim]{verdict['message']}[/]")
    verdict["case"] = ""
    if verdict["status"] != "retake":
        body = {"image_id": verdict["image_id"], "form": {"notes": "demo"}}
        key = {"Idempotency-Key": f"demo-{photo.stem}"}
        async with http.post("/cases", json=body, headers=key) as answer:
            answer.raise_for_status()
            verdict["case"] = (await answer.json())["id"]
    return verdict


def shown(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The detections that people are shown."""
    return [p for p in case["predictions"] if p["source"] == "detector" and p.get("shown", True)]


async def settled(http: aiohttp.ClientSession, at_least: int, at_most: int) -> list[dict[str, Any]]:
    """Wait for the folder camera's photos: some become cases, others have to be taken again."""
    cases: list[dict[str, Any]] = []
    for _ in range(120):
        async with http.get("/cases", params={"limit": "100"}) as answer:
            cases = (await answer.json())["cases"]
        if len(cases) >= at_most:
            break
        await asyncio.sleep(0.25)
    return cases if len(cases) > at_least else []


def report(cases: list[dict[str, Any]]) -> None:
    """Print every case with its outcome and summary."""
    table = Table("case", "outcome", "seen", "summary", title="\nCases", title_justify="left")
    for case in cases:
        seen = ", ".join(p["label"] for p in shown(case)) or "nothing"
        table.add_row(case["id"][:8], case["decision"]["outcome"], seen, case["summary"]["text"])
    console.print(table)


async def durable(http: aiohttp.ClientSession, case: dict[str, Any]) -> bool:
    """True when the device gives the case's photo and its picture with boxes back."""
    answers = []
    for variant in ("original", "annotated", "thumb"):
        async with http.get(f"/cases/{case['id']}/image", params={"variant": variant}) as answer:
            answers.append(answer.status == 200 and len(await answer.read()) > 0)
    return all(answers) and bool(case["summary"]["text"])


async def start_device(data: Path, address: str) -> asyncio.subprocess.Process:
    """Start `edgecase run` with the folder camera on, its log beside the data."""
    settings = {
        "EDGECASE_HTTP__PORT": address.rsplit(":", 1)[1],
        "EDGECASE_STORE__DATA_DIR": str(data),
        "EDGECASE_CAMERA__KIND": "folder",
        "EDGECASE_CAMERA__TRIGGER": "interval",
        "EDGECASE_CAMERA__INTERVAL_S": "0.5",
        "EDGECASE_DEVICE__NAME": "demo",
    }
    program = Path(sys.executable).with_name("edgecase")
    with (data / "edge.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            program, "run", env={**os.environ, **settings}, stdout=log, stderr=log
        )


async def ready(http: aiohttp.ClientSession, device: asyncio.subprocess.Process) -> None:
    """Wait until the device takes photos."""
    for _ in range(300):
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get("/health") as answer:
                if answer.status == 200:
                    return
        if device.returncode is not None:
            raise SystemExit(f"the device ended with {device.returncode}")
        await asyncio.sleep(0.1)
    raise SystemExit("the device did not become ready within 30 s")


async def stop(device: asyncio.subprocess.Process) -> None:
    """End the device as systemd would."""
    if device.returncode is None:
        device.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(device.wait(), 10)
        if device.returncode is None:
            device.kill()


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else one the system chooses."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise SystemExit("no free port on loopback")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main()))
