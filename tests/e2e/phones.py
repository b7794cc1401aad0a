"""A phone: a page in a real Chromium, 390 by 844, and everything that went wrong in it."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright, expect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from tests.fakes.device import Device

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHOTOS = Path(__file__).parents[1] / "data" / "photos" / "vehicle"
SHOTS = os.environ.get("EDGECASE_TEST_SHOTS", "")
"""Where to put screenshots, for people to look at."""


class Phone:
    """A page, and everything that went wrong in it."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.errors: list[str] = []
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("request", self._note)

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.base, "blob:", "data:")):
            self.errors.append(f"asked for {request.url}")

    async def open(self, path: str = "/") -> None:
        await self.page.goto(self.base + path)

    async def take(self, name: str) -> None:
        await self.page.set_input_files("#image", PHOTOS / f"{name}.jpg")

    async def sees(self, text: str) -> None:
        await expect(self.page.get_by_text(text).first).to_be_visible(timeout=10_000)

    async def shot(self, name: str) -> None:
        if SHOTS:
            await self.page.screenshot(path=Path(SHOTS) / f"{name}.png")


@asynccontextmanager
async def a_browser(*more: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGS, *more])
        try:
            yield launched
        finally:
            await launched.close()


@asynccontextmanager
async def a_phone(browser: Browser, device: Device, **options: Any) -> AsyncIterator[Phone]:
    """One in front of the device; `options` are those of a browser's context."""
    server = TestServer(device.app(), host="127.0.0.1")
    await server.start_server()
    wanted = {"viewport": {"width": 390, "height": 844}, "has_touch": True, **options}
    context = await browser.new_context(**wanted)
    try:
        yield Phone(await context.new_page(), f"http://127.0.0.1:{server.port}")
    finally:
        await context.close()
        await server.close()
