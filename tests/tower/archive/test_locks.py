"""Workers on PostgreSQL whose cases are of the same devices don't wait for each other in a ring."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.fakes.keeps import NOW, opened
from tests.fakes.parcels import SentCase
from tower_sync_server.archive import archive as archive_module
from tower_sync_server.archive.archive import Archive, Arrival
from tower_sync_server.archive.facts import read_facts
from tower_sync_server.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest
    import sqlalchemy as sa


def arrival(device: str, seq: int) -> Arrival:
    parcel = SentCase(seq=seq, photo=b"p", thumb=b"t").case()
    return Arrival(device, parcel.header, read_facts(parcel.payload), parcel.payload)


def two_at_once(folder: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Two workers take in cases of two devices.

    The first one notes that it heard `z`, which it hasn't noted lately, and is slow from there on.
    Meanwhile the second one, which has noted both, comes as far as it can.
    """
    noted = threading.Event()
    real = archive_module.note_devices

    def note_and_wait(db: sa.Connection, names: Iterable[str], now_us: int) -> None:
        real(db, names, now_us)
        noted.set()
        time.sleep(2.0)

    failed: list[BaseException] = []

    def take(worker: Archive, seq: int) -> None:
        try:
            worker.store([arrival("a", seq), arrival("z", seq)])
        except UnavailableError as e:
            failed.append(e)

    with opened(folder, dsn) as keep:
        late = Archive(keep.engine, lambda: NOW + timedelta(seconds=2))
        other = Archive(keep.engine, lambda: NOW)
        other.store([arrival("a", 1), arrival("z", 1)])
        late.store([arrival("a", 2)])
        monkeypatch.setattr(archive_module, "note_devices", note_and_wait)
        first = threading.Thread(target=take, args=(late, 3))
        second = threading.Thread(target=take, args=(other, 4))
        first.start()
        assert noted.wait(30)
        second.start()
        first.join()
        second.join()
    return failed


def test_two_workers_with_cases_of_the_same_devices_both_keep_them(
    tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert two_at_once(tmp_path, empty_postgres, monkeypatch) == []


def test_without_locking_the_devices_in_one_order_one_of_them_would_fail(
    tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "lock_devices", lambda _db, _names: None)
    (failed,) = two_at_once(tmp_path, empty_postgres, monkeypatch)
    assert "deadlock" in str(failed)
