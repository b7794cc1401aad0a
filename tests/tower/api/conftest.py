"""HTTP doesn't care which database it is: one will do."""

from __future__ import annotations

import pytest


@pytest.fixture
def dsn() -> str:
    return ""
