"""The demo: photos by the phone's endpoint and the folder camera, until the tower holds all."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
from scripts.demo_parts import (
    USER,
    Part,
    free_port,
    start_broker,
    start_device,
    start_tower,
    stop,
)

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
    parts: list[Part] = []
    password = secrets.token_urlsafe(12)
    try:
        broker_port = free_port(1883)
        parts.append(await start_broker(data, broker_port))
        parts.append(await start_tower(data, broker_port, password))
        parts.append(await start_device(data, broker_port))
        _, tower, device = parts
        jar = aiohttp.CookieJar(unsafe=True)  # the tower's name is an address
        async with (
            aiohttp.ClientSession(device.address) as http,
            aiohttp.ClientSession(tower.address, cookie_jar=jar) as above,
        ):
            held = await show(http, device, data)
            await sign_in(above, tower, password)
            held = held and await carried(http, above, tower)
        if not held:
            for part in parts:
                console.print(part.last_words(), markup=False, highlight=False)
        if not once:
            console.print(
                f"\nOpen [bold]{device.address}[/], or {device.address}/docs;"
                f" the tower is at {tower.address}: sign in as [bold]{USER}[/] with"
                f" [bold]{password}[/]; Ctrl-C ends it"
            )
            await device.process.wait()
        return 0 if held else 1
    except asyncio.CancelledError:
        return 0
    finally:
        for part in reversed(parts):
            await stop(part.process)
        shutil.rmtree(data, ignore_errors=True)


async def show(http: aiohttp.ClientSession, device: Part, data: Path) -> bool:
    """Send the photos both ways, print what comes back; True if everything held."""
    started = time.monotonic()
    await device.ready(http)
    console.print(f"Device ready at {device.address} after {time.monotonic() - started:.1f} s\n")
    photos = sorted(PHOTOS.glob("*.jpg"))
    cut = len(photos) - 2
    verdicts = [await by_phone(http, photo) for photo in photos[:cut]]
    dropped = photos[cut:]
    for photo in dropped:
        shutil.copy(photo, data / "device" / "inbox" / photo.name)
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


async def sign_in(above: aiohttp.ClientSession, tower: Part, password: str) -> None:
    """Sign in on the tower, as everybody has to."""
    await tower.ready(above)
    async with above.post("/sign-in", json={"user": USER, "password": password}) as answer:
        answer.raise_for_status()


async def carried(
    http: aiohttp.ClientSession, above: aiohttp.ClientSession, tower: Part, within_s: float = 120
) -> bool:
    """Wait until the tower holds every case just as the device does; True if it does."""
    await tower.ready(above)
    async with http.get("/cases", params={"limit": "100"}) as answer:
        waiting = [case["id"] for case in (await answer.json())["cases"]]
    total, until = len(waiting), time.monotonic() + within_s
    with console.status("") as line:
        while waiting and time.monotonic() < until:
            line.update(f"{total - len(waiting)} of {total} cases are on the tower")
            waiting = [case for case in waiting if not await same(http, above, case)]
            await asyncio.sleep(0.2)
    if waiting:
        console.print(f"[red]{len(waiting)} of {total} cases did not reach the tower whole.[/]")
        return False
    console.print(f"{total} cases are on the tower at {tower.address}, byte for byte the same.")
    return True


async def same(http: aiohttp.ClientSession, above: aiohttp.ClientSession, case: str) -> bool:
    """True when the tower holds this case and its photos as the device has them, and it knows."""
    async with http.get(f"/cases/{case}") as here, above.get(f"/cases/{case}") as there:
        if there.status != 200:
            return False
        ours, theirs = await here.json(), await there.json()
    receipt, state = theirs.pop("archive"), ours.pop("sync")
    if ours != theirs or not receipt["complete"] or state["state"] != "stored":
        return False
    wanted = [(v, str(n)) for n in range(len(ours["images"])) for v in ("original", "thumb")]
    for variant, n in wanted:
        which = {"variant": variant, "n": n}
        async with (
            http.get(f"/cases/{case}/image", params=which) as here,
            above.get(f"/cases/{case}/image", params=which) as there,
        ):
            if there.status != 200 or await here.read() != await there.read():
                return False
    return True


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: nothing may run on
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main()))
