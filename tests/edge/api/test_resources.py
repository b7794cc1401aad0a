"""The small resources: /yolo, /llm, /models, /sync, /capture."""

from __future__ import annotations

import pytest

from edge.errors import RefusedModelFileError
from edge.events import EventKind
from tests.fakes.vision import blurred_picture


async def test_one_image_gives_detections_and_keeps_nothing(client, upload, device):
    device.vision.grade = "severe"
    answer = await client.post("/yolo", data=upload())
    body = await answer.json()
    assert answer.status == 200
    assert [d["label"] for d in body["detections"]] == ["dent", "scratch"]
    assert [p["source"] for p in body["predictions"]] == ["detector", "detector", "classifier"]
    assert (body["width"], body["height"]) == (320, 240)
    assert not list(device.store.layout.staged.rglob("*.*"))


async def test_facts_become_verified_words(client):
    facts = {
        "subject": "vehicle",
        "outcome": "accepted",
        "findings": [{"label": "dent", "count": 2, "confidence": 0.9}],
    }
    answer = await client.post("/llm", json=facts)
    body = await answer.json()
    assert answer.status == 200
    assert (body["author"], body["verified"]) == ("template", True)
    assert "dent" in body["text"]


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"subject": "", "outcome": "accepted"},
        {"subject": "vehicle", "outcome": "perfect"},
        {"subject": "vehicle", "outcome": "accepted", "findings": [{"label": "dent"}]},
        {"subject": "vehicle", "outcome": "accepted", "total": "12"},
        {"subject": "vehicle", "outcome": "accepted", "price": "12"},
    ],
)
async def test_facts_that_are_none_are_refused(client, facts):
    answer = await client.post("/llm", json=facts)
    assert (answer.status, (await answer.json())["error"]["code"]) == (422, "bad_field")


async def test_what_runs_and_what_could(client):
    body = await (await client.get("/models")).json()
    assert body["serving"][0]["ref"] == "vehicle-damage-detector@1.0.0"
    assert body["installed"][0]["active"] is True
    assert {p["id"] for p in body["profiles"]} >= {"vehicle-damage", "skin", "crop-pest"}
    assert body["writer"]["engine"] == "template"


async def test_a_swap_is_done_and_told(client, device):
    async with device.events.listen() as heard:
        answer = await client.post("/models/reload")
        assert answer.status == 200
        assert device.vision.reloads == 1
        assert (await heard.next(1)).kind is EventKind.MODEL_SWAPPED


async def test_a_model_that_fails_its_trial_is_refused_and_nobody_is_told(client, device):
    device.vision.error = RefusedModelFileError("The golden image came out wrong.", "Train again.")
    answer = await client.post("/models/reload")
    error = (await answer.json())["error"]
    assert (answer.status, error["code"], error["hint"]) == (422, "model_refused", "Train again.")


async def test_what_is_still_only_here_is_counted(client, keep):
    before = await (await client.get("/sync")).json()
    assert (before["cases"], before["oldest"]) == (0, None)
    await keep()
    after = await (await client.get("/sync")).json()
    assert (after["cases"], after["dead"]) == (1, 0)
    assert after["parcels"] >= 2
    assert after["bytes"] > 0
    assert after["oldest"]


async def test_the_devices_own_camera_makes_a_case(client):
    answer = await client.post("/capture")
    assert answer.status == 201
    case = await answer.json()
    assert (await client.get(answer.headers["Location"])).status == 200
    assert case["device"] == "shed-pi"


async def test_a_camera_in_trouble_says_so(client, device):
    device.capture.photo = None
    answer = await client.post("/capture")
    error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (503, "camera")
    assert error["hint"]


async def test_a_blurred_photo_of_the_camera_is_no_case(client, device):
    device.capture.photo = blurred_picture()
    answer = await client.post("/capture")
    assert (answer.status, (await answer.json())["error"]["code"]) == (422, "retake")
