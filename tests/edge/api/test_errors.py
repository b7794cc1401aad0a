from __future__ import annotations

import gc
import logging
import weakref

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from edge.api.errors import errors
from edge.errors import BadRequestError, BodyTooLargeError


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


class Photo:
    """Stands for bytes, and can be watched."""


async def test_a_refused_photo_is_let_go_at_once_and_not_by_the_collector():
    photos: list[weakref.ref[Photo]] = []

    async def refuse(_: web.Request) -> web.Response:
        photo, refusal = Photo(), BodyTooLargeError("too large")
        photos.append(weakref.ref(photo))
        try:
            raise refusal
        except BodyTooLargeError as e:
            raise BadRequestError("no good") from e

    app = web.Application(middlewares=[errors(lambda *_: web.Response())])
    app.router.add_post("/", refuse)
    gc.disable()
    try:
        async with TestClient(TestServer(app)) as client:
            assert (await client.post("/")).status == 400
            assert photos[0]() is None
    finally:
        gc.enable()


async def test_a_browser_gets_a_page_instead(client):
    answer = await client.get("/nothing", headers={"Accept": "text/html,*/*"})
    assert (answer.status, answer.content_type) == (404, "text/html")


async def test_every_answer_carries_the_safety_headers(client):
    for path in ("/ping", "/", "/nothing", "/openapi.json", "/static/app.css", "/docs"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "no-referrer", path
        assert headers["Server"] == "EdgeCase", path  # and no versions
        csp = headers["Content-Security-Policy"]
        assert "script-src 'self';" in csp, path
        assert "unsafe-eval" not in csp, path
        assert ("unsafe-inline" in csp) is (path == "/docs"), path
