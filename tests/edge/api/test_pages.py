from __future__ import annotations

import json
import re

import pytest
from aiohttp import FormData

from models.case import Author, Summary
from tests.fakes.vision import blurred_picture, picture

HTMX = {"HX-Request": "true", "Accept": "text/html"}
EVIL = """<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}' onfocus='x"""


async def text(client, path, status=200, **kwargs):
    answer = await client.get(path, **kwargs)
    assert answer.status == status
    assert answer.content_type == "text/html"
    return await answer.text()


def form(**fields):
    data = FormData(default_to_multipart=True)
    for name, value in fields.items():
        data.add_field(name.replace("__", "."), value)
    return data


@pytest.fixture
def checked(client, upload):
    async def make(photo=None, **fields):
        answer = await client.post("/page/check", data=upload(photo, **fields), headers=HTMX)
        body = await answer.text()
        found = re.search(r'name="image_id" value="([^"]+)"', body)
        return body, found[1] if found else ""

    return make


async def test_the_first_page_offers_every_profile_and_the_phones_camera(client):
    page = await text(client, "/")
    assert 'capture="environment"' in page
    assert 'accept="image/*"' in page
    for profile in ("vehicle-damage", "skin", "crop-pest", "product-catalog"):
        assert f'value="{profile}"' in page
    assert 'value="vehicle-damage" selected' in page


@pytest.mark.parametrize("path", ["/", "/history", "/session", "/nothing", "/docs"])
async def test_no_page_holds_a_script_or_a_style_of_its_own(client, path):
    page = await (await client.get(path, headers={"Accept": "text/html"})).text()
    assert not re.findall(r"<script(?![^>]*\bsrc=)", page)
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page)
    for url in re.findall(r'\s(?:src|href)="([^"#]+)"', page):
        assert url.startswith("/"), url


async def test_a_verdict_comes_with_boxes_words_form_and_buttons(checked):
    body, image_id = await checked()
    assert image_id
    for part in ("Usable", "Dent, scratch", "91", 'class="boxes"', "In words", "Estimate"):
        assert part in body
    assert 'name="form.plate"' in body
    assert 'name="form.year" inputmode="numeric"' in body
    assert "Keep as a case" in body


async def test_a_blurred_photo_can_only_be_taken_again(checked):
    body, image_id = await checked(blurred_picture())
    assert "Take it again" in body
    assert "20 cm closer" in body
    assert not image_id
    assert "Keep as a case" not in body


async def test_keeping_makes_a_case_with_the_form(client, checked):
    _, image_id = await checked()
    data = form(image_id=image_id, profile="vehicle-damage", keep="yes", form__plate="B-XY 1")
    data.add_field("form.year", "1999")
    data.add_field("form.client", "")
    answer = await client.post("/page/keep", data=data, headers=HTMX)
    assert answer.status == 200, await answer.text()
    assert "Kept as case 1" in await answer.text()
    (case,) = (await (await client.get("/cases")).json())["cases"]
    assert case["form"] == {"plate": "B-XY 1", "year": 1999}


async def test_a_double_tap_keeps_one_case(client, checked):
    _, image_id = await checked()
    for _ in range(2):
        data = form(image_id=image_id, profile="vehicle-damage", keep="yes")
        assert (await client.post("/page/keep", data=data, headers=HTMX)).status == 200
    assert len((await (await client.get("/cases")).json())["cases"]) == 1


async def test_rejecting_keeps_the_photo_for_learning_with_the_reason(client, checked):
    _, image_id = await checked()
    data = form(image_id=image_id, profile="vehicle-damage", reject="Something was missed")
    answer = await client.post("/page/keep", data=data, headers=HTMX)
    assert "Rejected" in await answer.text()
    (case,) = (await (await client.get("/cases")).json())["cases"]
    assert (case["status"], case["feedback"][0]["reason"]) == ("rejected", "Something was missed")


async def test_what_is_wrong_in_the_form_is_said_beside_it(client, checked):
    _, image_id = await checked()
    data = form(image_id=image_id, keep="yes", form__year="soon")
    answer = await client.post("/page/keep", data=data, headers=HTMX)
    assert answer.status == 422
    assert answer.headers["HX-Retarget"] == "#trouble"
    assert "Year of manufacture" in await answer.text()


async def test_the_list_shows_cases_newest_first_and_goes_on(client, keep):
    for n in range(3):
        await keep(seed=n)
    page = await text(client, "/history?limit=2")
    assert page.index("3 ·") < page.index("2 ·")
    assert "Older ones" in page
    cursor = (await (await client.get("/cases?limit=2")).json())["next"]
    rest = await text(client, f"/history?limit=2&cursor={cursor}", headers=HTMX)
    assert "1 ·" in rest
    assert "<html" not in rest
    assert "Older ones" not in rest


