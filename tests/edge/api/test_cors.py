from __future__ import annotations

import pytest

SHOP = "https://shop.example"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
async def test_a_page_of_another_site_changes_nothing(client, upload, origin):
    answer = await client.post("/cases", data=upload(), headers={"Origin": origin})
    assert (answer.status, (await answer.json())["error"]["code"]) == (403, "forbidden")
    assert (await (await client.get("/cases")).json())["cases"] == []


async def test_a_browser_that_only_says_that_it_is_cross_site_is_refused_too(client, upload):
    answer = await client.post("/cases", data=upload(), headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403


async def test_our_own_page_may(client, upload):
    own = f"http://127.0.0.1:{client.port}"
    headers = {"Origin": own, "Sec-Fetch-Site": "same-origin"}
    answer = await client.post("/cases", data=upload(), headers=headers)
    assert answer.status == 201
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_listed_origin_may_and_may_read_the_answer(serve, upload):
    client = await serve(cors_origins=[SHOP])
    answer = await client.post("/check-image", data=upload(), headers={"Origin": SHOP})
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Origin" in answer.headers["Vary"]


async def test_a_preflight_is_answered_for_listed_origins_only(serve):
    client = await serve(cors_origins=[SHOP])
    asks = {"Access-Control-Request-Method": "POST"}
    answer = await client.options("/cases", headers={"Origin": SHOP, **asks})
    assert answer.status == 204
    assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]
    refused = await client.options("/cases", headers={"Origin": "https://evil.example", **asks})
    assert refused.status == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


async def test_another_site_may_not_read_what_anybody_may_ask_for(client):
    answer = await client.get("/cases", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
