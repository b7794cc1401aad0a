from __future__ import annotations

import json
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs

from tests.fakes.keeps import Intake
from tests.fakes.parcels import SentCase
from tests.fakes.towers_people import LIFETIMES, PASSWORD, SHELL
from tests.tower.api.conftest import served
from tower_sync_server.api.guard import from_here, local_path
from tower_sync_server.people.words import Kind, Role

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench, Client
    from tests.fakes.towers_people import House

EVA = {"user": "eva", "password": PASSWORD}


async def sign_in(client: Client, **more: str) -> tuple[int, Any]:
    async with client.post("/sign-in", json={**EVA, **more}) as answer:
        return answer.status, json.loads(await answer.text())


async def status(client: Client, path: str, method: str = "GET", **options: Any) -> int:
    async with client.request(method, path, allow_redirects=False, **options) as answer:
        return answer.status


async def test_name_and_password_give_a_cookie_that_is_enough(asking: Client, house: House) -> None:
    house.add("eva", Role.REVIEWER)

    assert await sign_in(asking) == (200, {"user": "eva", "role": "reviewer", "kind": "browser"})

    assert await status(asking, "/cases") == 200


async def test_the_cookie_can_be_read_by_no_script_and_sent_by_no_other_site(
    asking: Client, house: House
) -> None:
    house.add("eva")

    async with asking.post("/sign-in", json=EVA) as answer:
        cookie = SimpleCookie(answer.headers[hdrs.SET_COOKIE])["edgecase_tower"]

    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert not cookie["secure"]
    assert int(cookie["max-age"]) == LIFETIMES.total_s


async def test_behind_a_proxy_with_tls_the_cookie_stays_on_tls(house: House) -> None:
    house.add("eva")
    async with (
        house_client(house, proxied=True) as client,
        client.post("/sign-in", json=EVA) as answer,
    ):
        cookie = SimpleCookie(answer.headers[hdrs.SET_COOKIE])["__Host-edgecase_tower"]

    assert cookie["secure"]


async def test_the_proxy_says_who_asks(house: House) -> None:
    house.add("eva")
    forwarded = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}
    async with house_client(house, proxied=True) as client:
        await status(client, "/sign-in", "POST", json=EVA, headers=forwarded)
    async with house_client(house) as client:
        await status(client, "/sign-in", "POST", json=EVA, headers=forwarded)

    found = [entry.address for entry in house.audit.page(None, 10, "eva")]

    assert found == ["127.0.0.1", "192.0.2.7"]


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(
    asking: Client, house: House
) -> None:
    house.add("eva")

    wrong = await sign_in(asking, password="not it at all")
    unknown = await sign_in(asking, user="nobody")

    assert wrong == unknown
    assert (wrong[0], wrong[1]["error"]["code"]) == (401, "wrong_password")
    assert await status(asking, "/cases") == 401


async def test_after_too_many_tries_even_the_right_password_has_to_wait(
    asking: Client, house: House
) -> None:
    house.add("eva")
    for _ in range(5):
        assert (await sign_in(asking, password="not it at all"))[0] == 401

    async with asking.post("/sign-in", json=EVA) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1
    assert [e.ok for e in house.audit.page(None, 10, "eva")] == [False] * 5


