"""HTTP doesn't care which database it is: one will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.fakes.keeps import Intake
from tower_sync_server.api.app import build_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.keeps import Bench, Client


@pytest.fixture
def dsn() -> str:
    return ""


@pytest.fixture
def intake() -> Intake:
    return Intake()


@pytest.fixture
async def client(bench: Bench, intake: Intake) -> AsyncIterator[Client]:
    app = build_app(bench.listing, bench.keep.blobs, intake, 0, ["tower.local"])
    async with TestClient(TestServer(app)) as client:
        yield client
