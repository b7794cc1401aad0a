from __future__ import annotations

import json

import pytest
from aiohttp import FormData

from edge.errors import VisionBusyError, VisionFailedError
from tests.fakes.vision import blurred_picture, picture


async def test_a_usable_photo_gets_the_contracts_answer(client, upload):
    answer = await client.post("/check-image", data=upload())
    assert answer.status == 200
    body = await answer.json()
    contract = {
        "status",
        "message",
        "blur_score",
        "quality",
        "predictions",
        "image_id",
        "timings",
    }
    assert contract <= set(body)
    assert body["status"] == "ok"
    assert body["blur_score"] > 0
    assert body["predictions"][0] == {
        "label": "dent",
        "confidence": 0.91,
        "box": [96.0, 84.0, 198.4, 158.4],
        "source": "detector",
        "refines": None,
        "shown": True,
    }
    assert body["timings"]["total"] > 0


async def test_a_blurred_photo_is_told_how_to_be_retaken_and_has_no_predictions(client, upload):
    answer = await client.post("/check-image", data=upload(blurred_picture()))
    body = await answer.json()
    assert (answer.status, body["status"]) == (200, "retake")
    assert body["message"] == "Hold the camera still and go 20 cm closer."
    assert body["predictions"] == []


async def test_an_unsure_photo_says_why_a_person_should_look(client, upload, device):
    device.vision.shares = [("dent", 0.41, (0.2, 0.2, 0.4, 0.4))]
    body = await (await client.post("/check-image", data=upload())).json()
    assert body["status"] == "uncertain"
    assert body["message"]
    assert body["decision"]["outcome"] == "needs_review"


async def test_checking_makes_no_case(client, upload):
    await client.post("/check-image", data=upload())
    assert (await (await client.get("/cases")).json())["cases"] == []


async def test_the_photo_may_be_the_body_itself_with_its_fields_in_the_query(client):
    headers = {"Content-Type": "image/jpeg"}
    answer = await client.post(
        "/check-image", params={"profile": "skin"}, data=picture(), headers=headers
    )
    assert answer.status == 200
    assert (await answer.json())["status"] in ("ok", "uncertain")


async def test_an_unknown_profile_is_refused_with_the_known_ones_in_the_hint(client, upload):
    answer = await client.post("/check-image", data=upload(profile="vehicle-damge"))
    error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (422, "unknown_profile")
    assert "vehicle-damage" in error["hint"]


@pytest.mark.parametrize("image", [b"", b"hello, I am a JPEG", picture()[:2000]])
async def test_what_is_no_picture_is_refused(client, upload, image):
    answer = await client.post("/check-image", data=upload(image))
    assert (answer.status, (await answer.json())["error"]["code"]) == (422, "bad_image")


async def test_a_missing_image_is_named(client):
    data = FormData(default_to_multipart=True)
    data.add_field("profile", "skin")
    answer = await client.post("/check-image", data=data)
    error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (422, "bad_field")
    assert error["message"].startswith("image")


async def test_a_misspelt_field_is_named_and_not_lost(client, upload):
    answer = await client.post("/check-image", data=upload(profil="skin"))
    error = (await answer.json())["error"]
    assert answer.status == 422
    assert error["message"].startswith("profil:")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("not json", 400),
        ("[]", 422),
        ('{"year": {}}', 422),
        ('{"year": "last"}', 422),
        ('{"yaer": 2001}', 422),
        (json.dumps({"notes": "x" * 2001}), 422),
        (json.dumps({f"f{n}": "x" for n in range(100)}), 422),
        ('{"year": NaN}', 400),
        ("[" * 100_000, 400),
        ('{"notes": "\\ud800"}', 400),
    ],
)
async def test_a_form_that_is_wrong_is_refused(client, upload, form, status):
    answer = await client.post("/check-image", data=upload(form=form))
    assert answer.status == status
    assert (await answer.json())["error"]["message"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(VisionBusyError("busy", "wait"), "busy"), (VisionFailedError("died"), "vision_failed")],
)
async def test_a_worker_in_trouble_is_a_503_with_a_time_to_try_again(
    client, upload, device, error, code
):
    device.vision.error = error
    answer = await client.post("/check-image", data=upload())
    assert (answer.status, (await answer.json())["error"]["code"]) == (503, code)
    assert answer.headers["Retry-After"]