async def test_a_page_signs_in_and_goes_where_it_was_sent_from(
    asking: Client, house: House
) -> None:
    house.add("eva")
    async with asking.get("/page/devices?a=b", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (
            303,
            "/sign-in?next=/page/devices?a%3Db",
        )
    form = {**EVA, "next": "/page/devices"}
    async with asking.post("/sign-in", data=form, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/page/devices")

    async with asking.get("/page/devices") as answer:
        assert "eva" in await answer.text()
    assert await status(asking, "/sign-in") == 303


async def test_a_wrong_password_on_the_page_is_said_on_the_page(
    asking: Client, house: House
) -> None:
    house.add("eva")
    async with asking.post("/sign-in", data={"user": "<i>", "password": "wrong one"}) as answer:
        text = await answer.text()

    assert (answer.status, answer.content_type) == (401, "text/html")
    assert "The name or the password is wrong" in text
    assert "&lt;i&gt;" in text


async def test_the_page_says_how_the_first_user_is_made(asking: Client, house: House) -> None:
    async with asking.get("/sign-in") as answer:
        assert "users add NAME --role admin" in await answer.text()
    house.add("eva")
    async with asking.get("/sign-in") as answer:
        assert "users add" not in await answer.text()


async def test_signing_out_ends_the_session_itself_not_just_the_cookie(
    asking: Client, house: House
) -> None:
    house.add("eva")
    await sign_in(asking)
    stolen = next(c.value for c in asking.session.cookie_jar if c.key == "edgecase_tower")

    assert await status(asking, "/sign-out", "POST") == 204

    asking.session.cookie_jar.clear()
    assert await status(asking, "/cases", cookies={"edgecase_tower": stolen}) == 401


@pytest.mark.parametrize("what", ["password", "role", "remove"])
async def test_what_changes_somebody_signs_them_out_at_once(
    asking: Client, house: House, what: str
) -> None:
    house.add("eva", Role.ADMIN)
    house.add("otto", Role.ADMIN)
    await sign_in(asking)
    assert await status(asking, "/cases") == 200

    match what:
        case "password":
            house.people.set_password("eva", "another good one", SHELL)
        case "role":
            house.people.set_role("eva", Role.VIEWER, SHELL)
        case _:
            house.people.remove("eva", SHELL)

    assert await status(asking, "/cases") == 401


async def test_a_session_ends_when_nothing_is_asked_and_in_the_end_anyway(
    asking: Client, house: House
) -> None:
    house.add("eva")
    await sign_in(asking)
    house.clock.pass_s(LIFETIMES.idle_s - 1)
    assert await status(asking, "/cases") == 200
    house.clock.pass_s(LIFETIMES.idle_s - 1)
    assert await status(asking, "/cases") == 200

    house.clock.pass_s(LIFETIMES.idle_s + 1)
    assert await status(asking, "/cases") == 401

    await sign_in(asking)
    for _ in range(int(LIFETIMES.total_s / 3000)):
        house.clock.pass_s(3000)
        await status(asking, "/cases")
    house.clock.pass_s(3000)
    assert await status(asking, "/cases") == 401


async def test_a_programs_token_is_good_until_it_is_revoked(asking: Client, house: House) -> None:
    token = house.token(Role.VIEWER)
    headers = {"Authorization": f"Bearer {token}"}
    assert await status(asking, "/cases", headers=headers) == 200

    (row,) = house.sessions.of("a-viewer", Kind.TOKEN)
    house.sessions.revoke("a-viewer", row.id, SHELL)

    assert await status(asking, "/cases", headers=headers) == 401


async def test_a_bad_token_is_not_helped_by_a_good_cookie(asking: Client, house: House) -> None:
    house.add("eva")
    await sign_in(asking)

    assert await status(asking, "/cases", headers={"Authorization": "Bearer nonsense"}) == 401
    assert await status(asking, "/cases", headers={"Authorization": "Basic ZXZhOng="}) == 401
    assert await status(asking, "/cases") == 200


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_no_other_site_makes_a_browser_do_anything(
    asking: Client, house: House, bench: Bench, headers: dict[str, str], wanted: int
) -> None:
    house.add("eva", Role.ADMIN)
    await sign_in(asking)
    case = SentCase()
    bench.send(case)

    assert await status(asking, f"/cases/{case.id}", "DELETE", headers=headers) == wanted


async def test_nobody_is_signed_in_as_somebody_else_by_another_site(
    asking: Client, house: House
) -> None:
    house.add("eva")

    found = await status(asking, "/sign-in", "POST", json=EVA, headers={"Origin": "http://x.test"})

    assert found == 403


def test_our_own_pages_are_known_by_their_origin_too() -> None:
    assert from_here(None, "https://tower.local:9000", "Tower.local:9000")
    assert not from_here(None, "https://tower.local:9001", "tower.local:9000")
    assert not from_here(None, "https://", "")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/page/devices?a=b", "/page/devices?a=b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_signing_in_never_leads_to_another_site(text: str, path: str) -> None:
    assert local_path(text) == path


async def test_ones_own_password_is_changed_with_the_old_one(asking: Client, house: House) -> None:
    house.add("eva")
    await sign_in(asking)
    new = "quite another one"

    wrong = {"old": "nonsense", "new": new}
    assert await status(asking, "/session/password", "POST", json=wrong) == 401
    weak = {"old": PASSWORD, "new": "short"}
    assert await status(asking, "/session/password", "POST", json=weak) == 422
    assert await status(asking, "/cases") == 200

    assert (
        await status(asking, "/session/password", "POST", json={"old": PASSWORD, "new": new}) == 204
    )

    assert await status(asking, "/cases") == 401
    assert (await sign_in(asking, password=new))[0] == 200


async def test_an_admin_runs_people_by_json(asking: Client, house: House) -> None:
    headers = {"Authorization": f"Bearer {house.token(Role.ADMIN)}"}

    async def ask(method: str, path: str, **body: str) -> tuple[int, Any]:
        async with asking.request(method, path, json=body or None, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    new = {"user": "Otto", "role": "viewer", "password": PASSWORD}
    assert (await ask("POST", "/users", **new))[0] == 201
    assert (await ask("POST", "/users", **new))[0] == 409
    assert (await ask("POST", "/users/otto/role", role="trainer"))[0] == 204
    assert (await ask("POST", "/users/otto/role", role="king"))[0] == 422
    assert (await ask("POST", "/users/otto/password", password="another good one"))[0] == 204
    _, everybody = await ask("GET", "/users")
    assert [(u["name"], u["role"]) for u in everybody["users"]] == [
        ("a-admin", "admin"),
        ("otto", "trainer"),
    ]
    assert "password" not in json.dumps(everybody)
    assert (await ask("DELETE", "/users/otto"))[0] == 204
    assert (await ask("DELETE", "/users/a-admin"))[1]["error"]["code"] == "conflict"
    _, audit = await ask("GET", "/audit?limit=2")
    assert [e["action"] for e in audit["audit"]] == ["user-remove", "user-password"]
    _, rest = await ask("GET", f"/audit?limit=50&before={audit['next']}")
    assert [e["action"] for e in rest["audit"]] == [
        "user-role",
        "user-add",
        "token-add",
        "user-add",
    ]


def house_client(house: House, *, proxied: bool = False) -> Any:
    house.intake = Intake()
    return served(house, ask=True, proxied=proxied)


@pytest.mark.parametrize(
    ("body", "kind", "wanted"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 422),
        (b"user=a", "text/plain", 415),
        (b"user=a&user=b&password=c&more=d", "application/x-www-form-urlencoded", 422),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"x" * 20_000, "application/json", 400),
        (b'{"user": "\\ud800", "password": "0123456789"}', "application/json", 422),
        (b'{"user": "eva", "password": "\\ud800234567890"}', "application/json", 422),
        (b'{"user": "\\u0000", "password": "0123456789"}', "application/json", 401),
        (b"[" * 15_000, "application/json", 400),
    ],
)
async def test_no_body_takes_the_sign_in_apart(
    asking: Client, body: bytes, kind: str, wanted: int
) -> None:
    found = await status(asking, "/sign-in", "POST", data=body, headers={"Content-Type": kind})

    assert found == wanted
