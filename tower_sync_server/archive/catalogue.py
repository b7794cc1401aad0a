"""What lists are made of: a row for each case, from its highest revision; counters a device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tower_sync_server.archive import search
from tower_sync_server.archive.facts import Facts
from tower_sync_server.archive.tables import case_labels, cases, devices
from tower_sync_server.archive.tombstones import is_removed
from tower_sync_server.database.engine import insert_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SEEN_STEP_US = 1_000_000
"""A device that was heard less than this ago is not noted again: many workers share its row."""


_names: sa.BindParameter[list[str]] = sa.bindparam("names", expanding=True)
SEE = (
    sa.update(devices)
    .where(devices.c.device.in_(_names), devices.c.seen_us < sa.bindparam("late"))
    .values(seen_us=sa.bindparam("now"))
)
LOCK = (
    sa.select(devices.c.device)
    .where(devices.c.device.in_(_names))
    .order_by(devices.c.device)
    .with_for_update()
)
"""Nothing but a look in SQLite, which has one writer."""
LABEL = sa.insert(case_labels)
HERE = (
    sa.select(cases.c.seq, sa.func.count())
    .where(
        cases.c.device == sa.bindparam("name"),
        cases.c.seq.in_(sa.bindparam("seqs", expanding=True)),
    )
    .group_by(cases.c.seq)
)
_highest = sa.bindparam("highest", type_=sa.BigInteger)
COUNT = (
    sa.update(devices)
    .where(devices.c.device == sa.bindparam("name"))
    .values(
        cases=devices.c.cases + sa.bindparam("fresh"),
        last_seq=sa.case((devices.c.last_seq < _highest, _highest), else_=devices.c.last_seq),
    )
)


@dataclass(frozen=True, slots=True)
class Revised:
    """A revision of a case that has just come."""

    device: str
    """Who sent it."""
    facts: Facts
    """What is in it."""

    @property
    def key(self) -> tuple[str, str]:
        """Which case."""
        return (self.facts.id, self.device)


def lock_devices(db: sa.Connection, names: Iterable[str]) -> None:
    """Have the rows of these devices to oneself until the end of the transaction.

    In one order, and before any of them is changed: many workers share these rows, and two of them
    would else wait for each other.
    """
    db.execute(LOCK, {"names": sorted(set(names))})


def note_devices(db: sa.Connection, names: Iterable[str], now_us: int) -> None:
    """Note that these were heard just now; their rows, where there are some, are locked."""
    first = {"first_us": now_us, "seen_us": now_us, "online": False, "state": "{}"}
    rows: list[dict[str, Any]] = [{"device": name, **first} for name in sorted(set(names))]
    known = {row["device"] for row in rows}
    known -= {row[0] for row in insert_missing(db, devices, rows, devices.c.device)}
    if known:
        db.execute(SEE, {"names": sorted(known), "now": now_us, "late": now_us - SEEN_STEP_US})


def list_cases(db: sa.Connection, revised: Sequence[Revised], now_us: int) -> Sequence[Revised]:
    """Have lists show these revisions, unless they show later ones; gives the new cases."""
    newest: dict[tuple[str, str], Revised] = {}
    for one in sorted(revised, key=lambda r: (*r.key, r.facts.rev)):
        newest[one.key] = one
    if not newest:
        return ()
    rows = _rows(db, list(newest.values()), now_us)
    c = cases.c
    new = insert_missing(db, cases, rows, c.case_id, c.device, c.no)
    numbers = {(row.case_id, row.device): row.no for row in new}
    by_key = {(row["case_id"], row["device"]): row for row in rows}
    search.index(db, [by_key[key] for key in numbers])
    _label(db, [(no, by_key[key]["taken_us"], newest[key].facts) for key, no in numbers.items()])
    for key, one in newest.items():
        if key not in numbers:
            _revise(db, one)
    return [newest[key] for key in numbers]


def _rows(db: sa.Connection, newest: Sequence[Revised], now_us: int) -> list[dict[str, Any]]:
    """A row for each case, as if none were there yet."""
    taken = [now_us if r.facts.created_us is None else r.facts.created_us for r in newest]
    rows = []
    for one, moment, place in zip(newest, taken, search.places(db, taken), strict=True):
        key = {"device": one.device, "case_id": one.facts.id}
        times = {"taken_us": moment, "received_us": now_us, "place": place}
        rows.append({**key, **times, **_values(db, one)})
    return rows


def _values(db: sa.Connection, one: Revised) -> dict[str, Any]:
    facts = one.facts
    what = search.found(one.device, facts)
    return {
        "rev": facts.rev,
        "seq": facts.seq,
        "status": facts.status,
        "profile": facts.profile,
        "words": search.as_value(db.dialect.name, what),
    }


def _revise(db: sa.Connection, one: Revised) -> None:
    """Show a revision of a case that is there already, unless a later one is shown."""
    c = cases.c
    mine = sa.select(c.no, c.rev, c.taken_us, c.place, c.words)
    mine = mine.where(c.case_id == one.facts.id, c.device == one.device)
    row = db.execute(mine.with_for_update()).one()
    if one.facts.rev <= row.rev:
        return
    if is_removed(db, one.device, one.facts.id):  # here: what the device says of it comes later
        one = Revised(one.device, replace(one.facts, status=search.DELETED))
    relist(db, row, one)


def relist(db: sa.Connection, row: Any, one: Revised) -> None:
    """Have lists show just this of a case, whose row has `no`, `taken_us`, `place`, `words`."""
    values = _values(db, one)
    search.forget(db, row.place, row.words)
    db.execute(sa.update(cases).where(cases.c.no == row.no).values(**values))
    search.index(db, [{**values, "place": row.place}])
    db.execute(sa.delete(case_labels).where(case_labels.c.no == row.no))
    _label(db, [(row.no, row.taken_us, one.facts)])


def unlist(db: sa.Connection, row: Any) -> None:
    """Have lists show a case no more, whose row has `no`, `place`, `words`."""
    search.forget(db, row.place, row.words)
    db.execute(sa.delete(case_labels).where(case_labels.c.no == row.no))
    db.execute(sa.delete(cases).where(cases.c.no == row.no))


def _label(db: sa.Connection, listed: Iterable[tuple[int, int, Facts]]) -> None:
    rows = [
        {"label": label, "taken_us": taken, "no": no}
        for no, taken, facts in listed
        for label in facts.labels
    ]
    if rows:
        db.execute(LABEL, rows)


def count_cases(db: sa.Connection, new: Sequence[Revised]) -> None:
    """Count numbers that came for the first time; the rows of the devices are locked."""
    numbers: dict[str, dict[int, int]] = {}
    for one in new:
        of_device = numbers.setdefault(one.device, {})
        of_device[one.facts.seq] = of_device.get(one.facts.seq, 0) + 1
    for device, seqs in sorted(numbers.items()):
        counted = db.execute(HERE, {"name": device, "seqs": sorted(seqs)})
        fresh = sum(count == seqs[seq] for seq, count in counted)
        db.execute(COUNT, {"name": device, "fresh": fresh, "highest": max(seqs)})
