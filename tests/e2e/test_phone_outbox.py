"""A phone that loses the device in mid-upload: its photo arrives once, whatever happens there."""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import TimeoutError as PlaywrightTimeoutError
from playwright.async_api import expect

from edge.store.tokens import Scope
from tests.e2e.phones import PHOTOS, Phone
from tests.fakes.vision import blurred_picture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


class Wire:
    """A road between phone and device that can be cut, also behind the device's back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.open = True
        self.cut_answers = False
        """True: what the phone sends arrives, and no answer comes back."""
        self.stalled = False
        """True: a photo that is to be judged doesn't get through, and nobody says so."""
        self.uploads = 0
        self._pipes: set[asyncio.StreamWriter] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        self.open = False
        for pipe in self._pipes:
            pipe.transport.abort()

    async def stop(self) -> None:
        self.cut()
        self._server.close()

    async def _serve(self, phone_in: asyncio.StreamReader, phone_out: asyncio.StreamWriter) -> None:
        if not self.open:
            phone_out.transport.abort()
            return
        device_in, device_out = await asyncio.open_connection("127.0.0.1", self._port)
        self._pipes |= {phone_out, device_out}
        await asyncio.gather(
            self._pump(phone_in, device_out, up=True),
            self._pump(device_in, phone_out, up=False),
            return_exceptions=True,
        )

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, up: bool
    ) -> None:
        while data := await source.read(65536):
            if up:
                self.uploads += len(re.findall(rb"POST /page/keep", data))
                if self.stalled and b"POST /page/check" in data:
                    await asyncio.sleep(3600)
            elif self.cut_answers and b"bar kept" in data:
                self.cut()
                return
            target.write(data)
            await target.drain()
        target.close()


@pytest.fixture
async def road(device):
    server = TestServer(device.app(), host="127.0.0.1")
    await server.start_server()
    wire = Wire(server.port)
    port = await wire.start()
    yield wire, port
    await wire.stop()
    await server.close()


@pytest.fixture
async def phone(road, browser):
    context = await browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    yield Phone(await context.new_page(), f"http://127.0.0.1:{road[1]}")
    await context.close()


async def send_now(phone: Phone) -> None:
    """Press it, unless the outbox was quicker: it tries by itself, and then there is no button."""
    button = phone.page.get_by_role("button", name="Send now")
    with contextlib.suppress(PlaywrightTimeoutError):
        await button.click(timeout=3000)


async def kept(device) -> int:
    return len((await device.store.list()).cases)


async def until_kept(device, count: int) -> None:
    async with asyncio.timeout(30):
        while await kept(device) < count:
            await asyncio.sleep(0.05)


async def test_a_photo_taken_without_the_device_waits_survives_a_reload_and_arrives_once(
    phone, road, device
):
    wire, _ = road
    await phone.open()
    wire.cut()
    await phone.take("dented-door")
    await phone.sees("Waiting for the device (1)")
    await phone.shot("outbox")
    wire.open = True
    await phone.open()  # a reload: the page begins anew, the outbox goes on
    await until_kept(device, 1)
    await expect(phone.page.get_by_text("Waiting for the device")).to_be_hidden(timeout=10_000)
    await asyncio.sleep(0.5)
    assert await kept(device) == 1


async def test_one_whose_answer_was_lost_is_sent_again_and_is_one_case(phone, road, device):
    wire, _ = road
    await phone.open()
    wire.cut()
    await phone.take("dented-door")
    await phone.sees("Waiting for the device (1)")
    wire.cut_answers, wire.open = True, True
    await send_now(phone)
    await until_kept(device, 1)
    wire.cut_answers, wire.open = False, True
    await expect(phone.page.get_by_text("Waiting for the device")).to_be_hidden(timeout=30_000)
    assert wire.uploads >= 2, "the control: it was sent again"
    assert await kept(device) == 1


async def test_a_judged_photo_that_could_not_be_kept_is_kept_later(phone, road, device):
    wire, _ = road
    await phone.open()
    await phone.take("dented-door")
    await phone.sees("Usable")
    wire.cut()
    await phone.page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Waiting for the device (1)")
    wire.open = True
    await send_now(phone)
    await until_kept(device, 1)


