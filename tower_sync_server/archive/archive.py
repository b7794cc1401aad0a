"""What the tower holds: a transaction for everything that is taken in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sync.receiver import Known
from tower_sync_server.archive.database import insert_unless_there, reading, writing
from tower_sync_server.archive.tables import (
    case_labels,
    cases,
    devices,
    parcels,
    quarantine,
    revisions,
)
from tower_sync_server.archive.times import to_us

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sync.messages import Address, Header, State
    from tower_sync_server.archive.facts import Facts

MAX_NUMBER = 1 << 53
"""What every JSON reader can hold."""
MAX_TEXT = 100


class Archive:
    """Takes in what devices send. Each method is one transaction; any number of workers may."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        """Use a database that has been migrated; `now` gives wall time with its offset."""
        self._engine = engine
        self._now = now

    def known(self, device: str, address: Address) -> Known:
        """What is held under a key; says nothing about chunks."""
        with reading(self._engine) as db:
            holds = db.scalar(sa.select(parcels.c.sha256).where(*_at(parcels, device, address)))
            aside = sa.select(sa.literal(1)).where(
                *_at(quarantine, device, address), quarantine.c.sha256 == address.sha256
            )
            return Known(stored=holds, quarantined=db.scalar(aside) is not None)

    def store_photo(self, device: str, header: Header) -> str:
        """Note a photo or thumbnail whose blob is durable; gives the SHA-256 held from now on."""
        with writing(self._engine) as db:
            return self._insert(db, device, header)[0]

    def store_case(self, device: str, header: Header, facts: Facts, body: bytes) -> str:
        """Keep a revision of a case; gives the SHA-256 held under its key from now on."""
        with writing(self._engine) as db:
            holds, new = self._insert(db, device, header)
            if new:
                address = header.address
                key = {"device": device, "case_id": address.case, "rev": address.rev}
                db.execute(sa.insert(revisions).values(**key, body=body))
                self._list(db, device, facts)
            return holds

    def set_aside(self, device: str, header: Header) -> bool:
        """Note a payload, durable in the blobs, that came under a taken key; False if known."""
        with writing(self._engine) as db:
            values = _row(device, header)
            return insert_unless_there(db, quarantine, {**values, "at_us": to_us(self._now())})

    def hear(self, device: str, state: State) -> None:
        """Keep how a device says it is."""
        with writing(self._engine) as db:
            self._saw(db, device)
            change: dict[str, Any] = {"online": state.online}
            if state.online:  # a Last Will says no more than that
                change["state"] = json.dumps(shown(state))
            db.execute(sa.update(devices).where(devices.c.device == device).values(**change))

    def _insert(self, db: sa.Connection, device: str, header: Header) -> tuple[str, bool]:
        values = {**_row(device, header), "stored_us": to_us(self._now())}
        if insert_unless_there(db, parcels, values):
            self._saw(db, device)
            return header.address.sha256, True
        held = sa.select(parcels.c.sha256).where(*_at(parcels, device, header.address))
        return db.execute(held).scalar_one(), False

    def _saw(self, db: sa.Connection, device: str) -> None:
        """Note that a device was heard just now."""
        now = to_us(self._now())
        first = {"device": device, "first_us": now, "seen_us": now, "online": False, "state": "{}"}
        if not insert_unless_there(db, devices, first):
            seen = sa.update(devices).where(devices.c.device == device)
            db.execute(seen.values(seen_us=now))

    def _list(self, db: sa.Connection, device: str, facts: Facts) -> None:
        """Have lists show this revision, unless they show a later one."""
        now = to_us(self._now())
        taken = now if facts.created_us is None else facts.created_us
        values = {
            "rev": facts.rev,
            "seq": facts.seq,
            "status": facts.status,
            "profile": facts.profile,
        }
        key = {"device": device, "case_id": facts.id}
        insert_unless_there(
            db, cases, {**key, **values, "rev": 0, "taken_us": taken, "received_us": now}
        )
        mine = sa.select(cases.c.no, cases.c.rev, cases.c.taken_us).where(
            cases.c.case_id == facts.id, cases.c.device == device
        )
        no, rev, taken = db.execute(mine.with_for_update()).one()
        if facts.rev > rev:
            db.execute(sa.update(cases).where(cases.c.no == no).values(**values))
            db.execute(sa.delete(case_labels).where(case_labels.c.no == no))
            rows = [{"label": label, "taken_us": taken, "no": no} for label in facts.labels]
            if rows:
                db.execute(sa.insert(case_labels), rows)


def shown(state: State) -> dict[str, Any]:
    """What is kept of a state: the fields of this version, with numbers that JSON can hold."""
    return {
        "at": state.at if 0 <= state.at <= MAX_NUMBER else 0.0,
        "clock_ok": state.clock_ok,
        "boot": state.boot[:MAX_TEXT],
        "software": state.software[:MAX_TEXT],
        **{
            name: max(0, min(getattr(state, name), MAX_NUMBER))
            for name in ("cases", "parcels", "size", "dead")
        },
    }


def _at(table: sa.Table, device: str, address: Address) -> list[sa.ColumnElement[bool]]:
    """The condition for a key."""
    case, rev, kind, image = address.key
    c = table.c
    return [c.device == device, c.case_id == case, c.rev == rev, c.kind == kind, c.image == image]


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
