"""What the tower holds: one transaction for all that is taken in at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sync.messages import Header
from sync.receiver import Known
from tower_sync_server.archive.catalogue import (
    SEEN_STEP_US,
    Revised,
    count_cases,
    list_cases,
    lock_devices,
    note_devices,
)
from tower_sync_server.archive.damage import Picture, damaged_of, mend
from tower_sync_server.archive.facts import Facts
from tower_sync_server.archive.states import shown
from tower_sync_server.archive.tables import devices, parcels, quarantine, revisions
from tower_sync_server.archive.tombstones import claim, doom, purged_of
from tower_sync_server.database.engine import (
    insert_missing,
    insert_unless_there,
    of_cases,
    reading,
    these,
    writing,
)
from tower_sync_server.database.times import to_us
from tower_sync_server.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sync.messages import Address, State

Key = tuple[str, str, int, str, str]
"""Device, case, revision, kind, image: what `parcels` holds one payload of."""

KEY = tuple(parcels.c[name] for name in ("device", "case_id", "rev", "kind", "image"))
HELD = sa.select(*KEY, parcels.c.sha256).where(of_cases(*KEY[:2]))
_ASIDE_KEY = tuple(quarantine.c[column.name] for column in KEY)
ASIDE = sa.select(*_ASIDE_KEY, quarantine.c.sha256).where(of_cases(*_ASIDE_KEY[:2]))
KEEP_REVISION = sa.insert(revisions)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A payload that is whole and, unless it is a case, durable in the blobs."""

    device: str
    """The device of the topic."""
    header: Header
    """What it is."""
    facts: Facts | None = None
    """Of a case."""
    body: bytes = b""
    """Of a case: its bytes."""
    key: Key = field(init=False)
    """Under which it is held."""

    def __post_init__(self) -> None:
        """Make the key once: it is asked for again and again."""
        object.__setattr__(self, "key", (self.device, *self.header.address.key))


