from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sync.codec import encode_state
from sync.messages import State
from sync.topics import state
from tests.fakes.parcels import Parcel, SentCase, noise
from tower_sync_server.errors import UnavailableError

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench, Client, Intake


async def ask(client: Client, path: str, **headers: str) -> tuple[int, Any]:
    async with client.get(path, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text)


async def test_it_is_alive(client: Client) -> None:
    assert await ask(client, "/ping") == (200, {"status": "ok"})


async def test_health_says_why_nothing_is_taken_in(client: Client, intake: Intake) -> None:
    assert (await ask(client, "/health"))[0] == 200
    intake.reason = "no broker"

    status, body = await ask(client, "/health")

    assert (status, body["ready"], body["reason"]) == (503, False, "no broker")


async def test_health_stays_an_answer_when_the_database_is_gone(
    client: Client, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> int:
        raise UnavailableError("no database")

    monkeypatch.setattr(bench.listing, "quarantined", gone)

    assert (await ask(client, "/health"))[1]["reason"] == "no database"


async def test_quarantine_raises_an_alarm(client: Client, bench: Bench) -> None:
    case = SentCase()
    bench.send(case)
    bench.say(SentCase(id=case.id, more={"status": "rejected"}).case().chunk(0))

    _, health = await ask(client, "/health")
    _, fleet = await ask(client, "/devices")

    assert health["warnings"] == ["1 payloads are in quarantine"]
    assert fleet["devices"][0]["quarantined"] == 1


async def test_figures_are_prometheus(client: Client, bench: Bench) -> None:
    bench.send(SentCase())

    async with client.get("/metrics") as answer:
        text = await answer.text()

    assert 'edgecase_tower_cases{status="needs_review"} 1.0' in text
    assert 'edgecase_tower_answers_total{answer="stored"} 3.0' in text


async def test_a_case_is_shown_as_it_was_sent_with_the_towers_receipt(
    client: Client, bench: Bench
) -> None:
    case = SentCase()
    bench.send(case)

    status, body = await ask(client, f"/cases/{case.id}")

    receipt = body.pop("archive")
    assert (status, body) == (200, {**case.body(), "device": "gate"})
    held = {"sha256": case.image, "original": True, "thumb": True, "lost": False}
    assert receipt["images"] == [held]


async def test_pages_of_cases_are_opaque_and_complete(client: Client, bench: Bench) -> None:
    for number in range(5):
        bench.say(SentCase(seq=number + 1).case().chunk(0))
    seen, path = [], "/cases?limit=2"
    for _ in range(5):
        _, body = await ask(client, path)
        seen += [case["seq"] for case in body["cases"]]
        if body["next"] is None:
            break
        path = f"/cases?limit=2&cursor={body['next']}"

    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status=needs_review", 1),
        ("status=rejected", 0),
        ("device=gate&label=dent", 1),
        ("label=&profile=", 1),
        ("since=2026-11-20T09:00:00+00:00", 1),
        ("since=2026-11-21", 0),
    ],
)
async def test_the_list_can_be_narrowed_down(
    client: Client, bench: Bench, query: str, count: int
) -> None:
    bench.say(SentCase().case().chunk(0))

    assert len((await ask(client, f"/cases?{query}"))[1]["cases"]) == count


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/cases?limit=0", 422, "bad_field"),
        ("/cases?colour=red", 422, "bad_field"),
        ("/cases?status=a&status=b", 422, "bad_field"),
        ("/cases?since=yesterday", 422, "bad_field"),
        ("/cases?q=a%00b", 422, "bad_field"),
        ("/cases?cursor=nonsense", 400, "bad_request"),
        ("/cases/nobody", 404, "not_found"),
        ("/cases/6f1f2a3e-5b0c-4a53-9a5e-0f6f6c1d2e3f", 404, "not_found"),
        ("/nowhere", 404, "not_found"),
        ("/static/" + "a" * 300, 404, "not_found"),
    ],
)
async def test_every_error_has_the_shape_of_the_devices(
    client: Client, path: str, status: int, code: str
) -> None:
    found, body = await ask(client, path)

    assert (found, body["error"]["code"]) == (status, code)
    assert set(body["error"]) == {"code", "message", "hint"}


async def test_what_a_route_can_not_do_is_said(client: Client) -> None:
    async with client.put("/devices") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")


async def test_what_nobody_expected_is_an_error_with_an_incident(
    client: Client, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.listing, "devices", lambda: 1 / 0)

    status, body = await ask(client, "/devices")

    assert (status, body["error"]["code"]) == (500, "internal")
    assert "division" not in body["error"]["message"]


async def test_a_photo_is_given_back_byte_for_byte(client: Client, bench: Bench) -> None:
    case = SentCase()
    bench.send(case)

    for variant, wanted in (("original", case.photo), ("thumb", case.thumb)):
        async with client.get(f"/cases/{case.id}/image?variant={variant}") as answer:
            assert await answer.read() == wanted
            assert answer.content_type == "image/jpeg"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_photo_that_is_still_on_the_device_is_not_found(
    client: Client, bench: Bench
) -> None:
    case = SentCase()
    bench.say(case.case().chunk(0))

    status, body = await ask(client, f"/cases/{case.id}/image")

    assert (status, body["error"]["code"]) == (404, "not_found")
    assert (await ask(client, f"/cases/{case.id}/image?n=1"))[0] == 404


async def test_a_page_that_a_device_sent_as_a_photo_is_never_shown_as_one(
    client: Client, bench: Bench
) -> None:
    case = SentCase(photo=noise(100))
    photo = case.original()
    page = Parcel(type(photo.header)(photo.header.address, 100, "text/html"), photo.payload)
    bench.say(case.case().chunk(0))
    bench.say(page.chunk(0))

    async with client.get(f"/cases/{case.id}/image") as answer:
        assert answer.content_type == "application/octet-stream"


async def test_a_device_is_listed_with_what_it_says_of_itself(client: Client, bench: Bench) -> None:
    said = State(online=True, software="1.0", cases=4, clock_ok=False)
    bench.ingest.take(state("gate"), encode_state(said))

    _, body = await ask(client, "/devices")

    (row,) = body["devices"]
    assert (row["device"], row["online"], row["gaps"]) == ("gate", True, 0)
    assert (row["state"]["cases"], row["state"]["clock_ok"]) == (4, False)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9000", 200),
        ("127.0.0.1", 200),
        ("[::1]:9000", 200),
        ("tower.local", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)
async def test_only_requests_for_the_tower_are_answered(
    client: Client, host: str, status: int
) -> None:
    assert (await ask(client, "/ping", Host=host))[0] == status