async def test_what_the_device_does_not_take_is_said_and_can_be_discarded(
    phone, road, device, tmp_path: Path
):
    wire, _ = road
    blurred = tmp_path / "blurred.jpg"
    blurred.write_bytes(blurred_picture())
    await phone.open()
    wire.cut()
    await phone.page.set_input_files("#image", blurred)
    await phone.sees("Waiting for the device (1)")
    wire.open = True
    await send_now(phone)
    await phone.sees("The device did not take this")
    await phone.page.get_by_role("button", name="Discard").click()
    await expect(phone.page.get_by_text("The device did not take this")).to_be_hidden()
    assert await kept(device) == 0


async def test_two_phones_have_an_outbox_each(road, browser, device):
    wire, port = road
    pages = []
    for _ in range(2):
        context = await browser.new_context(viewport={"width": 360, "height": 740})
        pages.append(Phone(await context.new_page(), f"http://127.0.0.1:{port}"))
        await pages[-1].open()
    wire.cut()
    await pages[0].take("dented-door")
    await pages[0].sees("Waiting for the device (1)")
    await expect(pages[1].page.get_by_text("Waiting for the device")).to_be_hidden()


async def test_without_the_device_the_page_still_opens_and_takes_photos(phone, road, device):
    wire, _ = road
    await phone.open()
    await phone.page.evaluate("navigator.serviceWorker.ready")
    await phone.open()  # now the worker sees it, and keeps it
    await phone.sees("Take a photo")
    wire.cut()
    await phone.open()
    await phone.sees("Take a photo")
    await phone.take("dented-door")
    await phone.sees("Waiting for the device (1)")
    wire.open = True
    await send_now(phone)
    await until_kept(device, 1)


async def test_the_page_opens_without_the_device_from_its_first_visit_on(phone, road):
    wire, _ = road
    await phone.open()
    await phone.page.evaluate("navigator.serviceWorker.ready")
    wire.cut()
    await phone.open()
    await phone.sees("Take a photo")
    await expect(phone.page.locator(".lens")).to_have_css("cursor", "pointer")  # its style, too


async def test_a_page_that_is_not_there_without_the_device_gives_way_to_the_one_that_is(
    phone, road
):
    wire, _ = road
    await phone.open()
    await phone.page.evaluate("navigator.serviceWorker.ready")
    wire.cut()
    await phone.page.get_by_role("link", name="History", exact=True).click()
    await phone.page.wait_for_url(phone.base + "/")
    await phone.sees("Take a photo")


async def test_a_page_that_is_reloaded_in_mid_upload_loses_no_photo(phone, road, device):
    wire, _ = road
    await phone.open()
    wire.stalled = True
    await phone.take("dented-door")
    await phone.sees("Looking…")
    await expect(phone.page.get_by_text("Waiting for the device")).to_be_hidden()
    await phone.open()
    await until_kept(device, 1)
    await expect(phone.page.get_by_text("Waiting for the device")).to_be_hidden(timeout=10_000)


async def test_a_photo_that_was_judged_is_written_down_no_more(phone, device):
    await phone.open()
    await phone.take("dented-door")
    await phone.sees("Usable")
    await phone.open()
    await asyncio.sleep(1)
    assert await kept(device) == 0


async def test_another_tab_leaves_alone_what_this_one_waits_for(phone, road, device):
    wire, _ = road
    await phone.open()
    wire.stalled = True
    await phone.take("dented-door")
    await phone.sees("Looking…")
    other = Phone(await phone.page.context.new_page(), phone.base)
    await other.open()
    await asyncio.sleep(1)
    assert await kept(device) == 0


async def test_a_judged_photo_that_the_device_forgot_meanwhile_is_sent_itself(phone, road, device):
    wire, _ = road
    await phone.open()
    await phone.take("dented-door")
    await phone.page.get_by_text("Details").click()
    await phone.page.get_by_label("Number plate").fill("B-XY 123")
    wire.cut()
    await phone.page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Waiting for the device (1)")
    await expect(phone.page.locator("#result .card")).to_have_count(0)  # nothing to be kept twice
    device.clock.moment += timedelta(hours=3)
    wire.open = True
    await send_now(phone)
    await until_kept(device, 1)
    (case,) = (await device.store.list()).cases
    assert case.form == {"plate": "B-XY 123"}


