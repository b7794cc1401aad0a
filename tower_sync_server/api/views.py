"""What the pages show, worked out from what devices sent: pure functions, no request, no HTML.

A later device's case may lack what is looked for, or have something else in its place: everything
here takes any JSON and shows what it can.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tower_sync_server.archive.listing import Entry

STATUSES = (
    ("", "All"),
    ("accepted", "Accepted"),
    ("needs_review", "Needs a look"),
    ("rejected", "Rejected"),
    ("deleted", "Deleted"),
)
TONES = {"accepted": "ok", "needs_review": "look", "rejected": "bad", "deleted": "gone"}
COLOURS, SHUFFLE = 10, 3
"""The colour of a label: as on the device, whose tests hold its own palette."""
UNKNOWN = "unknown"
QUOTED = re.compile(r"'([A-Za-z0-9_.-]+)'")


@dataclass(frozen=True, slots=True)
class Box:
    """One box over the picture, in pixels of the upright original."""

    x: float
    """Left."""
    y: float
    """Top."""
    width: float
    """Pixels."""
    height: float
    """Pixels."""
    text: str
    """What it is."""
    colour: int
    """0..9: a class of the style sheet."""
    text_y: float
    """Where the words stand, pixels from the top."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything that is drawn over the first photo."""

    width: int
    """Of the upright original, pixels."""
    height: int
    """Of the upright original, pixels."""
    font: float
    """Height of the letters, pixels."""
    boxes: tuple[Box, ...]
    """In the case's order."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen."""

    label: str
    """In plain letters."""
    percent: int | None
    """0..100; None where the device said nothing that could be one."""
    colour: int
    """0..9."""
    grade: str
    """What the classifier says of it, or ""."""


def card(entry: Entry) -> dict[str, Any]:
    """What a list shows of a case."""
    body, receipt = entry.body, entry.receipt
    who = urlencode({"device": body["device"]})
    here = [n for n, held in enumerate(receipt.images) if held.thumb]
    return {
        "link": f"/page/cases/{body['id']}?{who}",
        "thumb": f"/cases/{body['id']}/image?variant=thumb&n={here[0]}&{who}" if here else "",
        "status": receipt.status,
        "seen": headline(body),
        "summary": summary(body),
        "device": body["device"],
        "seq": body["seq"],
        "created": moment(body.get("created")),
        "complete": receipt.complete,
        "lost": any(held.lost for held in receipt.images),
        "doubted": bool(doubts(body)),
    }


def headline(body: Mapping[str, Any]) -> str:
    """A case in a few words: what was found, without the grades of it."""
    found = dict.fromkeys(one.label.lower() for one in findings(body))
    return sentence(", ".join(found)) or "Nothing found"


def summary(body: Mapping[str, Any]) -> str:
    """Its words."""
    found = body.get("summary")
    text = found.get("text") if isinstance(found, dict) else ""
    return text if isinstance(text, str) else ""


def reasons(body: Mapping[str, Any]) -> list[str]:
    """Why it was decided as it was."""
    decision = body.get("decision")
    found = decision.get("reasons") if isinstance(decision, dict) else ()
    texts = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    return [sentence(QUOTED.sub(lambda m: f"“{plain(m[1])}”", text)) for text in texts]


def doubts(body: Mapping[str, Any]) -> list[str]:
    """What models that were being tried saw otherwise, a sentence each."""
    found = body.get("second_opinions")
    opinions = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [_doubt(one) for one in opinions]


def _doubt(opinion: Mapping[str, Any]) -> str:
    """One second opinion, in words."""
    missed, added = (plain(words(opinion.get(name) or [])) for name in ("missed", "added"))
    saw = f"saw {added} here" if added else "saw less here"
    return f"{words(opinion.get('model'))} {saw}" + (f", and not {missed}." if missed else ".")


def table(value: Any) -> list[tuple[str, str]]:
    """Names and values of an object, for people."""
    if not isinstance(value, dict):
        return []
    return [(sentence(plain(str(name))), words(one)) for name, one in value.items()]


def words(value: Any) -> str:
    """Any value, for people."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return ", ".join(
            words(one) for one in (value.values() if isinstance(value, dict) else value)
        )
    return str(value)


def findings(body: Mapping[str, Any]) -> list[Finding]:
    """What was seen; a classifier's word stands with the box it refines."""
    seen = _predictions(body)
    grades = {p.get("refines"): str(p["label"]) for _, p in seen if type(p.get("refines")) is int}
    return [
        Finding(
            label=sentence(plain(str(p["label"]))),
            percent=_percent(p.get("confidence")),
            colour=colour(str(p["label"])),
            grade=plain(grades.get(n, "")),
        )
        for n, p in seen
        if p.get("refines") is None
    ]


