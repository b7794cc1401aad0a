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


async def test_after_a_swap_the_updater_looks_whether_it_was_a_persons_word(
    client, device, monkeypatch
):
    looked = []
    monkeypatch.setattr(device.parts.updates, "look_soon", lambda: looked.append(True))
    assert (await client.post("/models/reload")).status == 200
    assert looked == [True]


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


async def refused(device, reason="conflict: the tower holds other bytes under this key"):
    parcel = (await device.store.pending())[0]
    await device.store.dead_letter(parcel.id, reason)


async def test_what_the_tower_refused_is_told_with_its_reason_and_goes_once_more(
    client, device, keep
):
    case = await keep()
    await refused(device)
    told = await (await client.get("/sync")).json()
    assert told["dead"] == 1
    (letter,) = told["letters"]
    assert (letter["case"], letter["kind"]) == (case["id"], "case")
    assert "conflict" in letter["reason"]
    assert await (await client.post("/sync/retry")).json() == {"parcels": 1}
    told = await (await client.get("/sync")).json()
    assert (told["dead"], told["letters"]) == (0, [])
    assert await (await client.post("/sync/retry")).json() == {"parcels": 0}


async def test_a_page_shows_what_was_refused_and_a_button_sends_it_once_more(client, device, keep):
    await keep()
    assert "The tower refused" not in await (await client.get("/history")).text()
    await refused(device)
    shown = await (await client.get("/history")).text()
    assert "conflict" in shown
    assert "/page/sync/retry" in shown
    after = await (await client.post("/page/sync/retry")).text()
    assert "One thing goes once more." in after
    assert (await device.store.backlog()).dead == 0


async def test_a_comparison_is_asked_for_also_without_a_link(client):
    answer = await client.post("/sync/compare")
    assert (answer.status, await answer.json()) == (202, {"connected": False})


async def test_how_far_both_ends_were_compared_is_told(client, device, keep):
    await keep()
    await device.store.note_travelled(stored=[p.id for p in await device.store.pending()])
    told = await (await client.get("/sync")).json()
    assert (told["compared"], told["unconfirmed"], told["lost"]) == (None, 1, 0)


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
