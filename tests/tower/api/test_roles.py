"""Every route, without anybody and with each role, against the table of routes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.fakes.parcels import SentCase
from tower_sync_server.api.routes import RULES, refuse_unruled, served
from tower_sync_server.people.words import Role

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench, Client
    from tests.fakes.towers_people import House

OPEN = {"/ping", "/health", "/metrics", "/docs", "/openapi.json", "/static", "/sign-in"}
OPEN |= {"/releases/metadata/{name}", "/releases/targets/{path}"}
PATHS = {"/static": "/static/tower.css"}
ROUTES = sorted(RULES)
NO_CASE = "6f1f2a3e-5b0c-4a53-9a5e-0f6f6c1d2e3f"


def address(path: str, case: str = NO_CASE) -> str:
    filled = path.replace("{id}", case)
    return PATHS.get(path, re.sub(r"{(\w+)[^}]*}", "nobody", filled))


async def status(client: Client, method: str, path: str, token: str = "") -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = client.request(method, path, headers=headers, allow_redirects=False)
    async with request as answer:
        return answer.status


def test_the_table_names_just_the_routes_there_are(house: House) -> None:
    assert served(house.app(ask=True)) == set(RULES)


def test_a_route_without_a_role_is_never_served(house: House) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response()

    app = house.app(ask=True)
    app.router.add_get("/new", handler)

    with pytest.raises(LookupError, match="/new"):
        refuse_unruled(app)


def test_only_these_are_for_everybody() -> None:
    assert {path for (_, path), rule in RULES.items() if rule.role is None} == OPEN


async def test_without_a_session_every_other_route_is_401_or_the_sign_in(
    asking: Client, bench: Bench
) -> None:
    case = SentCase()
    bench.send(case)
    wrong = []
    for method, path in ROUTES:
        request = asking.request(method, address(path, case.id), allow_redirects=False)
        async with request as answer:
            if RULES[method, path].role is None:
                refused = answer.status in (401, 303)
                wrong += [(method, path)] if refused and path != "/sign-in" else []
            elif path == "/" or path.startswith("/page/"):
                to = answer.headers.get("Location", "")
                wrong += [(method, path)] if not to.startswith("/sign-in") else []
            elif (answer.status, (await answer.json())["error"]["code"]) != (401, "unauthorized"):
                wrong.append((method, path))

    assert wrong == []


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_do_what_the_table_says_and_no_more(
    asking: Client, house: House, role: Role
) -> None:
    wrong = []
    for method, path in ROUTES:
        rule = RULES[method, path]
        token = house.token(role)
        found = await status(asking, method, address(path), token)
        allowed = rule.role is None or role.may(rule.role)
        if (found == 403) == allowed:
            wrong.append((method, path, found))

    assert wrong == []


async def test_an_unknown_path_tells_a_stranger_nothing(asking: Client, house: House) -> None:
    assert await status(asking, "GET", "/nowhere") == 401
    assert await status(asking, "PUT", "/cases") == 401
    assert await status(asking, "GET", "/nowhere", house.token(Role.VIEWER)) == 404
    assert await status(asking, "PUT", "/cases", house.token(Role.VIEWER)) == 405


async def test_a_program_is_told_how_to_sign_in(asking: Client) -> None:
    async with asking.get("/cases") as answer:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "Authorization: Bearer" in (await answer.json())["error"]["hint"]


async def test_head_is_asked_like_get(asking: Client) -> None:
    assert await status(asking, "HEAD", "/cases") == 401
    assert await status(asking, "HEAD", "/ping") == 200


async def test_a_tower_that_asks_nobody_lets_everybody(client: Client) -> None:
    assert await status(client, "GET", "/audit") == 200


@pytest.mark.parametrize(
    ("less", "more"),
    [(Role.VIEWER, Role.REVIEWER), (Role.REVIEWER, Role.TRAINER), (Role.TRAINER, Role.ADMIN)],
)
def test_each_role_may_what_the_one_before_may(less: Role, more: Role) -> None:
    assert more.may(less)
    assert not less.may(more)
    assert less.may(less)
