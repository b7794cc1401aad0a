from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from tests.fakes.vision import blurred_picture, picture


async def test_a_photo_becomes_a_case_in_the_contracts_shape(client, upload):
    answer = await client.post("/cases", data=upload(form='{"client": "Ada"}', device="phone-1"))
    assert answer.status == 201
    case = await answer.json()
    assert answer.headers["Location"] == f"/cases/{case['id']}"
    contract = "id device seq rev profile created status images quality predictions decision form"
    assert set(contract.split()) | {"summary", "models", "sync"} <= set(case)
    assert (case["device"], case["form"]) == ("phone-1", {"client": "Ada"})
    assert set(case["summary"]) == {"text", "author", "verified"}
    assert case["sync"] == {"state": "queued", "at": None}
    assert await (await client.get(f"/cases/{case['id']}")).json() == case


async def test_a_checked_photo_becomes_a_case_without_being_sent_again(client, upload, device):
    checked = await (await client.post("/check-image", data=upload())).json()
    jobs = device.vision.jobs
    body = {"image_id": checked["image_id"], "form": {"client": "Ada", "year": 1999}}
    answer = await client.post("/cases", json=body)
    assert answer.status == 201
    assert device.vision.jobs == jobs
    assert (await answer.json())["predictions"] == checked["predictions"]


async def test_the_same_key_fifty_times_at_once_is_one_case(client, upload):
    headers = {"Idempotency-Key": "abc-1"}
    answers = await asyncio.gather(
        *(client.post("/cases", data=upload(), headers=headers) for _ in range(50))
    )
    assert sorted(a.status for a in answers) == [200] * 49 + [201]
    assert len({(await a.json())["id"] for a in answers}) == 1
    assert len((await (await client.get("/cases")).json())["cases"]) == 1


async def test_without_a_key_the_same_photo_twice_is_two_cases(client, upload):
    for _ in range(2):
        assert (await client.post("/cases", data=upload())).status == 201
    assert len((await (await client.get("/cases")).json())["cases"]) == 2


async def test_the_same_key_with_another_photo_is_a_conflict(client, upload):
    headers = {"Idempotency-Key": "abc-2"}
    await client.post("/cases", data=upload(picture(seed=1)), headers=headers)
    answer = await client.post("/cases", data=upload(picture(seed=2)), headers=headers)
    assert (answer.status, (await answer.json())["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize("key", ["x" * 201, "a\tb", "é"])
async def test_a_key_that_is_none_is_refused(client, upload, key):
    answer = await client.post("/cases", data=upload(), headers={"Idempotency-Key": key})
    assert answer.status == 422
    assert "Idempotency-Key" in (await answer.json())["error"]["message"]


async def test_a_blurred_photo_never_becomes_a_case(client, upload):
    answer = await client.post("/cases", data=upload(blurred_picture()))
    error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (422, "retake")
    assert error["hint"] == "Hold the camera still and go 20 cm closer."
    assert (await (await client.get("/cases")).json())["cases"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"image_id": 5},
        {"image_id": "a", "form": []},
        {"image_id": "a", "form": {"client": ["x"]}},
        {"image_id": "a", "extra": 1},
        {"image_id": "a", "images": [{"image_id": "b"}]},
        {"image_id": "a", "device": "x" * 65},
        {"images": [{"image_id": "a"}] * 9},
    ],
)
async def test_json_of_the_wrong_kind_is_refused_with_the_field_named(client, body):
    answer = await client.post("/cases", json=body)
    error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (422, "bad_field")
    assert error["message"].partition(":")[0]


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "nul", '{"image_id": ' + "1" * 5000 + "}"]
)
async def test_what_is_no_json_is_refused(client, text):
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/cases", data=text, headers=headers)
    assert (answer.status, (await answer.json())["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("image_id", ["0" * 32, "../../../etc/passwd", "\0", "nothing"])
async def test_an_unknown_image_id_is_a_404(client, image_id):
    answer = await client.post("/cases", json={"image_id": image_id})
    assert (answer.status, (await answer.json())["error"]["code"]) == (404, "not_found")


async def test_a_form_on_the_command_line_as_curl_sends_it_is_told_what_to_send(client):
    answer = await client.post("/cases", data={"client": "Ada"})
    error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (415, "media_type")
    assert "multipart/form-data" in error["hint"]


async def test_several_photos_make_one_case_in_their_order(client, upload):
    data = upload(picture(seed=1), profile="skin")
    data.add_field("image", picture(seed=2), filename="b.jpg")
    data.add_field("shot", "overview")
    data.add_field("shot", "close_up")
    answer = await client.post("/cases", data=data)
    assert answer.status == 201, await answer.text()
    assert [i["shot"] for i in (await answer.json())["images"]] == ["overview", "close_up"]


async def test_unknown_ids_are_a_404(client):
    for wanted in ("0b5e0d2e-0000-4000-8000-000000000000", "nonsense", "%00", "..%2f..%2fetc"):
        answer = await client.get(f"/cases/{wanted}")
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["next", "cursor"])
async def test_a_list_goes_on_from_page_to_page_and_ends(client, keep, name):
    made = [(await keep(seed=n))["id"] for n in range(5)]
    seen, cursor = [], None
    for _ in range(3):
        params = {"limit": "2", **({name: cursor} if cursor else {})}
        page = await (await client.get("/cases", params=params)).json()
        seen += [case["id"] for case in page["cases"]]
        cursor = page["next"]
    assert cursor is None
    assert seen == made[::-1]


async def test_a_list_is_narrowed_by_status_label_words_and_time(client, keep, device):
    device.vision.shares = [("dent", 0.95, (0.2, 0.2, 0.4, 0.4))]
    old = await keep(seed=1, form=json.dumps({"client": "Ada Lovelace"}))
    device.clock.moment += timedelta(days=2)
    device.vision.shares = [("scratch", 0.40, (0.2, 0.2, 0.4, 0.4))]
    new = await keep(seed=2)

    async def ids(**params):
        answer = await client.get("/cases", params=params)
        assert answer.status == 200, await answer.text()
        return [case["id"] for case in (await answer.json())["cases"]]

    assert await ids() == [new["id"], old["id"]]
    assert await ids(status="needs_review") == [new["id"]]
    assert await ids(label="dent") == [old["id"]]
    assert await ids(q="lovelace") == [old["id"]]
    assert await ids(since="2026-11-21") == [new["id"]]
    assert await ids(since="2026-11-20T11:05:00+00:00") == [new["id"], old["id"]]
    assert await ids(until="2026-11-21") == [old["id"]]
    assert await ids(profile="skin") == []
    plus = await client.get("/cases?since=2026-11-20T11:05:00+00:00")  # as people type it
    assert plus.status == 200


@pytest.mark.parametrize(
    "query",
    [
        "status=broken",
        "limit=0",
        "limit=ten",
        "limit=201",
        "since=yesterday",
        "since=0001-01-01",
        "cursor=x",
        "cursor=%FF",
        "sort=up",
        "q=a&q=b",
    ],
)
async def test_a_filter_that_is_wrong_is_refused(client, query):
    answer = await client.get(f"/cases?{query}")
    assert answer.status in (400, 422)
    assert (await answer.json())["error"]["message"]


@pytest.mark.parametrize("q", ['"', "*", "a AND", "NEAR(", "' OR 1=1 --", "%", "\0", "é", "🙂"])
async def test_no_search_breaks_the_list(client, keep, q):
    await keep()
    assert (await client.get("/cases", params={"q": q})).status == 200
