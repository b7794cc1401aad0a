"""Corrections by touch, languages, a small screen and a screen reader, in a real Chromium."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.async_api import expect

from tests.e2e.phones import a_phone
from tests.fakes.vision import blurred_picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SMALL = {"viewport": {"width": 360, "height": 640}, "has_touch": True}
ACCIDENT = "Kraftfahrzeughaftpflichtversicherungsscheinnummer"
TWICE_AS_LARGE = "html { font-size: 200% !important }"
TOUCHED = (
    "button, select, summary, [role=button], nav a, .row, .back a, textarea, "
    "input:not([type=hidden]):not(.unseen):not([type=radio]), label:has([type=radio])"
)
NAMED = {"button", "link", "textbox", "searchbox", "combobox", "radio", "checkbox", "meter", "img"}
LEAST_PX = 44


WITHOUT_ENGLISH = "document.querySelectorAll('[lang=en]').forEach(e => e.remove())"


async def a_case(phone, name="dented-door"):
    await phone.open()
    await phone.take(name)
    await phone.page.locator("button[name=keep]").click()
    await phone.page.locator(
        "a[href^='/history/0']:not([aria-label]), .kept a[role=button]"
    ).first.click()
    await expect(phone.page.locator("#case")).to_be_visible()


async def test_a_mark_is_touched_and_named_anew(phone, device):
    page = phone.page
    await a_case(phone)
    await page.locator("figure.touch svg.boxes g[data-place='1'] rect.line").tap(force=True)
    select = page.locator("#correct select[name='label.1']")
    await expect(select).to_be_focused()
    await page.keyboard.press("Escape")
    await select.select_option("dent")
    await page.get_by_role("button", name="Send the correction").click()
    await expect(page.locator(".said")).to_contain_text("2 × dent")
    (case,) = (await device.store.list()).cases
    assert [c.label for c in case.feedback[0].corrections] == ["dent", "dent"]
    assert phone.errors == []


async def test_what_was_missed_is_drawn_with_a_finger(phone, device):
    page = phone.page
    await a_case(phone)
    await page.get_by_text("Correct what was seen").click()
    await page.get_by_role("button", name="Mark what was missed").click()
    photo = await page.locator("figure.touch svg.boxes").bounding_box()
    x, y = photo["x"] + photo["width"] * 0.1, photo["y"] + photo["height"] * 0.7
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + photo["width"] * 0.2, y + photo["height"] * 0.2, steps=4)
    await page.mouse.up()
    await expect(page.locator("#correct .drawn select")).to_be_focused()
    await page.keyboard.press("Escape")
    await phone.shot("correct")
    await page.get_by_role("button", name="Send the correction").click()
    await expect(page.locator(".said")).to_contain_text("Wrong")
    (case,) = (await device.store.list()).cases
    image, drawn = case.images[0], case.feedback[0].corrections[-1]
    shares = [drawn.box[0] / image.width, drawn.box[1] / image.height]
    shares += [drawn.box[2] / image.width, drawn.box[3] / image.height]
    assert shares == pytest.approx([0.1, 0.7, 0.3, 0.9], abs=0.02)
    assert phone.errors == []


async def test_a_touch_that_draws_nothing_adds_nothing(phone):
    page = phone.page
    await a_case(phone)
    await page.get_by_text("Correct what was seen").click()
    await page.get_by_role("button", name="Mark what was missed").click()
    photo = await page.locator("figure.touch svg.boxes").bounding_box()
    await page.mouse.click(photo["x"] + 9, photo["y"] + 9)
    await expect(page.locator("#correct .drawn")).to_have_count(0)
    await expect(page.locator("svg rect.drawn")).to_have_count(0)


async def test_a_german_phone_is_spoken_to_in_german_and_may_choose(browser, device):
    async with a_phone(browser, device, locale="de-DE") as phone:
        page = phone.page
        await phone.open()
        await phone.sees("Es wird auf diesem Gerät selbst angesehen")
        await phone.take("dented-door")
        await phone.sees("Brauchbar")
        await phone.shot("verdict-de")
        await page.get_by_role("button", name="Als Fall behalten").click()
        await phone.sees("Behalten als Fall 1")
        await page.get_by_role("button", name="English").click()
        await phone.sees("Take a photo")
        await page.reload()
        await phone.sees("Take a photo")
        assert phone.errors == []


async def test_the_pages_say_nothing_english_to_a_german_phone(browser, device):
    async with a_phone(browser, device, locale="de-DE") as phone:
        await a_case(phone)
        case = phone.page.url.removeprefix(phone.base)
        for path in ("/", "/history", case, "/device", "/paired", "/session", "/pair", "/trust"):
            await phone.open(path)
            await phone.page.evaluate(WITHOUT_ENGLISH)
            said = await phone.page.inner_text("body")
            words = set(said.lower().replace(".", " ").replace(",", " ").split())
            assert not words & {"the", "is", "of", "with", "this", "what", "not", "and"}, (
                path,
                said,
            )


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
async def test_nothing_is_wider_than_a_small_phone_and_all_is_large_enough_to_touch(
    browser, device, locale
):
    async with a_phone(browser, device, **SMALL, locale=locale) as phone:
        page = phone.page
        await a_case(phone)
        case = page.url.removeprefix(phone.base)
        for path in (case, "/history", "/device", "/paired", "/session", "/pair", "/trust", "/"):
            await phone.open(path)
            await fits(phone, path)
        await phone.take("dented-door")
        await expect(page.locator("button[name=keep]")).to_be_visible()
        await fits(phone, "verdict")


async def fits(phone, where):
    page = phone.page
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360, where
    small = []
    for each in await page.locator(TOUCHED).all():
        box = await each.bounding_box()
        if box and box["width"] > 1 and box["height"] < LEAST_PX - 0.5:
            small.append((await each.evaluate("e => e.outerHTML.slice(0, 90)"), box["height"]))
    assert small == [], where


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
async def test_every_button_under_a_verdict_stands_between_the_margins(browser, device, locale):
    async with a_phone(browser, device, **SMALL, locale=locale) as phone:
        await verdict(phone)
        for button in await phone.page.locator(".bar > button").all():
            box = await button.bounding_box()
            assert box["x"] >= 15.5, await button.inner_text()
            assert box["x"] + box["width"] <= 344.5, await button.inner_text()


async def test_a_profile_of_long_words_fits_and_can_be_kept_at_once(browser, device):
    known = device.parts.pipeline.profiles
    profile, shots = known["vehicle-damage"], known["skin"].shots
    field = profile.form[0]
    long = replace(field, label=f"{ACCIDENT} des Unfallgegners", required=True)
    words = replace(profile, title=ACCIDENT * 2, form=(long, *profile.form[1:]), shots=shots)
    device.parts.pipeline.profiles = {**known, "vehicle-damage": words}
    async with a_phone(browser, device, **SMALL, locale="de-DE") as phone:
        page = phone.page
        await verdict(phone)
        await fits(phone, "verdict")
        await expect(page.locator("button[name=keep]")).to_be_in_viewport(ratio=1)
        await page.locator("[name='form.client']").fill(ACCIDENT * 2)
        await page.locator("button[name=keep]").click()
        await page.locator(".kept a[role=button]").click()
        await expect(page.locator("#case")).to_be_visible()
        await fits(phone, "case")


async def test_a_blurred_photo_is_taken_again_by_the_thumb_that_took_it(browser, device):
    async with a_phone(browser, device, **SMALL, locale="de-DE") as phone:
        await phone.open()
        tall = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": blurred_picture(480, 640)}
        await phone.page.set_input_files("#image", files=[tall])
        again = phone.page.get_by_role("button", name="Noch einmal aufnehmen")
        await expect(again).to_be_in_viewport(ratio=1)


async def test_letters_twice_as_large_need_no_scrolling_to_the_side(browser, device):
    async with a_phone(browser, device, **SMALL, locale="de-DE", bypass_csp=True) as phone:
        page = phone.page
        await a_case(phone)
        case = page.url.removeprefix(phone.base)
        for path in (case, "/history", "/device", "/paired", "/session", "/pair", "/trust", "/"):
            await phone.open(path)
            await page.add_style_tag(content=TWICE_AS_LARGE)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 360, path
        await phone.take("dented-door")
        await expect(page.locator("button[name=keep]")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_on_paper_a_case_has_nothing_to_press(phone):
    await a_case(phone)
    await phone.page.emulate_media(media="print")
    await expect(phone.page.get_by_role("button")).to_have_count(0)
    await expect(phone.page.get_by_role("link", name="History")).to_have_count(0)
    await expect(phone.page.get_by_role("heading", name="In words")).to_be_visible()


async def verdict(phone):
    await phone.open()
    await phone.take("dented-door")
    await expect(phone.page.locator("button[name=keep]")).to_be_visible()


async def test_a_screen_reader_finds_a_name_for_everything_it_can_touch(phone):
    page = phone.page
    await a_case(phone)
    case = page.url.removeprefix(phone.base)
    for path in (case, "/history", "/device", "/paired", "/session", "/pair", "/trust", "/"):
        await phone.open(path)
        assert await nameless(page) == [], path
    await phone.take("dented-door")
    await phone.sees("Usable")
    assert await nameless(page) == []


async def test_the_control_without_a_name_is_found(phone):
    await phone.open()
    await phone.page.evaluate(
        "document.querySelector('main').append(document.createElement('button'))"
    )
    assert await nameless(phone.page) == ["button"]


async def nameless(page):
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    found = [
        node["role"]["value"]
        for node in tree["nodes"]
        if not node.get("ignored") and node["role"]["value"] in NAMED
        if not node.get("name", {}).get("value", "").strip()
    ]
    await session.detach()
    return found
