"""What the tower's tests share. The archive's run on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.fakes.keeps import Bench, opened
from tests.fakes.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A server for all tests; each begins with no tables, see `empty_postgres`."""
    with postgres() as dsn:
        yield dsn


@pytest.fixture
def empty_postgres(postgres_dsn: str) -> str:
    engine = sa.create_engine(postgres_dsn)
    with engine.begin() as db:
        db.exec_driver_sql("DROP SCHEMA public CASCADE")
        db.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return postgres_dsn


@pytest.fixture(params=["sqlite", "postgresql"])
def dsn(request: pytest.FixtureRequest) -> str:
    """An empty database; "" is the tower's own SQLite."""
    wanted: str = request.param
    return "" if wanted == "sqlite" else str(request.getfixturevalue("empty_postgres"))


@pytest.fixture
def bench(tmp_path: Path, dsn: str) -> Iterator[Bench]:
    with opened(tmp_path / "tower", dsn) as keep:
        yield Bench(keep)