async def test_the_list_is_narrowed_by_its_form_and_empty_fields_narrow_nothing(client, keep):
    await keep(form='{"client": "Lovelace"}')
    assert "Dent, scratch" in await text(client, "/history?q=&status=")
    assert "Dent, scratch" in await text(client, "/history?q=lovelace&status=accepted")
    assert "Nothing fits" in await text(client, "/history?q=babbage&status=")
    assert "limit" in await text(client, "/history?limit=x", status=422, headers=HTMX)


async def test_a_case_has_a_page_with_everything(client, keep):
    case = await keep(form='{"client": "Ada", "mileage": 120000}')
    page = await text(client, f"/history/{case['id']}")
    for part in ("Ada", "120000", "Mileage in kilometres", "Sharpness", "Only on this device"):
        assert part in page
    assert "vehicle-damage-detector@1.0.0" in page


async def test_a_case_of_a_profile_that_is_gone_still_has_a_page(client, keep, device):
    case = await keep(form='{"client": "Ada"}')
    device.parts.pipeline.profiles.pop("vehicle-damage", None)
    try:
        page = await text(client, f"/history/{case['id']}")
    finally:
        from tests.fakes.device import shipped_profiles

        shipped_profiles.cache_clear()
    assert "Ada" in page


async def test_feedback_on_the_page_is_kept(client, keep):
    case = await keep()
    url = f"/page/cases/{case['id']}/feedback"
    answer = await client.post(url, data=form(verdict="wrong", reason="a shadow"), headers=HTMX)
    page = await answer.text()
    assert "Needs a look" in page
    assert "a shadow" in page


async def test_a_case_is_deleted_and_restored_on_its_page(client, keep):
    case = await keep()
    answer = await client.post(f"/page/cases/{case['id']}/delete", headers=HTMX)
    assert "Restore it" in await answer.text()
    assert "Restore it" in await text(client, f"/history/{case['id']}")
    answer = await client.post(f"/page/cases/{case['id']}/restore", headers=HTMX)
    assert "Is it right?" in await answer.text()


async def test_the_words_on_a_page_are_the_latest(client, keep, device):
    from dataclasses import replace

    case = await keep()
    words = Summary("Two things were seen.", Author.LLM, verified=True)
    await device.store.revise(case["id"], lambda now: replace(now, summary=words))
    page = await text(client, f"/page/cases/{case['id']}/summary")
    assert "Two things were seen." in page
    assert "language model" in page


async def test_nothing_anybody_typed_or_a_model_said_becomes_html(client, device, keep):
    device.vision.shares = [(EVIL[:60], 0.9, (0.2, 0.2, 0.4, 0.4))]
    case = await keep(form=json.dumps({"notes": EVIL, "client": EVIL[:100]}))
    said = form(verdict="wrong", reason=EVIL)
    await client.post(f"/page/cases/{case['id']}/feedback", data=said, headers=HTMX)
    pages = [
        await text(client, "/"),
        await text(client, "/history", params={"q": EVIL}),
        await text(client, "/history"),
        await text(client, f"/history/{case['id']}"),
        await text(client, "/nothing", 404, headers={"Accept": "text/html"}),
    ]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "49" not in re.sub(r"[0-9a-f-]{36}|[0-9]{3,}|\.[0-9]+", "", page)
        assert "' onfocus=" not in page
    assert "&lt;script&gt;" in pages[3]


@pytest.mark.parametrize("path", ["/page/keep", "/page/check"])
async def test_an_empty_form_is_refused_and_not_an_accident(client, path):
    answer = await client.post(path, data=form(), headers=HTMX)
    assert answer.status in (400, 422)


async def test_a_picture_nobody_can_read_is_said_so_on_the_page(client, upload):
    answer = await client.post("/page/check", data=upload(b"hello"), headers=HTMX)
    assert answer.status == 422
    assert "This is not a JPEG, PNG, WebP or HEIC picture" in await answer.text()


async def test_a_profile_with_several_shots_asks_for_the_next_one_and_keeps_one_case(
    client, upload
):
    assert 'data-hint="Overview' in await text(client, "/")
    answer = await client.post("/page/check", data=upload(profile="skin"), headers=HTMX)
    first = await answer.text()
    assert "Photo 1 of 2" in first
    assert "Next photo · Close-up" in first
    (one,) = re.findall(r'name="image_id" value="([^"]+)"', first)
    data = upload(picture(seed=2), profile="skin", earlier=one)
    second = await (await client.post("/page/check", data=data, headers=HTMX)).text()
    assert "Photo 2 of 2" in second
    assert "Next photo" not in second
    ids = re.findall(r'name="image_id" value="([^"]+)"', second)
    assert ids[0] == one
    kept = FormData(default_to_multipart=True)
    for image_id in ids:
        kept.add_field("image_id", image_id)
    kept.add_field("keep", "yes")
    answer = await client.post("/page/keep", data=kept, headers=HTMX)
    assert answer.status == 200, await answer.text()
    (case,) = (await (await client.get("/cases")).json())["cases"]
    assert [image["shot"] for image in case["images"]] == ["overview", "close_up"]
    assert "close up" in await text(client, f"/history/{case['id']}")