class Archive:
    """Takes in what devices send. Each method is one transaction; any number of workers may."""

    def __init__(
        self,
        engine: sa.Engine,
        now: Callable[[], datetime],
        is_there: Callable[[str], bool] = lambda _sha256: True,
    ) -> None:
        """Use a database that has been migrated.

        Args:
            engine: the database.
            now: wall time with its offset.
            is_there: whether a blob is there still, once it has been made durable.
        """
        self._engine = engine
        self._now = now
        self._is_there = is_there
        self._noted: dict[str, int] = {}
        """Device → when it was last noted that it was heard, so as not to do it all the time."""

    def known(self, wanted: Sequence[tuple[str, Address]]) -> list[Known]:
        """What is held under each of these devices' keys; says nothing about chunks.

        Of a case that was removed for good everything is said to be held, whatever it is; of a
        picture that was found to be damaged, nothing.
        """
        if not wanted:
            return []
        keys = list({(device, *address.key) for device, address in wanted})
        with reading(self._engine) as db:
            held = _held(db, keys)
            gone = purged_of(db, {key[:2] for key in keys})
            aside: set[tuple[Any, ...]] = set()
            if held:  # nothing goes there but what comes under a key that is taken
                broken = damaged_of(db, map(picture_of, held))
                held = {k: sha256 for k, sha256 in held.items() if picture_of(k) not in broken}
                aside = {tuple(row) for row in db.execute(ASIDE, these(keys))}
        return [
            Known(stored=address.sha256)
            if (device, address.case) in gone
            else Known(
                stored=held.get((device, *address.key)),
                quarantined=(device, *address.key, address.sha256) in aside,
            )
            for device, address in wanted
        ]

    def store(self, arrivals: Sequence[Arrival]) -> list[str]:
        """Keep all of these, each under its key, unless something is held there.

        Returns:
            For each the SHA-256 that is held under its key from now on.
        """
        first: dict[Key, Arrival] = {}
        for arrival in arrivals:
            first.setdefault(arrival.key, arrival)
        with writing(self._engine) as db:
            now = to_us(self._now())
            rows = [{**_row(a.device, a.header), "stored_us": now} for _, a in sorted_by(first)]
            new = {tuple(row) for row in insert_missing(db, parcels, rows, *KEY)}
            held = {k: a.header.address.sha256 for k, a in first.items() if k in new}
            held |= _held(db, [k for k in first if k not in new])
            held |= self._mend(db, {k: a for k, a in first.items() if k not in new or k[2] > 1})
            fresh = self._still_wanted(db, [a for k, a in sorted_by(first) if k in new], now)
            names = {a.device for a in fresh}
            if fresh:
                listed = self._keep_cases(db, fresh, now)
                self._note(db, names, listed, now)
        self._noted |= dict.fromkeys(names, now)  # only now is it true
        return [held[arrival.key] for arrival in arrivals]

    def _mend(self, db: sa.Connection, came: Mapping[Key, Arrival]) -> dict[Key, str]:
        """Note what is whole again; gives what is held of it now.

        Args:
            db: the transaction.
            came: what may have come again: pictures travel with the first revision, and with the
                newest one where the tower had lost them.
        """
        held: dict[Key, str] = {}
        broken = damaged_of(db, [picture_of(k) for k, a in came.items() if a.facts is None])
        for key in sorted(k for k in came if picture_of(k) in broken):
            header = came[key].header
            mend(db, picture_of(key), header)
            held[key] = header.address.sha256
        self._claim(db, list(held.values()))
        return held

    def set_aside(self, device: str, header: Header) -> bool:
        """Note a payload, durable in the blobs, that came under a taken key; False if known."""
        with writing(self._engine) as db:
            values = {**_row(device, header), "at_us": to_us(self._now())}
            new = insert_unless_there(db, quarantine, values)
            self._claim(db, [header.address.sha256])
            return new

    def hear(self, states: Sequence[tuple[str, State]]) -> None:
        """Keep how these devices say they are."""
        with writing(self._engine) as db:
            names = {device for device, _ in states}
            lock_devices(db, names)
            note_devices(db, names, to_us(self._now()))
            for device, state in sorted(states, key=lambda said: said[0]):
                change: dict[str, Any] = {"online": state.online}
                if state.online:  # a Last Will says no more than that
                    change["state"] = json.dumps(shown(state))
                db.execute(sa.update(devices).where(devices.c.device == device).values(**change))

    def _note(self, db: sa.Connection, names: set[str], new: Sequence[Revised], now: int) -> None:
        """Note in the devices' rows what came; last, since many workers share these rows."""
        late = {n for n in names if now - self._noted.get(n, -SEEN_STEP_US) >= SEEN_STEP_US}
        touched = late | {one.device for one in new}
        if touched:
            lock_devices(db, touched)
        if late:
            note_devices(db, late, now)
        count_cases(db, new)

    def _still_wanted(
        self, db: sa.Connection, fresh: Sequence[Arrival], now: int
    ) -> Sequence[Arrival]:
        """Drop what belongs to cases that were removed for good meanwhile; keep others' blobs.

        Looked at after the rows were inserted: whoever removes a case waits for them, or they for
        it.

        Raises:
            UnavailableError: a blob went away between its being written and now.
        """
        gone = purged_of(db, {a.key[:2] for a in fresh})
        wanted = [a for a in fresh if a.key[:2] not in gone]
        dropped = [a for a in fresh if a.key[:2] in gone]
        if dropped:
            for arrival in dropped:
                exact = (column == value for column, value in zip(KEY, arrival.key, strict=True))
                db.execute(sa.delete(parcels).where(*exact))
            doom(db, _blobs_of(dropped), now)
        self._claim(db, _blobs_of(wanted))
        return wanted

    def _claim(self, db: sa.Connection, blobs: Sequence[str]) -> None:
        """Have these blobs stay; raises where one went away after it had been written."""
        if not all(self._is_there(sha256) for sha256 in claim(db, blobs)):
            raise UnavailableError("A blob was removed while it was taken in.", "Try again.")

    def _keep_cases(
        self, db: sa.Connection, fresh: Sequence[Arrival], now: int
    ) -> Sequence[Revised]:
        """Keep what is a case; gives those that are new."""
        rows, revised = [], []
        for arrival in fresh:
            if arrival.facts is None:
                continue
            address = arrival.header.address
            key = {"device": arrival.device, "case_id": address.case, "rev": address.rev}
            rows.append({**key, "body": arrival.body})
            revised.append(Revised(arrival.device, arrival.facts))
        if not rows:
            return ()
        db.execute(KEEP_REVISION, rows)
        return list_cases(db, revised, now)


def picture_of(key: Key) -> Picture:
    """Which picture this is, under whatever revision it came."""
    return (key[0], key[1], key[3], key[4])


def sorted_by(arrivals: dict[Key, Arrival]) -> list[tuple[Key, Arrival]]:
    """In the order of their keys: workers that take the same in wait for each other in one."""
    return sorted(arrivals.items(), key=lambda item: item[0])


def _held(db: sa.Connection, keys: Collection[Key]) -> dict[tuple[Any, ...], str]:
    """Key → SHA-256 of what is held under it."""
    if not keys:
        return {}
    wanted = set(keys)
    rows = db.execute(HELD, these(wanted))
    return {key: row[5] for row in rows if (key := tuple(row[:5])) in wanted}


def _blobs_of(arrivals: Iterable[Arrival]) -> list[str]:
    """The blobs that rows of these refer to."""
    return [a.header.address.sha256 for a in arrivals if a.facts is None]


def _row(device: str, header: Header) -> dict[str, Any]:
    case, rev, kind, image = header.address.key
    return {
        "device": device,
        "case_id": case,
        "rev": rev,
        "kind": kind,
        "image": image,
        "sha256": header.address.sha256,
        "size": header.size,
        "media_type": header.media_type,
    }
