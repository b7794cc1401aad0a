"""HTTP doesn't care which database it is: one will do. Passwords are hashed quickly here."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.fakes.keeps import Intake
from tests.fakes.towers_people import House

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
def house(bench: Bench, intake: Intake) -> House:
    """A tower's people."""
    return House(bench, intake)


@asynccontextmanager
async def served(house: House, *, ask: bool, proxied: bool = False) -> AsyncIterator[Client]:
    app = house.app(ask=ask, proxied=proxied)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    """Of a tower that asks nobody."""
    async with served(house, ask=False) as client:
        yield client


@pytest.fixture
async def asking(house: House) -> AsyncIterator[Client]:
    """Of a tower where people sign in."""
    async with served(house, ask=True) as client:
        yield client
