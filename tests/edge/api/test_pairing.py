"""Pairing over HTTP."""

from __future__ import annotations

import pytest

from edge.api.auth import COOKIE
from edge.store.tokens import Scope


@pytest.fixture
async def locked(serve):
    return await serve(auth="token", host="0.0.0.0")


@pytest.fixture
async def admin(device):
    plain, _ = await device.store.create_token("admin", [Scope.ADMIN])
    return {"Authorization": f"Bearer {plain}"}


async def test_an_admins_phone_opens_the_window_and_another_phone_is_paired(locked, admin):
    answer = await locked.post("/pairing/window", json={"name": "Ada"}, headers=admin)
    told = await answer.json()
    assert answer.status == 200
    assert told["link"].endswith("#" + told["code"].replace("-", ""))
    assert (await (await locked.get("/pairing/window", headers=admin)).json())["phase"] == "open"

    answer = await locked.post("/pair", json={"code": told["code"]})
    paired = await answer.json()
    assert (answer.status, paired["name"]) == (200, "Ada")
    assert paired["scopes"] == ["view", "capture"]
    cookie = answer.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie.value) == (
        True,
        "Strict",
        paired["token"],
    )
    locked.session.cookie_jar.clear()
    bearer = {"Authorization": f"Bearer {paired['token']}"}
    assert (await locked.get("/cases", headers=bearer)).status == 200
    assert (await locked.get("/phones", headers=bearer)).status == 403


async def test_a_page_gets_its_token_as_a_cookie_alone(locked, device):
    window = await device.parts.desk.open()
    answer = await locked.post("/pair", json={"code": window.code, "name": "Bo", "cookie": True})
    assert (await answer.json())["token"] == ""
    assert (await locked.get("/cases")).status == 200


async def test_ten_wrong_codes_lock_the_window(locked, device):
    window = await device.parts.desk.open()
    codes = []
    for _ in range(11):
        answer = await locked.post("/pair", json={"code": "WRONG123"})
        codes.append((answer.status, (await answer.json())["error"]["code"]))
    assert codes == [(403, "wrong_code")] * 9 + [(403, "pairing_locked")] * 2
    answer = await locked.post("/pair", json={"code": window.code})
    assert (answer.status, COOKIE in answer.cookies) == (403, False)


async def test_without_a_window_no_code_is_right(locked):
    answer = await locked.post("/pair", json={"code": "K7Q2M9XF"})
    assert (answer.status, (await answer.json())["error"]["code"]) == (403, "pairing_closed")


async def test_a_closed_window_stays_closed(locked, admin, device):
    window = await device.parts.desk.open()
    assert (await locked.delete("/pairing/window", headers=admin)).status == 204
    assert (await locked.post("/pair", json={"code": window.code})).status == 403


async def test_only_an_admin_opens_the_window(locked, device):
    plain, _ = await device.store.create_token("phone", [Scope.VIEW, Scope.CAPTURE])
    headers = {"Authorization": f"Bearer {plain}"}
    assert (await locked.post("/pairing/window", json={}, headers=headers)).status == 403
    assert (await locked.post("/pairing/window", json={})).status == 401


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": "A" * 33}, {"code": 7}, {"x": 1}])
async def test_what_is_no_code_is_refused_and_not_counted(locked, device, body):
    await device.parts.desk.open()
    assert (await locked.post("/pair", json=body)).status == 422
    assert (await device.parts.desk.status()).wrong == 0


@pytest.mark.parametrize("name", ["x" * 65, "a\nb", "\x1b[31m", "\x9b31m"])
async def test_a_name_that_could_fool_a_log_is_refused(locked, device, name):
    window = await device.parts.desk.open()
    answer = await locked.post("/pair", json={"code": window.code, "name": name})
    assert answer.status == 422


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/pair"),
        ("POST", "/pairing/window"),
        ("DELETE", "/pairing/window"),
        ("DELETE", "/phones/1"),
        ("POST", "/phones/1"),
        ("POST", "/session"),
    ],
)
async def test_a_page_of_another_site_can_do_nothing_with_a_cookie(
    locked, device, method, path, headers
):
    plain, _ = await device.store.create_token("admin", [Scope.ADMIN])
    cookie = {"Cookie": f"{COOKIE}={plain}"}
    answer = await locked.request(method, path, json={"code": "A"}, headers={**headers, **cookie})
    assert (answer.status, (await answer.json())["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("path", ["/pair", "/pairing/window", "/phones", "/cases", "/", "/events"])
async def test_a_rebound_name_reaches_nothing(locked, admin, path):
    for method in ("GET", "POST"):
        answer = await locked.request(method, path, headers={**admin, "Host": "evil.example:8000"})
        assert answer.status == 421, (method, path)
