"""The phone's pages in a real Chromium, 390 by 844."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import expect

from tests.e2e.phones import PHOTOS, Phone
from tests.fakes.vision import blurred_picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


async def test_a_photo_is_taken_judged_kept_and_found_again(phone, device):
    page = phone.page
    await phone.open()
    await phone.shot("home")
    await phone.take("dented-door")
    await phone.sees("Usable")
    await expect(page.locator("#boxes svg text").first).to_have_text("scratch 74%")
    await phone.shot("verdict")
    await page.get_by_text("Details").click()
    await page.get_by_label("Number plate").fill("B-XY 123")
    await page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Kept as case 1")
    await phone.sees("666.40 EUR")
    await page.get_by_role("button", name="Open the case").click()
    await phone.sees("B-XY 123")
    await phone.shot("case")
    await page.get_by_label("In your words").fill("well seen")
    await page.get_by_role("button", name="Correct").click()
    await phone.sees("well seen")
    await page.get_by_role("link", name="History", exact=True).click()
    await expect(page.locator(".cases .row")).to_have_count(1)
    await phone.shot("history")
    assert phone.errors == []
    (case,) = (await device.store.list()).cases
    assert case.form == {"plate": "B-XY 123"}
    assert case.feedback[0].reason == "well seen"


async def test_a_slow_link_shows_how_much_of_the_photo_is_sent(phone):
    page = phone.page
    await phone.open()
    link = await page.context.new_cdp_session(page)
    slow = {"latency": 50, "downloadThroughput": 100_000, "uploadThroughput": 20_000}
    await link.send("Network.enable")
    await link.send("Network.emulateNetworkConditions", {"offline": False, **slow})
    await phone.take("dented-door")
    await expect(page.get_by_role("status").filter(has_text="Sending… 50 %")).to_be_visible()
    await phone.sees("Usable")


async def test_boxes_lie_where_the_model_saw_them_and_can_be_switched_off(phone):
    page = phone.page
    await phone.open()
    await phone.take("dented-door")
    await phone.sees("Usable")
    photo = await page.locator("#stage img").bounding_box()
    box = await page.locator("#boxes g.c1 rect.line, #boxes rect.line").last.bounding_box()
    assert abs((box["x"] - photo["x"]) / photo["width"] - 0.30) < 0.02
    assert abs((box["y"] - photo["y"]) / photo["height"] - 0.35) < 0.02
    assert abs(box["width"] / photo["width"] - 0.32) < 0.03
    toggle = page.get_by_role("button", name="Boxes")
    await expect(toggle).to_have_attribute("aria-pressed", "true")
    await toggle.click()
    await expect(toggle).to_have_attribute("aria-pressed", "false")
    await expect(page.locator("#boxes svg")).to_be_hidden()


async def test_a_blurred_photo_says_what_to_do_and_the_next_one_is_taken_at_once(phone):
    page = phone.page
    blurred = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": blurred_picture()}
    await phone.open()
    await page.set_input_files("#image", files=[blurred])
    await phone.sees("Hold the camera still and go 20 cm closer.")
    await expect(page.get_by_role("button", name="Keep as a case")).to_have_count(0)
    await phone.shot("retake")
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Take it again").click()
    await (await chooser.value).set_files(PHOTOS / "dented-door.jpg")
    await phone.sees("Usable")
    assert phone.errors == []


async def test_a_rejected_photo_is_kept_with_its_reason(phone, device):
    page = phone.page
    device.vision.shares = [("dent", 0.41, (0.3, 0.3, 0.6, 0.6))]
    await phone.open()
    await phone.take("scratched-door")
    await phone.sees("A person should look")
    await page.get_by_role("button", name="Reject", exact=True).click()
    await page.get_by_role("button", name="The marks are wrong").click()
    await phone.sees("is kept for learning only")
    (case,) = (await device.store.list()).cases
    assert (case.status, case.feedback[0].reason) == ("rejected", "The marks are wrong")


async def test_a_needed_detail_is_asked_for_and_a_rejection_goes_without(phone, device):
    page = phone.page
    await phone.open()
    await page.get_by_label("What is it?").select_option("crop-pest")
    await phone.take("dented-door")
    await phone.sees("some are needed")
    await page.get_by_role("button", name="Keep as a case").click()
    await page.wait_for_timeout(300)
    assert await page.evaluate("document.activeElement.name") == "form.field"
    assert (await device.store.list()).cases == ()
    await page.get_by_role("button", name="Reject", exact=True).click()
    await page.get_by_role("button", name="It shows something else").click()
    await phone.sees("is kept for learning only")
    await phone.take("rusty-door")
    await page.get_by_label("Field").fill("north")
    await page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Kept as case 2")


async def test_the_words_of_the_language_model_replace_the_templates_by_themselves(phone, device):
    from dataclasses import replace

    from models.case import Author, Summary

    page = phone.page
    await phone.open()
    await phone.take("dented-door")
    await page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Written from the facts")
    (case,) = (await device.store.list()).cases
    words = Summary("A dent and a scratch on the door.", Author.LLM, verified=True)
    await page.wait_for_timeout(300)  # until its stream is open
    await device.store.revise(case.id, lambda now: replace(now, summary=words))
    device.events.publish("summary", {"id": case.id, "text": words.text})
    await phone.sees("A dent and a scratch on the door.")


async def test_many_cases_in_a_row_use_up_no_connections(phone):
    page = phone.page
    await phone.open()
    for number in range(1, 9):  # a browser has six connections to a device
        await phone.take(("dented-door", "rusty-door")[number % 2])
        await page.get_by_role("button", name="Keep as a case").click()
        await phone.sees(f"Kept as case {number}")


async def test_the_list_grows_by_itself_when_a_case_is_stored(phone, device):
    page = phone.page
    await phone.open("/history")
    await phone.sees("No case yet.")
    await page.wait_for_timeout(300)
    await device.capture.take()
    await expect(page.locator(".cases .row")).to_have_count(1, timeout=10_000)


async def test_what_is_no_picture_is_said_so_and_another_can_be_taken(phone):
    page = phone.page
    await phone.open()
    text = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"hello"}
    await page.set_input_files("#image", files=[text])
    await phone.sees("This is not a JPEG, PNG, WebP or HEIC picture")
    await expect(page.locator(".lens")).to_be_visible()


async def test_what_people_type_never_runs(phone, device):
    page = phone.page
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    await phone.open()
    await phone.take("dented-door")
    await page.get_by_text("Details").click()
    await page.get_by_label("Notes").fill(evil)
    await page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Kept as case 1")
    await page.get_by_role("button", name="Open the case").click()
    await phone.sees(evil)
    assert "owned" not in await page.title()
    assert phone.errors == []


async def test_everything_is_reached_with_the_keyboard(phone):
    page = phone.page

    async def reached():
        found = set()
        for _ in range(40):
            await page.keyboard.press("Tab")
            found.add(
                await page.evaluate(
                    "(e => e.id || e.name || (e.innerText || '').trim())(document.activeElement)"
                )
            )
        return found

    await phone.open()
    assert {"image", "profile", "History"} <= await reached()
    await phone.take("dented-door")
    await phone.sees("Usable")
    assert {"profile", "keep", "Retake", "Reject", "Boxes", "History"} <= await reached()


async def test_nothing_is_wider_than_a_small_phone(phone):
    page = phone.page
    await page.set_viewport_size({"width": 360, "height": 640})
    for path in ("/", "/history", "/session"):
        await phone.open(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
    await phone.open()
    await phone.take("dented-door")
    await phone.sees("Usable")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_the_documentation_works_without_a_network(phone):
    await phone.open("/docs")
    await phone.sees("/check-image")
    assert phone.errors == []


async def test_a_browser_signs_in_with_a_token(device, browser):
    from edge.store.tokens import Scope

    plain, _ = await device.store.create_token("phone", [Scope.VIEW, Scope.CAPTURE])
    server = TestServer(device.app(auth="token"), host="127.0.0.1")
    await server.start_server()
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    phone = Phone(await context.new_page(), f"http://127.0.0.1:{server.port}")
    await phone.open()
    await phone.page.get_by_label("Token").fill("wrong")
    await phone.page.get_by_role("button", name="Sign in").click()
    await phone.sees("This token is not known here.")
    await phone.page.get_by_label("Token").fill(plain)
    await phone.page.get_by_role("button", name="Sign in").click()
    await phone.sees("Take a photo")
    assert "edgecase_token" not in await phone.page.evaluate("document.cookie")
    await context.close()
    await server.close()


async def test_each_case_says_how_far_it_has_travelled_and_the_list_goes_along(phone, device):
    page = phone.page
    case, _ = await device.capture.take()
    await phone.open("/history")
    await expect(page.locator(".cases .row")).to_contain_text("only here")
    await page.wait_for_timeout(300)  # until its stream is open
    await device.store.note_travelled(stored=[each.id for each in await device.store.pending()])
    device.events.publish("synced", {"id": case.id})
    await expect(page.locator(".cases .row")).to_contain_text("on the tower", timeout=10_000)
    await page.locator(".cases .row").click()
    await expect(page.locator("#travel")).to_contain_text("Safe on the tower, since")
