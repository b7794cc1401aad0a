from __future__ import annotations

import pytest

from edge.api.auth import COOKIE, refuse_open_doors
from edge.config import HttpSettings
from edge.errors import ConfigError
from edge.store.tokens import Scope

OPEN = ("/ping", "/health", "/metrics", "/docs", "/openapi.json", "/static/app.css")
WAYS_IN = ("/session", "/pair")
"""Where a token is traded: to be looked at, and to be sent to."""
TRUST = ("/trust", "/ca.crt", "/ca.pem")
OPENED = {
    *(("GET", path) for path in (*OPEN[:-1], "/static/{path}", *WAYS_IN, *TRUST)),
    *(("POST", path) for path in WAYS_IN),
    ("DELETE", "/session"),
    ("POST", "/language"),
}
"""All that anybody may ask for who has no token."""


@pytest.fixture
async def locked(serve):
    return await serve(auth="token", host="0.0.0.0")


@pytest.fixture
def token(device):
    async def make(*scopes):
        plain, _ = await device.store.create_token("Ada's phone", [Scope(s) for s in scopes])
        return {"Authorization": f"Bearer {plain}"}

    return make


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "shed-pi.local"])
def test_open_is_for_loopback_alone(host):
    with pytest.raises(ConfigError, match="http.host"):
        refuse_open_doors(HttpSettings(host=host, auth="open"))
    refuse_open_doors(HttpSettings(host=host, auth="token"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_may_be_open(host):
    refuse_open_doors(HttpSettings(host=host, auth="open"))


async def test_an_application_that_is_open_to_the_network_is_not_made(device):
    with pytest.raises(ConfigError):
        device.app(host="0.0.0.0", auth="open")


async def test_only_the_open_pages_are_open(locked):
    for path in OPEN:
        assert (await locked.get(path)).status == 200, path
    for path in ("/cases", "/models", "/sync", "/events", "/", "/history"):
        answer = await locked.get(path)
        assert answer.status == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_every_route_but_the_open_ones_asks_for_a_token(locked):
    opened = set()
    for resource in locked.app.router.resources():
        for route in resource:
            path = resource.canonical.replace("{id}", "0b5e0d2e-0000-4000-8000-000000000000")
            answer = await locked.request(route.method, path)
            if answer.headers.get("WWW-Authenticate") != "Bearer":
                method = "GET" if route.method == "HEAD" else route.method
                opened.add((method, resource.canonical))
    assert opened == OPENED


async def test_a_token_opens_what_its_scopes_say(locked, token, upload):
    view, capture, admin = await token("view"), await token("capture"), await token("admin")
    assert (await locked.get("/cases", headers=view)).status == 200
    assert (await locked.get("/cases", headers=capture)).status == 403
    assert (await locked.post("/cases", data=upload(), headers=view)).status == 403
    assert (await locked.post("/cases", data=upload(), headers=capture)).status == 201
    assert (await locked.post("/models/reload", headers=capture)).status == 403
    assert (await locked.post("/models/reload", headers=admin)).status == 200
    assert (await locked.get("/cases", headers=admin)).status == 200


@pytest.mark.parametrize(
    "value", ["Bearer nonsense", "Bearer ", "Basic YTpi", "Bearer " + "x" * 5000, "Bearer é"]
)
async def test_an_unknown_token_opens_nothing(locked, value):
    assert (await locked.get("/cases", headers={"Authorization": value})).status == 401


async def test_a_revoked_token_opens_nothing_any_more(locked, device):
    plain, known = await device.store.create_token("lost", [Scope.VIEW])
    headers = {"Authorization": f"Bearer {plain}"}
    assert (await locked.get("/cases", headers=headers)).status == 200
    await device.store.revoke_token(known.id)
    assert (await locked.get("/cases", headers=headers)).status == 401


async def test_a_browser_trades_its_token_for_a_cookie_no_script_can_read(locked, device):
    plain, _ = await device.store.create_token("Ada's phone", [Scope.VIEW, Scope.CAPTURE])
    answer = await locked.post("/session", json={"token": plain})
    assert (answer.status, (await answer.json())["scopes"]) == (200, ["capture", "view"])
    cookie = answer.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert (await locked.get("/cases")).status == 200
    assert (await locked.delete("/session")).status == 204
    assert (await locked.get("/cases")).status == 401


async def test_a_browser_without_a_token_gets_the_page_that_asks_for_one(locked):
    answer = await locked.get("/", headers={"Accept": "text/html"})
    assert answer.status == 401
    assert "Sign in" in await answer.text()


async def test_a_wrong_token_signs_nobody_in(locked):
    answer = await locked.post("/session", json={"token": "nonsense"})
    assert answer.status == 401
    assert COOKIE not in answer.cookies


async def test_feedback_carries_the_name_of_who_is_signed_in(locked, token, upload):
    headers = await token("view", "capture")
    case = await (await locked.post("/cases", data=upload(), headers=headers)).json()
    url = f"/cases/{case['id']}/feedback"
    answer = await locked.post(url, json={"verdict": "correct"}, headers=headers)
    assert (await answer.json())["feedback"][0]["by"] == "Ada's phone"


@pytest.mark.parametrize(
    ("scopes", "takes_photos", "deletes"),
    [
        (("view",), False, False),
        (("view", "capture"), True, False),
        (("view", "capture", "admin"), True, True),
    ],
)
async def test_a_page_offers_what_the_token_allows(
    locked, token, keep_one, scopes, takes_photos, deletes
):
    headers = {**await token(*scopes), "Accept": "text/html"}
    home = await (await locked.get("/", headers=headers)).text()
    assert ('id="shoot"' in home, 'href="/paired"' in home) == (takes_photos, deletes)
    case = await (await locked.get(f"/history/{keep_one}", headers=headers)).text()
    assert ('id="correct"' in case, 'name="verdict"' in case) == (takes_photos, takes_photos)
    assert (">Delete<" in case) is deletes


@pytest.fixture
async def keep_one(device):
    case, _ = await device.capture.take()
    return case.id
