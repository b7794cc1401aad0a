"""Many cases at once, as rows alone: for measuring how the store behaves when it is full."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from edge.store import cases, settings
from edge.store.cases import Presence
from edge.store.database import connect, transaction
from edge.store.files import NewFiles
from edge.store.layout import Layout
from edge.store.migrations import migrate
from edge.store.opening import make_folders
from edge.store.sidecars import Sidecar, encode
from models.case import Case, Decision, Outcome, Status, Summary
from models.detection import Prediction, Source
from tests.fakes.drafts import LABELS, NOON, draft, photo

if TYPE_CHECKING:
    from pathlib import Path

    from models.case import ImageRecord

TOWNS = ("Lyon", "Graz", "Turku", "Porto", "Gdańsk", "Bergen", "Ghent", "Brno")
NAMES = ("Ada", "Zoë", "Mirko", "Ines", "Paul", "Oksana", "Liam", "Noor", "Tove", "Emil")
PLACES = {
    Status.ACCEPTED: 80,
    Status.NEEDS_REVIEW: 15,
    Status.REJECTED: 4,
    Status.DELETED: 1,
}


def seed(folder: Path, count: int, *, with_sidecars: bool = False) -> None:
    """Fill an empty store in `folder` with `count` cases, one a minute, all of the same photo."""
    layout = Layout(folder)
    make_folders(layout)
    one = photo(1)
    here = {one.sha256: Presence(True, len(one.thumbnail))}
    db = connect(layout.database, "OFF")
    try:
        migrate(db)
        with transaction(db), NewFiles(layout.tmp) as files:
            files.add(layout.image(one.sha256, one.media_type), one.data)
            files.add(layout.thumb(one.sha256), one.thumbnail)
            for seq in range(1, count + 1):
                sidecar = case_of(seq, draft([one]).images)
                cases.insert(db, sidecar, here)
                if with_sidecars:
                    path = layout.sidecar(sidecar.case.id, sidecar.case.created)
                    path.parent.mkdir(exist_ok=True)
                    path.write_bytes(encode(sidecar))
            settings.put(db, settings.NEXT_SEQ, str(count + 1))
            files.publish()
    finally:
        db.close()


def case_of(seq: int, images: tuple[ImageRecord, ...]) -> Sidecar:
    """The case of that number, the same every time."""
    chance = random.Random(seq)
    status = chance.choices(list(PLACES), list(PLACES.values()))[0]
    boxes = [[chance.uniform(0, 700) for _ in range(4)] for _ in range(chance.randint(0, 6))]
    seen = tuple(
        Prediction(
            chance.choice(LABELS), chance.random(), (x, y, x + w, y + h), Source.DETECTOR, None,
            chance.random() < 0.7,
        )
        for x, y, w, h in boxes
    )  # fmt: skip
    shown = ", ".join(p.label.replace("_", " ") for p in seen if p.shown) or "nothing"
    text = f"Seen on the vehicle: {shown}. A person should look at it before it is repaired."
    reasons = () if status is Status.ACCEPTED else ("The surest one is at 41 %, below 60 %.",)
    outcome = Outcome.ACCEPTED if status is Status.ACCEPTED else Outcome.NEEDS_REVIEW
    base: Case = _BASE_DRAFT.numbered(str(uuid.UUID(int=chance.getrandbits(128))), seq)
    case = replace(
        base,
        images=images,
        created=NOON - timedelta(minutes=200_000 - seq),
        profile=chance.choices(("vehicle-damage", "skin", "crop-pest"), (90, 8, 2))[0],
        status=status,
        predictions=seen,
        decision=Decision(outcome, reasons),
        summary=Summary(text, base.summary.author, True),
        form={
            "client": f"{chance.choice(NAMES)} {chance.choice(TOWNS)}",
            "plate": f"{chance.choice('ABCDEFG')}{chance.choice('KLMN')}-{chance.randint(0, 9999):04d}",
            "make": chance.choice(("Volvo", "Skoda", "Fiat", "Renault")),
            "year": chance.randint(1990, 2026),
            "mileage": chance.randint(1, 300_000),
            "notes": f"left at the {chance.choice(TOWNS)} yard",
        },
    )
    if status is not Status.DELETED:
        return Sidecar(case)
    return Sidecar(case, NOON, Status.ACCEPTED)


_BASE_DRAFT = draft([photo(1)])
