"""Nothing that can be sent to any address is an accident: the whole OpenAPI, generated requests."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fakes.device import a_device
from tests.fakes.vision import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from schemathesis import APIOperation, Case

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDLESS = "/events"
"""Answers for as long as one listens; its own tests do."""
EXAMPLES = 15
"""Requests an operation, of valid ones and of invalid ones each."""


class AccidentError(Exception):
    """What the control has a handler run into."""


@contextmanager
def served(folder: Path, *, broken: bool = False) -> Iterator[str]:
    """The application in a thread of its own; gives its address."""
    ready, stopping = threading.Event(), asyncio.Event()
    addresses: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with a_device(folder) as device:
            device.vision.error = AccidentError() if broken else None
            runner = web.AppRunner(device.app(rate_per_minute=1_000_000))
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
def test_no_request_to_any_address_is_an_accident(data_dir):
    statuses: Counter[int] = Counter()
    with served(data_dir) as url:
        known = _a_case(url)
        for operation in _operations(url):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _try(operation, mode, url, known, statuses)
    assert statuses.total() > 500
    assert {200, 201, 204, 400, 404, 422} <= set(statuses), statuses


@pytest.mark.filterwarnings("ignore")
def test_the_fuzzing_would_notice_an_accident(data_dir):
    with served(data_dir, broken=True) as url:
        (yolo,) = (op for op in _operations(url) if op.path == "/yolo")
        with pytest.raises(FailureGroup) as failed:
            _try(yolo, GenerationMode.POSITIVE, url, "", Counter())
    assert any("Server error" in str(e) for e in failed.value.exceptions)


def _operations(url: str) -> list[APIOperation]:
    with urlopen(f"{url}/openapi.json") as answer:
        schema = schemathesis.openapi.from_dict(json.load(answer))
    found = (each.ok() for each in schema.get_all_operations())
    return [operation for operation in found if operation.path != ENDLESS]


def _a_case(url: str) -> str:
    answer = requests.post(f"{url}/cases", files={"image": picture()}, timeout=10)
    return str(answer.json()["id"])


def _try(
    operation: APIOperation, mode: GenerationMode, url: str, known: str, statuses: Counter[int]
) -> None:
    """Send a few requests of one operation; half of those about a case are about a known one."""

    kept = known and operation.method != "delete" and not operation.path.endswith("/delete")

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
