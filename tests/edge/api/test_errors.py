from __future__ import annotations

import logging

import pytest


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/static/nothing.js", 404, "not_found"),
        ("GET", "/static/../app.py", 404, "not_found"),
        ("DELETE", "/cases", 405, "method_not_allowed"),
        ("PUT", "/ping", 405, "method_not_allowed"),
    ],
)
async def test_refusals_of_the_server_itself_have_the_same_shape(
    client, method, path, status, code
):
    answer = await client.request(method, path)
    body = await answer.json()
    assert answer.status == status
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "hint"}
    assert body["error"]["code"] == code


async def test_a_405_says_which_methods_there_are(client):
    assert (await client.delete("/cases")).headers["Allow"] == "GET,HEAD,POST"


async def test_the_unexpected_is_a_500_with_an_id_that_the_log_has_too(client, device, caplog):
    def broken():
        raise ZeroDivisionError("secret detail")

    device.vision.status = broken
    with caplog.at_level(logging.ERROR):
        answer = await client.get("/health")
    error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (500, "internal")
    assert "secret" not in await answer.text()
    incident = error["message"].partition("incident ")[2].rstrip(").")
    assert incident
    assert incident in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_browser_gets_a_page_instead(client):
    answer = await client.get("/nothing", headers={"Accept": "text/html,*/*"})
    assert (answer.status, answer.content_type) == (404, "text/html")


async def test_every_answer_carries_the_safety_headers(client):
    for path in ("/ping", "/", "/nothing", "/openapi.json", "/static/app.css", "/docs"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        csp = headers["Content-Security-Policy"]
        assert "script-src 'self';" in csp, path
        assert "unsafe-eval" not in csp, path
        assert ("unsafe-inline" in csp) is (path == "/docs"), path
