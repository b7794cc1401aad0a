"""A phone in front of a device whose eyes are fake; a test that wants others says so itself."""

from __future__ import annotations

import pytest

from tests.e2e.phones import a_browser, a_phone
from tests.fakes.device import a_device


@pytest.fixture
async def device(tmp_path):
    async with a_device(tmp_path / "data") as made:
        yield made


@pytest.fixture
async def browser():
    async with a_browser() as launched:
        yield launched


@pytest.fixture
async def phone(device, browser):
    async with a_phone(browser, device) as made:
        yield made
