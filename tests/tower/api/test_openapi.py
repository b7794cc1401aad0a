from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fakes.parcels import SentCase
from tower_sync_server.api.openapi import SHAPES, document
from tower_sync_server.api.routes import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import APIOperation, Case

    from tests.fakes.keeps import Bench, Client
    from tests.fakes.towers_people import House

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
"""Requests an operation, of valid ones and of invalid ones each."""


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document("1.2.3")


def test_every_route_that_is_no_page_is_described(described: dict[str, Any]) -> None:
    programs = {key for key, rule in RULES.items() if rule.summary} - {("GET", "/static")}
    there = {(m.upper(), path) for path, ops in described["paths"].items() for m in ops}

    assert there == set(SHAPES) == programs


def test_every_operation_says_who_may_use_it_and_what_it_answers(described: dict[str, Any]) -> None:
    names = set()
    for path, operations in described["paths"].items():
        for method, op in operations.items():
            names.add(op["operationId"])
            rule = RULES[method.upper(), path]
            assert bool(op["security"]) == (rule.role is not None)
            assert rule.role is None or f"role {rule.role.value}" in op["description"]
            assert any(code[0] == "2" for code in op["responses"])
            for name in re.findall(r"{(\w+)}", path):
                assert any(p["name"] == name and p["in"] == "path" for p in op["parameters"])
    assert len(names) == len(SHAPES)


def test_every_schema_is_one_and_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))

    assert references <= set(schemas)
    assert {"Case", "DeviceRow", "History", "Entry"} <= references


async def test_it_is_there_without_a_session(asking: Client) -> None:
    async with asking.get("/openapi.json") as answer:
        assert (await answer.json())["openapi"] == "3.1.0"


@contextmanager
def served(house: House) -> Iterator[str]:
    """The application in a thread of its own; gives its address."""
    ready, stopping = threading.Event(), asyncio.Event()
    addresses: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        runner = web.AppRunner(house.app(ask=False))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        addresses.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        ready.set()
        await stopping.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("ignore")  # aiohttp and the generator warn of what is sent here
def test_no_request_to_any_address_is_an_accident(house: House, bench: Bench) -> None:
    case = SentCase()
    bench.send(case)
    statuses: Counter[int] = Counter()
    with served(house) as url:
        for operation in operations(url):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                send_some(operation, mode, url, case.id, statuses)

    assert statuses.total() > 200
    assert {200, 204, 400, 404, 422} <= set(statuses), statuses


@pytest.mark.filterwarnings("ignore")
def test_the_fuzzing_would_notice_an_accident(
    house: House, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.listing, "devices", lambda: 1 / 0)
    with served(house) as url:
        (devices,) = (op for op in operations(url) if op.path == "/devices")
        with pytest.raises(FailureGroup) as failed:
            send_some(devices, GenerationMode.POSITIVE, url, "", Counter())

    assert any("Server error" in str(e) for e in failed.value.exceptions)


def operations(url: str) -> list[APIOperation]:
    described = requests.get(f"{url}/openapi.json", timeout=10).json()
    found = (each.ok() for each in schemathesis.openapi.from_dict(described).get_all_operations())
    return [op for op in found if (op.method.upper(), op.path) != ("POST", "/cases")]


def send_some(
    operation: APIOperation, mode: GenerationMode, url: str, known: str, statuses: Counter[int]
) -> None:
    """Send a few requests of one operation; half of those about a case are about a known one."""
    kept = known and operation.method != "delete" and not operation.path.endswith("/purge")

    @given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Case, there: bool) -> None:
        if there and kept and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = known
        answer = case.call(base_url=url, timeout=20)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    try:
        send()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # an operation that takes nothing can't be misused
