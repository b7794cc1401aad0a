"""The tower's pages in a real Chromium, at 360 pixels and on a desk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright, expect

from sync.codec import encode_state
from sync.messages import State
from sync.topics import state
from tests.e2e.phones import ARGS, CHROMIUM
from tests.fakes.keeps import Bench, Intake, opened
from tests.fakes.parcels import SentCase
from tests.fakes.towers_people import PASSWORD, House
from tower_sync_server.people.words import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
PATHS = ("/", "/page/devices", "/page/people", "/page/audit", "/page/me", "/docs", "/nowhere")


def picture(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (30, 40, 3), np.uint8)
    photo = cv2.resize(noise, (400, 300), interpolation=cv2.INTER_LINEAR)
    return cv2.imencode(".jpg", photo)[1].tobytes()


def case(seed: int) -> SentCase:
    photo, long = picture(seed), "a-label-that-is-as-long-as-no-label-should-ever-be" * 2
    box = {"confidence": 0.9, "box": [100, 80, 300, 200], "source": "detector", "shown": True}
    sent = SentCase(seq=seed, photo=photo, thumb=picture(seed + 100))
    image = {**sent.body()["images"][0], "width": 400, "height": 300}
    more = {"images": [image], "predictions": [{**box, "label": "dent"}, {**box, "label": long}]}
    return SentCase(id=sent.id, seq=seed, photo=photo, thumb=sent.thumb, more=more)


class Visitor:
    """A page, and everything that went wrong in it."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.wrong: list[str] = []
        page.on("pageerror", lambda e: self.wrong.append(str(e)))
        page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        page.on("request", self._note)

    def _note(self, request: object) -> None:
        url: str = request.url  # type: ignore[attr-defined]
        if not url.startswith((self.base, "data:")):
            self.wrong.append(f"asked for {url}")

    async def open(self, path: str) -> None:
        await self.page.goto(self.base + path)

    async def sign_in(self, name: str) -> None:
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_label("Password").press("Enter")

    async def is_wider_than_the_screen(self) -> bool:
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return bool(await self.page.evaluate(wide))

    async def unnamed(self) -> list[str]:
        """Controls that a screen reader has no name for."""
        found: list[str] = json.loads(
            await self.page.evaluate(
                """() => {
                    const words = (label) => {
                        const copy = label.cloneNode(true);
                        copy.querySelectorAll('input, select').forEach(e => e.remove());
                        return copy.textContent.trim();
                    };
                    const named = (e) => [...(e.labels || [])].some(words)
                        || (!e.matches('input, select') && e.textContent.trim())
                        || e.getAttribute('aria-label') || e.querySelector('img[alt]');
                    const all = 'input:not([type=hidden]):not([aria-hidden]), select, button, '
                        + 'a, summary';
                    return JSON.stringify([...document.querySelectorAll(all)]
                        .filter(e => !named(e)).map(e => e.outerHTML.slice(0, 120)));
                }"""
            )
        )
        return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened(tmp_path / "tower") as keep:
        made = House(Bench(keep), Intake())
        made.add("eva", Role.ADMIN)
        made.add("otto", Role.VIEWER)
        yield made


@pytest.fixture
async def base(house: House) -> AsyncIterator[str]:
    server = TestServer(house.app(ask=True), host="127.0.0.1")
    await server.start_server()
    yield str(server.make_url("")).rstrip("/")
    await server.close()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield launched
        await launched.close()


async def visitor(browser: Browser, base: str, size: dict[str, int]) -> Visitor:
    return Visitor(await browser.new_page(viewport=size), base)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_every_page_fits_has_names_for_everything_and_asks_nobody_else(
    house: House, base: str, browser: Browser, size: dict[str, int]
) -> None:
    sent = case(1)
    house.bench.send(sent)
    house.bench.ingest.take(state("gate"), encode_state(State(online=True, models={"a": "b" * 90})))
    eva = await visitor(browser, base, size)
    await eva.open("/")
    fits, named = [await eva.is_wider_than_the_screen()], [await eva.unnamed()]
    await eva.sign_in("eva")
    await expect(eva.page.get_by_role("heading", name="Cases")).to_be_visible()
    for path in (*PATHS, f"/page/cases/{sent.id}"):
        await eva.open(path)
        fits.append(await eva.is_wider_than_the_screen())
        named.append(await eva.unnamed())

    assert fits == [False] * 9
    assert [one for of_page in named for one in of_page] == []
    assert [w for w in eva.wrong if "404" not in w] == []


