"""A case of several photos: what is on the later ones, and what was typed, is not lost."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.phones import PHOTOS
from tests.fakes.vision import blurred_picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

DENT = [("dent", 0.9, (0.3, 0.35, 0.6, 0.6))]
RUST = [("rust", 0.9, (0.1, 0.1, 0.4, 0.4))]


async def next_photo(phone, button: str, name: str = "dented-door"):
    async with phone.page.expect_file_chooser() as chooser:
        await phone.page.get_by_role("button", name=button).click()
    await (await chooser.value).set_files(PHOTOS / f"{name}.jpg")


async def test_what_only_a_later_photo_shows_goes_to_a_person(phone, device):
    page = phone.page
    device.vision.shares = DENT
    await phone.open()
    await phone.take("dented-door")
    await phone.sees("Usable")
    device.vision.shares = RUST
    await next_photo(phone, "One more photo of it", "rusty-door")
    await phone.sees("Photo 2 of this case")
    await expect(page.locator(".estimate")).to_have_count(0)  # it would not be the case's
    await page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Kept as case 1")
    await phone.sees("Photo 2 shows “rust”, which photo 1 does not")
    # the picture above the case's findings is the one that they were seen on
    await expect(page.locator("#boxes svg text")).to_have_text("dent 90%")
    (case,) = (await device.store.list()).cases
    await expect(page.locator("#stage img")).to_have_attribute("src", f"/cases/{case.id}/image")
    assert (case.status, len(case.images)) == ("needs_review", 2)


async def test_what_was_typed_stays_over_the_next_photo_and_a_retake(phone, device):
    page = phone.page
    await phone.open()
    await phone.take("dented-door")
    await page.get_by_text("Details").click()
    await page.get_by_label("Number plate").fill("B-XY 123")
    await next_photo(phone, "One more photo of it")
    await phone.sees("Photo 2 of this case")
    await expect(page.get_by_label("Number plate")).to_have_value("B-XY 123")
    blurred = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": blurred_picture()}
    await page.set_input_files("#image", files=[blurred])
    await next_photo(phone, "Take it again")
    await phone.sees("Photo 2 of this case")
    await expect(page.get_by_label("Number plate")).to_be_visible()
    await page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Kept as case 1")
    (case,) = (await device.store.list()).cases
    assert (case.form, len(case.images)) == ({"plate": "B-XY 123"}, 2)
    await phone.take("rusty-door")  # another case begins with nothing
    await expect(page.locator("[name='form.plate']")).to_have_value("")
    assert phone.errors == []


async def test_a_retake_after_the_next_photo_was_given_up_takes_the_first_one_again(phone, device):
    page = phone.page
    await phone.open()
    await phone.take("dented-door")
    async with page.expect_file_chooser():  # and nothing is chosen
        await page.get_by_role("button", name="One more photo of it").click()
    await next_photo(phone, "Retake", "rusty-door")
    await expect(page.locator("#result [name=image_id]")).to_have_count(1)


async def test_a_case_takes_eight_photos_and_offers_no_ninth(phone, device):
    await phone.open()
    await phone.take("dented-door")
    for number in range(2, 9):
        await next_photo(phone, "One more photo of it")
        await phone.sees(f"Photo {number} of this case")
    more = phone.page.get_by_role("button", name="One more photo of it")
    await expect(more).to_have_count(0)
    await phone.page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Kept as case 1")
    (case,) = (await device.store.list()).cases
    assert len(case.images) == 8


async def test_who_uses_no_mouse_is_at_the_verdict_when_it_comes(phone):
    page = phone.page
    await phone.open()
    await page.locator("#image").focus()
    await phone.take("dented-door")
    await phone.sees("Usable")
    await expect(page.locator("#banner")).to_be_focused()
    await page.locator("button[name=keep]").focus()
    await page.keyboard.press("Enter")
    await phone.sees("Kept as case 1")
    await expect(page.locator("#banner")).to_be_focused()