async def test_a_photo_that_was_thought_over_for_hours_is_kept_by_itself(phone, device):
    await phone.open()
    await phone.take("dented-door")
    await phone.sees("Usable")
    device.clock.moment += timedelta(hours=3)
    await phone.page.get_by_role("button", name="Keep as a case").click()
    await until_kept(device, 1)
    await phone.page.get_by_role("button", name="Keep as a case").click()  # it is still there
    await asyncio.sleep(1)
    assert await kept(device) == 1


async def test_what_was_typed_beside_the_first_photo_goes_with_the_second(phone, road, device):
    wire, _ = road
    await phone.open()
    await phone.take("dented-door")
    await phone.page.get_by_text("Details").click()
    await phone.page.get_by_label("Number plate").fill("B-XY 123")
    async with phone.page.expect_file_chooser() as chooser:
        await phone.page.get_by_role("button", name="One more photo of it").click()
    wire.cut()
    await (await chooser.value).set_files(PHOTOS / "rusty-door.jpg")
    await phone.sees("Waiting for the device (1)")
    wire.open = True
    await send_now(phone)
    await until_kept(device, 1)
    (case,) = (await device.store.list()).cases
    assert (case.form, len(case.images)) == ({"plate": "B-XY 123"}, 2)


async def test_a_photo_whose_form_nobody_could_fill_in_is_taken_all_the_same(phone, road, device):
    wire, _ = road
    await phone.open()
    await phone.page.get_by_label("What is it?").select_option("crop-pest")  # it needs a field
    wire.cut()
    await phone.take("dented-door")
    await phone.sees("Waiting for the device (1)")
    wire.open = True
    await send_now(phone)
    await until_kept(device, 1)
    (case,) = (await device.store.list()).cases
    assert case.profile == "crop-pest"


async def test_a_list_that_could_not_be_refreshed_takes_no_verdict_away(phone, road):
    wire, _ = road
    await phone.open()
    await phone.take("dented-door")
    await phone.sees("Usable")
    wire.cut()
    async with phone.page.expect_event("requestfailed"):
        await phone.page.evaluate("tell('missed')")
    await asyncio.sleep(0.3)
    await phone.sees("Usable")
    await expect(phone.page.locator("#trouble")).to_be_empty()


async def test_a_phone_that_is_revoked_keeps_its_photo_until_it_is_paired_again(device, browser):
    server = TestServer(device.app(auth="token"), host="127.0.0.1")
    await server.start_server()
    base = f"http://127.0.0.1:{server.port}"
    context = await browser.new_context(viewport={"width": 360, "height": 740}, locale="de-DE")
    phone = Phone(await context.new_page(), base)

    async def pair() -> str:
        plain, token = await device.store.create_token("phone", [Scope.VIEW, Scope.CAPTURE])
        await context.add_cookies([{"name": "edgecase_token", "value": plain, "url": base}])
        return token.id

    token_id = await pair()
    await phone.open()
    await phone.page.evaluate("navigator.serviceWorker.ready")
    await device.store.revoke_token(token_id)
    await phone.take("dented-door")
    await phone.sees("Mit einem Code koppeln")
    await phone.sees("Liegt hier, bis dieses Telefon wieder gekoppelt ist.")
    await phone.open()
    await phone.sees("Anmelden")
    assert await phone.page.evaluate("caches.match('/').then(kept => kept === undefined)")
    await pair()
    await phone.open()
    await until_kept(device, 1)
    await context.close()
    await server.close()


async def test_it_can_be_installed_as_an_app(phone):
    await phone.open()
    link = await phone.page.locator("link[rel=manifest]").get_attribute("href")
    answer = await phone.page.request.get(phone.base + link)
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = await answer.json()
    assert (manifest["display"], manifest["start_url"]) == ("standalone", "/")
    for icon in manifest["icons"]:
        assert (await phone.page.request.get(phone.base + icon["src"])).status == 200