def estimate(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What it comes to, line by line, the total last; nothing where that isn't all there."""
    found = body.get("estimate")
    lines = found.get("lines") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(lines, list):
        return []
    rows = [line for line in lines if isinstance(line, dict)]
    shown = [
        (f"{words(row.get('count'))} × {plain(words(row.get('label')))}", words(row.get("amount")))
        for row in rows
    ]
    total = f"{words(found.get('total'))} {words(found.get('currency'))}"
    return [*shown, ("Tax", words(found.get("tax"))), ("Total", total)]


def overlay(body: Mapping[str, Any]) -> Overlay | None:
    """The boxes over the first photo; None where there is nothing to draw, or no telling where."""
    images = body.get("images")
    first = images[0] if isinstance(images, list) and images else None
    if not isinstance(first, dict):
        return None
    width, height = _size(first.get("width")), _size(first.get("height"))
    if not width or not height:
        return None
    font = max(width, height) / 30
    boxes = [_box(p, font, height) for _, p in _predictions(body) if p.get("refines") is None]
    found = tuple(box for box in boxes if box is not None)
    return Overlay(width, height, font, found) if found else None


def _box(prediction: Mapping[str, Any], font: float, height: int) -> Box | None:
    corners = prediction.get("box")
    if prediction.get("source") != "detector" or not isinstance(corners, list):
        return None
    if len(corners) != 4 or not all(isinstance(c, (int, float)) for c in corners):
        return None
    x1, y1, x2, y2 = (float(c) for c in corners)
    label, percent = str(prediction["label"]), _percent(prediction.get("confidence"))
    text = plain(label) if percent is None else f"{plain(label)} {percent}%"
    above = y1 - font * 0.4
    text_y = above if above > font else min(y2 + font * 1.1, height - font * 0.3)
    return Box(x1, y1, max(0.0, x2 - x1), max(0.0, y2 - y1), text, colour(label), text_y)


def _predictions(body: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """The predictions that people are shown, with their places."""
    found = body.get("predictions")
    numbered = enumerate(found if isinstance(found, list) else [])
    return [
        (n, p)
        for n, p in numbered
        if isinstance(p, dict) and p.get("shown", True) is True and isinstance(p.get("label"), str)
    ]


def colour(label: str) -> int:
    """The label's colour, the same as on every device."""
    return zlib.crc32(f"{SHUFFLE}{label}".encode()) % COLOURS


def chip(status: str) -> tuple[str, str]:
    """Tone and words for a status."""
    return TONES.get(status, "gone"), dict(STATUSES).get(status, status)


def plain(label: str) -> str:
    """A name as people write it."""
    return label.replace("_", " ").replace("-", " ").strip()


def sentence(text: str) -> str:
    """With a capital letter at its front."""
    return text[:1].upper() + text[1:]


def moment(when: Any) -> str:
    """A time on the tower's clock: 20 Nov 2026, 11:05. Text is taken as ISO 8601."""
    if isinstance(when, datetime):
        return _local(when)
    if not isinstance(when, str):
        return UNKNOWN
    try:
        return _local(datetime.fromisoformat(when))
    except ValueError:
        return when[:40]


def _local(when: datetime) -> str:
    try:
        return when.astimezone().strftime("%-d %b %Y, %H:%M")
    except (OverflowError, OSError):
        return UNKNOWN


def size(count: int) -> str:
    """Bytes for people."""
    for unit, step in (("GB", 1e9), ("MB", 1e6)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{max(1, round(count / 1e3))} kB"


def _percent(confidence: Any) -> int | None:
    """0..100; 100 is only for what is certain."""
    if not isinstance(confidence, (int, float)) or not math.isfinite(confidence):
        return None
    return 100 if confidence >= 1 else max(0, min(99, round(confidence * 100)))


def _size(value: Any) -> int:
    """A number of pixels; 0 for what is none."""
    return value if type(value) is int and 0 < value < 100_000 else 0


HELPERS = {
    "STATUSES": STATUSES,
    "chip": chip,
    "doubts": doubts,
    "estimate": estimate,
    "findings": findings,
    "headline": headline,
    "moment": moment,
    "overlay": overlay,
    "plain": plain,
    "reasons": reasons,
    "sentence": sentence,
    "size": size,
    "summary": summary,
    "table": table,
}
"""What the templates may call."""
