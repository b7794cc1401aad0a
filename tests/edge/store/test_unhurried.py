"""What the tower can tell again is written without waiting for the disk; everything else waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.store import outbox
from edge.store.database import connect, unhurried
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("usual", "meanwhile"), [("FULL", 1), ("NORMAL", 1), ("OFF", 0)])
def test_the_disk_is_waited_for_again_afterwards(
    tmp_path: Path, usual: str, meanwhile: int
) -> None:
    db = connect(tmp_path / "x.db", usual)

    def level() -> int:
        return int(db.execute("PRAGMA synchronous").fetchone()[0])

    before = level()

    def fail() -> None:
        with unhurried(db):
            assert level() == meanwhile
            db.execute("CREATE TABLE t (x)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert level() == before
    assert not db["t"].exists()
    db.close()


async def test_only_how_far_things_travelled_is_written_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels: dict[str, int] = {}
    for name in ("enqueue", "mark_sent", "mark_stored", "dead_letter"):
        real = getattr(outbox, name)

        def noted(db, *args, _real=real, _name=name, **more):  # type: ignore[no-untyped-def]
            levels[_name] = db.execute("PRAGMA synchronous").fetchone()[0]
            return _real(db, *args, **more)

        monkeypatch.setattr(outbox, name, noted)
    async with opened(tmp_path) as store:
        await store.add(draft([photo(1)], 1), [photo(1)])
        await store.note_travelled(sent=[1])
        await store.note_travelled(stored=[1])
        await store.dead_letter(2, "no")

    assert levels == {"enqueue": 2, "mark_sent": 1, "mark_stored": 1, "dead_letter": 2}
