"""Pictures that are held according to their rows, and whose bytes are gone or are others.

Whoever looks through the blobs names such a picture here. From then on the tower says that it
doesn't hold it: in a comparison of both ends, to its device, and to people. When it comes again,
under whatever revision, the name goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from sync.messages import Kind
from tower_sync_server.archive.tables import parcels
from tower_sync_server.database.base import metadata
from tower_sync_server.database.engine import of_cases, these

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sync.messages import Header

Picture = tuple[str, str, str, str]
"""Device, case, kind, and the photo's SHA-256."""
NAMES = ("device", "case_id", "kind", "image")

damaged = Table(
    "damaged",
    metadata,
    *(Column(n, String(s), primary_key=True) for n, s in zip(NAMES, (64, 36, 8, 64), strict=True)),
    Column("sha256", String(64), nullable=False),
    Column("what", String(8), nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""Pictures whose blob was found to be `missing` or `damaged`, its name, and when."""

scrubs = Table(
    "scrubs",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("finished_us", BigInteger, nullable=False),
    Column("looked", BigInteger, nullable=False),
    Column("after", Text, nullable=False),
)
"""One row: how far the look through all blobs is. `after` is the last key as JSON, "" when done;
`finished_us` is when all of them were last looked at, 0 before the first time."""

HERE = tuple(damaged.c[name] for name in NAMES)
OF = sa.select(*HERE).where(of_cases(*HERE[:2]))
MEND = sa.delete(damaged).where(*(c == sa.bindparam(f"its_{c.name}") for c in HERE))
REPLACE = (
    sa.update(parcels)
    .where(*(parcels.c[name] == sa.bindparam(f"its_{name}") for name in NAMES))
    .values({name: sa.bindparam(f"new_{name}") for name in ("sha256", "size", "media_type")})
)


def is_whole() -> sa.ColumnElement[bool]:
    """The condition for rows of `parcels` whose picture is not named here."""
    same = (damaged.c[name] == parcels.c[name] for name in NAMES)
    return ~sa.exists().where(*same).correlate(parcels)


def damaged_of(db: sa.Connection, pictures: Iterable[Picture]) -> frozenset[Picture]:
    """Those of the pictures that are named here."""
    wanted = set(pictures)
    if not wanted:
        return frozenset()
    rows = db.execute(OF, these(wanted))
    return frozenset(wanted & {(r[0], r[1], r[2], r[3]) for r in rows})


def mend(db: sa.Connection, picture: Picture, header: Header | None = None) -> None:
    """It is whole again; `header` is what came, None where nothing had to.

    A thumbnail may have been made anew, with other bytes: these are held from now on.
    """
    its = {f"its_{name}": value for name, value in zip(NAMES, picture, strict=True)}
    db.execute(MEND, its)
    if header is not None and header.address.kind is Kind.THUMB:
        values = (header.address.sha256, header.size, header.media_type)
        new = zip(("new_sha256", "new_size", "new_media_type"), values, strict=True)
        db.execute(REPLACE, {**its, **dict(new)})
