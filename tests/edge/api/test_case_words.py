from __future__ import annotations

import pytest

from edge.events import EventKind


async def post(client, path, body=None):
    answer = await client.post(path, json=body) if body is not None else await client.post(path)
    return answer.status, await answer.json()


async def test_a_rejected_case_says_why_and_is_a_new_revision(client, keep):
    case = await keep()
    status, after = await post(client, f"/cases/{case['id']}/reject", {"reason": "glare"})
    assert (status, after["status"], after["rev"]) == (200, "rejected", case["rev"] + 1)
    assert [(f["verdict"], f["reason"]) for f in after["feedback"]] == [("reject", "glare")]


@pytest.mark.parametrize("name", ["id", "case_id"])
async def test_a_case_can_be_rejected_by_its_id_in_the_body(client, keep, name):
    case = await keep()
    status, after = await post(client, "/cases/reject", {name: case["id"], "reason": "glare"})
    assert (status, after["id"], after["status"]) == (200, case["id"], "rejected")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": 5}, {"reason": "x" * 1001}])
async def test_a_rejection_needs_a_reason(client, keep, body):
    case = await keep()
    status, answer = await post(client, f"/cases/{case['id']}/reject", body)
    assert (status, answer["error"]["code"]) == (422, "bad_field")
    assert "reason" in answer["error"]["message"]


async def test_a_correction_is_kept_with_the_case(client, keep):
    case = await keep()
    corrections = [{"label": "rust", "box": [1, 2, 30.5, 40]}]
    said = {"verdict": "wrong", "reason": "that is rust", "corrections": corrections}
    status, after = await post(client, f"/cases/{case['id']}/feedback", said)
    assert (status, after["status"]) == (200, "needs_review")
    kept = after["feedback"][0]["corrections"][0]
    assert (kept["label"], kept["box"], kept["confidence"]) == ("rust", [1, 2, 30.5, 40], 1.0)


async def test_a_person_who_calls_it_correct_accepts_it(client, keep, device):
    device.vision.shares = [("dent", 0.40, (0.2, 0.2, 0.4, 0.4))]
    case = await keep()
    assert case["status"] == "needs_review"
    _, after = await post(client, f"/cases/{case['id']}/feedback", {"verdict": "correct"})
    assert after["status"] == "accepted"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"verdict": "maybe"},
        {"verdict": "wrong", "corrections": [{"label": "a", "box": [1, 2, 3]}]},
        {"verdict": "wrong", "corrections": [{"label": "a", "box": [9, 2, 3, 4]}]},
        {"verdict": "wrong", "corrections": [{"label": "a", "box": [-1, 2, 3, 4]}]},
        {"verdict": "wrong", "corrections": [{"label": "", "box": [1, 2, 3, 4]}]},
        {"verdict": "wrong", "corrections": [{"label": "a", "box": "1234"}]},
        {"verdict": "correct", "by": "somebody else"},
    ],
)
async def test_feedback_that_is_wrong_is_refused(client, keep, body):
    case = await keep()
    status, answer = await post(client, f"/cases/{case['id']}/feedback", body)
    assert (status, answer["error"]["code"]) == (422, "bad_field")


async def test_a_deleted_case_is_gone_and_can_be_restored(client, keep):
    case = await keep()
    answer = await client.delete(f"/cases/{case['id']}")
    assert (answer.status, (await answer.json())["status"]) == (200, "deleted")
    assert (await client.get(f"/cases/{case['id']}")).status == 404
    assert (await client.get(f"/cases/{case['id']}/image")).status == 404
    assert (await client.delete(f"/cases/{case['id']}")).status == 404
    assert (await (await client.get("/cases")).json())["cases"] == []
    listed = await (await client.get("/cases?status=deleted")).json()
    assert [c["id"] for c in listed["cases"]] == [case["id"]]
    status, after = await post(client, f"/cases/{case['id']}/restore")
    assert (status, after["status"]) == (200, case["status"])
    assert (await client.get(f"/cases/{case['id']}")).status == 200


async def test_what_is_said_is_told_to_whoever_listens(client, keep, device):
    case = await keep()
    async with device.events.listen() as heard:
        await post(client, f"/cases/{case['id']}/reject", {"reason": "glare"})
        event = await heard.next(1)
        assert event.kind is EventKind.CASE_CHANGED
        assert event.data == {"id": case["id"], "status": "rejected", "rev": 2}


@pytest.mark.parametrize("action", ["reject", "feedback", "restore"])
async def test_nothing_can_be_said_about_a_case_that_is_not_there(client, action):
    body = {"reject": {"reason": "x"}, "feedback": {"verdict": "correct"}}.get(action)
    status, answer = await post(
        client, f"/cases/0b5e0d2e-0000-4000-8000-000000000000/{action}", body
    )
    assert (status, answer["error"]["code"]) == (404, "not_found")
