"""The camera's picture live, in a Chromium whose camera shows a photo of ours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from playwright.async_api import expect

from tests.e2e.phones import PHOTOS, a_browser, a_phone
from tests.fakes.vision import blurred_picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

WIDTH, HEIGHT = 640, 480


def film(path, photo):
    """A camera that shows this photo for good: Motion JPEG is one JPEG behind the other."""
    scaled = cv2.resize(
        cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR), (WIDTH, HEIGHT)
    )
    _, frame = cv2.imencode(".jpg", scaled)
    path.write_bytes(frame.tobytes() * 30)
    return scaled


@pytest.fixture
async def phone(tmp_path, device):
    shown = film(tmp_path / "camera.mjpeg", (PHOTOS / "dented-door.jpg").read_bytes())
    camera = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'camera.mjpeg'}",
    )
    async with a_browser(*camera) as browser, a_phone(browser, device) as made:
        made.shown = shown
        yield made


async def test_a_photo_is_taken_out_of_the_live_picture(phone, device):
    page = phone.page
    await phone.open()
    await page.get_by_role("button", name="With a live picture").click()
    await expect(page.locator(".finder video")).to_be_visible()
    await expect(page.locator(".finder video")).to_have_js_property("videoWidth", WIDTH)
    await phone.shot("live")
    await page.get_by_role("button", name="Take a photo", exact=True).click()
    await phone.sees("Usable")
    await expect(page.locator(".finder")).to_be_hidden()
    await page.get_by_role("button", name="Keep as a case").click()
    await phone.sees("Kept as case 1")
    assert phone.errors == []
    (case,) = (await device.store.list()).cases
    assert (case.images[0].width, case.images[0].height) == (WIDTH, HEIGHT)
    kept = cv2.imread(str((await device.store.image(case.id)).path))
    assert np.abs(kept.astype(int) - phone.shown).mean() < 8


async def test_the_camera_is_given_back_when_nobody_needs_it(phone):
    page = phone.page
    await phone.open()
    await page.get_by_role("button", name="With a live picture").click()
    await expect(page.locator(".finder video")).to_be_visible()
    track = await page.evaluate_handle(
        "document.querySelector('.finder video').srcObject.getTracks()[0]"
    )
    await page.get_by_role("button", name="Close").click()
    assert await track.evaluate("track => track.readyState") == "ended"
    await expect(page.get_by_role("button", name="With a live picture")).to_be_visible()


async def test_a_retake_shows_the_last_shot_as_a_ghost(phone):
    page = phone.page
    blurred = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": blurred_picture()}
    await phone.open()
    await page.get_by_role("button", name="With a live picture").click()
    await page.get_by_role("button", name="Close").click()
    await page.set_input_files("#image", files=[blurred])
    await phone.sees("go 20 cm closer")
    await page.get_by_role("button", name="Take it again").click()
    ghost = page.locator(".finder .ghost")
    await expect(ghost).to_be_visible()
    assert await ghost.get_attribute("src") == await page.locator("#stage img").get_attribute("src")
    await phone.shot("ghost")
    toggle = page.get_by_role("button", name="Last shot")
    await toggle.click()
    await expect(ghost).to_be_hidden()
    await expect(toggle).to_have_attribute("aria-pressed", "false")
    await page.get_by_role("button", name="Take a photo", exact=True).click()
    await phone.sees("Usable")
    assert phone.errors == []


async def test_without_a_camera_it_says_so_and_the_phones_own_app_is_used(tmp_path, device):
    async with a_browser() as browser, a_phone(browser, device) as phone:
        page = phone.page
        await phone.open()
        await page.get_by_role("button", name="With a live picture").click()
        await phone.sees("The camera can't be shown live")
        async with page.expect_file_chooser() as chooser:
            await page.get_by_text("Take a photo").last.click()
        await (await chooser.value).set_files(PHOTOS / "dented-door.jpg")
        await phone.sees("Usable")