async def test_an_admin_deletes_restores_and_removes_a_case_by_hand(
    house: House, base: str, browser: Browser
) -> None:
    sent = case(1)
    house.bench.send(sent)
    eva = await visitor(browser, base, PHONE)
    await eva.open("/")
    await eva.sign_in("eva")
    page = eva.page

    await page.get_by_text("Dent,").click()
    await expect(page.locator("svg.boxes rect.line")).to_have_count(2)
    await page.get_by_text("Boxes", exact=True).click()
    await expect(page.locator("svg.boxes")).to_be_hidden()
    await page.locator("summary", has_text="Delete").click()
    await page.get_by_role("button", name="Delete it").click()
    await page.get_by_role("button", name="Restore it").click()
    await page.locator("summary", has_text="Delete").click()
    await page.get_by_role("button", name="Delete it").click()
    await page.locator("summary", has_text="Remove it for good").click()
    await page.get_by_role("button", name="Remove it for good").click()
    await expect(page.get_by_text("Nothing fits.")).to_be_visible()

    assert list(house.bench.keep.blobs.every()) == []
    assert eva.wrong == []


async def test_a_viewer_is_offered_nothing_that_is_not_for_viewers(
    house: House, base: str, browser: Browser
) -> None:
    sent = case(1)
    house.bench.send(sent)
    otto = await visitor(browser, base, DESK)
    await otto.open(f"/page/cases/{sent.id}")
    await otto.sign_in("otto")

    await expect(otto.page.get_by_role("heading", name="Dent")).to_be_visible()

    assert await otto.page.get_by_role("button", name="Delete").count() == 0
    assert await otto.page.locator("summary", has_text="Delete").count() == 0
    assert await otto.page.get_by_role("link", name="People").count() == 0
    await otto.page.get_by_role("link", name="otto").click()
    await otto.page.get_by_role("button", name="Sign out").click()
    await expect(otto.page.get_by_label("Password")).to_be_visible()
    await otto.open("/")
    await expect(otto.page.get_by_label("Password")).to_be_visible()
    assert otto.wrong == []


async def test_another_site_can_neither_read_nor_do_anything(
    house: House, base: str, browser: Browser
) -> None:
    """A page of another origin, in the browser of somebody who is signed in."""
    sent = case(1)
    house.bench.send(sent)
    context = await browser.new_context()
    eva = Visitor(await context.new_page(), base)
    await eva.open("/")
    await eva.sign_in("eva")
    await expect(eva.page.get_by_role("heading", name="Cases")).to_be_visible()
    evil = await context.new_page()
    await evil.route("http://evil.example/", lambda route: route.fulfill(body="<p>hello</p>"))
    await evil.goto("http://evil.example/")

    script = """async ([url, id]) => {
        const tries = [
            fetch(url + '/cases', {credentials: 'include'}),
            fetch(url + '/cases/' + id, {method: 'DELETE', credentials: 'include'}),
            fetch(url + `/page/cases/${id}/delete`,
                  {method: 'POST', credentials: 'include', mode: 'no-cors'}),
        ];
        return (await Promise.allSettled(tries)).map(one => one.status === 'fulfilled'
            ? one.value.type : 'refused');
    }"""
    found = await evil.evaluate(script, [base, sent.id])

    assert found[0] == "refused"
    assert house.bench.listing.case(sent.id, None).receipt.status == "needs_review"
    assert "case-delete" not in {e.action for e in house.audit.page(None, 20)}
