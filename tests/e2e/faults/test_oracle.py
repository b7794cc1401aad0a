"""The control of the comparison: whatever is spoiled on the tower, it is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults import oracle
from tests.e2e.faults.world import drained, world
from tests.fakes.fleets import Plan, fleet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

DEVICE = "garage"


def change(tower: Path, sql: str) -> None:
    with closing(sqlite3.connect(tower / "archive.db")) as db, db:
        db.execute(sql)


def a_blob(tower: Path) -> Path:
    return max((tower / "blobs").glob("??/*"), key=lambda path: path.stat().st_size)


def spoil_a_photo(tower: Path) -> None:
    data = bytearray(a_blob(tower).read_bytes())
    data[len(data) // 2] ^= 1
    a_blob(tower).write_bytes(data)


def spoil_a_case(tower: Path) -> None:
    change(
        tower,
        "UPDATE revisions SET body = CAST(replace(CAST(body AS TEXT), 'dent', 'dint') AS BLOB)"
        " WHERE case_id = (SELECT min(case_id) FROM revisions)",
    )


def forget_a_case(tower: Path) -> None:
    change(tower, "DELETE FROM cases WHERE no = (SELECT min(no) FROM cases)")


def forget_a_row_of_a_photo(tower: Path) -> None:
    change(
        tower,
        "DELETE FROM parcels WHERE kind = 'image' AND case_id = (SELECT min(case_id) FROM parcels)",
    )


def store_a_photo_twice(tower: Path) -> None:
    change(
        tower,
        "INSERT INTO parcels SELECT device, case_id, rev + 1, kind, image, sha256, size,"
        " media_type, stored_us FROM parcels WHERE kind = 'image' LIMIT 1",
    )


def invent_a_case(tower: Path) -> None:
    change(tower, "UPDATE cases SET case_id = 'nobody' WHERE no = (SELECT min(no) FROM cases)")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tower's folder that holds all of a device's."""
    folder = tmp_path_factory.mktemp("whole")
    device = folder / DEVICE
    with world(folder, 1) as here:
        with fleet(folder, Plan(DEVICE, str(device), here.broker.port, (1000, 90_000))) as running:
            running.ask("make", DEVICE, 3)
            drained([device], 60)
        here.tower.stop()
    return folder / "tower", device


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda _: None, ""),
        (spoil_a_photo, "different"),
        (spoil_a_case, "different"),
        (lambda tower: a_blob(tower).unlink(), "missing"),
        (forget_a_case, "missing"),
        (forget_a_row_of_a_photo, "missing"),
        (store_a_photo_twice, "doubled"),
        (invent_a_case, "missing doubled"),
    ],
)
def test_what_is_spoiled_is_found(
    whole: tuple[Path, Path], tmp_path: Path, spoil: Callable[[Path], None], what: str
) -> None:
    tower, device = tmp_path / "tower", whole[1]
    copy(whole[0], tower)
    spoil(tower)

    found = oracle.compare(tower, {DEVICE: device})

    assert found.cases == 3
    kinds = ("missing", "doubled", "different")
    assert [kind for kind in kinds if getattr(found, kind)] == what.split()


def test_a_case_that_was_promised_and_is_not_even_on_the_device_is_missing(
    whole: tuple[Path, Path],
) -> None:
    found = oracle.compare(whole[0], {DEVICE: whole[1]}, [(DEVICE, "promised")])

    assert len(found.missing) == 1


def copy(tower: Path, target: Path) -> None:
    """The parts that are compared."""
    target.mkdir()
    with (
        closing(sqlite3.connect(tower / "archive.db")) as source,
        closing(sqlite3.connect(target / "archive.db")) as sink,
    ):
        source.backup(sink)
    for blob in (tower / "blobs").glob("??/*"):
        (target / "blobs" / blob.parent.name).mkdir(parents=True, exist_ok=True)
        (target / "blobs" / blob.parent.name / blob.name).write_bytes(blob.read_bytes())
