from __future__ import annotations

import os
from pathlib import Path

import pytest

from sync.bitmap import Bitmap
from tests.fakes.parcels import SentCase
from tower_sync_server.archive.spool import GoneError, Spool, TornError

PHOTO = SentCase().original()
HEADER = PHOTO.header


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    found = Spool(tmp_path / "spool")
    found.open(3600)
    return found


def test_chunks_come_back_in_order(spool: Spool) -> None:
    for index in (2, 0, 1):
        spool.keep("gate", PHOTO.chunk(index))

    assert b"".join(spool.read("gate", HEADER)) == PHOTO.payload


def test_it_knows_what_is_there_and_whose(spool: Spool) -> None:
    spool.keep("gate", PHOTO.chunk(1))

    assert spool.have("gate", HEADER) == Bitmap.of(3, (1,))
    assert spool.have("yard", HEADER) is None


def test_a_chunk_that_another_worker_took_away_is_gone(spool: Spool) -> None:
    spool.keep("gate", PHOTO.chunk(0))

    with pytest.raises(GoneError):
        list(spool.read("gate", HEADER))


@pytest.mark.parametrize("damage", [b"", b"\0" * 65568, None])
def test_a_damaged_chunk_is_thrown_away_and_the_others_stay(
    spool: Spool, tmp_path: Path, damage: bytes | None
) -> None:
    for chunk in PHOTO.chunks():
        spool.keep("gate", chunk)
    path = next((tmp_path / "spool").glob("*/*/0"))
    path.write_bytes(path.read_bytes()[:-1] + b"!" if damage is None else damage)

    with pytest.raises(TornError):
        list(spool.read("gate", HEADER))

    assert spool.have("gate", HEADER) == Bitmap.of(3, (1, 2))


def test_what_is_forgotten_is_gone_and_forgetting_twice_does_no_harm(spool: Spool) -> None:
    spool.keep("gate", PHOTO.chunk(0))

    spool.forget("gate", HEADER)
    spool.forget("gate", HEADER)

    assert spool.have("gate", HEADER) is None


def test_what_nobody_completed_goes_after_its_time(spool: Spool, tmp_path: Path) -> None:
    spool.keep("gate", PHOTO.chunk(0))
    (tmp_path / "spool" / ".left").write_bytes(b"half a chunk")
    of_before = tmp_path / "spool" / ("0" * 64)  # of a program without folders for devices
    of_before.mkdir()
    for path in (tmp_path / "spool").rglob("*"):
        os.utime(path, (1, 1))
    spool.keep("yard", PHOTO.chunk(0))

    spool.open(3600)

    assert spool.have("gate", HEADER) is None
    assert spool.have("yard", HEADER) is not None
    assert not (tmp_path / "spool" / ".left").exists()
    assert not of_before.exists()


def test_another_worker_that_finishes_meanwhile_is_noticed(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_self: Path, _target: Path) -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "replace", gone)

    with pytest.raises(GoneError):
        spool.keep("gate", PHOTO.chunk(0))
