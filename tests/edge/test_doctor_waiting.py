"""What the doctor says of cases that the tower or the webhook should know by now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from edge.config import Settings, StoreSettings, SyncSettings, WebhookSettings
from edge.doctor.waiting import waiting
from edge.webhooks.webhooks import CURSOR
from tests.fakes.drafts import NOON, draft, photo
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.doctor.findings import Finding

PLACE = "http://127.0.0.1:9"
URL = f"{PLACE}/cases?key=zz9"


def settings(data_dir: Path) -> Settings:
    return Settings(
        store=StoreSettings(data_dir=data_dir),
        sync=SyncSettings(host="tower.local"),
        webhooks=WebhookSettings(url=URL),
    )


def said(data_dir: Path, after: timedelta = timedelta()) -> dict[str, Finding]:
    found = waiting(settings(data_dir), NOON + after)
    return {finding.name: finding for finding in found}


def test_before_the_first_start_nothing_waits(tmp_path: Path) -> None:
    assert said(tmp_path) == {}


async def test_a_week_without_the_tower_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        assert said(tmp_path)["outbox"].message == "the tower has every case"
        await store.add(draft([photo()]), [photo()])
        fresh, old = said(tmp_path)["outbox"], said(tmp_path, timedelta(days=7))["outbox"]
    assert fresh.level == "PASS"
    assert fresh.message == "1 case not on the tower yet"
    assert old.level == "WARN"
    assert "the first for 7 days" in old.message
    assert old.mend


async def test_where_there_is_no_tower_nothing_waits_for_one(tmp_path: Path) -> None:
    alone = Settings(store=StoreSettings(data_dir=tmp_path))
    async with opened(tmp_path) as store:
        await store.add(draft([photo()]), [photo()])
        assert waiting(alone, NOON + timedelta(days=30)) == []


async def test_what_the_tower_refused_is_a_warning_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.add(draft([photo()]), [photo()])
        (first, *_) = await store.pending()
        await store.dead_letter(first.id, "malformed")
        found = said(tmp_path)["outbox"]
    assert found.level == "WARN"
    assert "refused 1 for good" in found.message
    assert "edgecase sync retry" in found.mend


async def test_a_webhook_that_is_behind_is_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.add(draft([photo(1)]), [photo(1)])
        assert said(tmp_path)["webhook"].message == f"{PLACE} knows every case", "not begun yet"
        await store.put_setting(CURSOR, "1")
        await store.add(draft([photo(2)], 1), [photo(2)])
        await store.add(draft([photo(3)], 2), [photo(3)])
        fresh, old = said(tmp_path)["webhook"], said(tmp_path, timedelta(days=1))["webhook"]
        await store.put_setting(CURSOR, "3")
        assert said(tmp_path)["webhook"].message == f"{PLACE} knows every case"
    assert fresh.level == "PASS"
    assert old.level == "WARN"
    assert f"{PLACE} hasn't taken 2 cases, the first of " in old.message


def test_of_a_store_that_cannot_be_read_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "cases.db").write_bytes(b"no database")
    assert waiting(settings(tmp_path), NOON) == []
