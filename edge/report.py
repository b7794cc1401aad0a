"""A case as a PDF, to print or to hand on: photo, verdict, words, estimate and form."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.case import Case, Estimate
    from models.profile import Profile

STATUS = {
    "accepted": "Accepted",
    "needs_review": "A person has to look at it",
    "rejected": "Rejected",
    "deleted": "Deleted",
}
FONTS = (Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),)
"""Tried in turn; reportlab's own, which lacks the letters of eastern Europe, comes last."""
MARGIN_MM = 20
WIDEST_MM, HIGHEST_MM = 170, 120
"""Of the photo on the page."""


def write_report(case: Case, profile: Profile | None, photo: bytes) -> bytes:
    """Lay a case out on A4; takes some tens of milliseconds, and reportlab's import the first time.

    Args:
        case: what is written up.
        profile: gives the form its labels; None where it is gone.
        photo: a JPEG that the vision worker made; b"" where the photo has left the device.

    Returns:
        The PDF.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate

    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN_MM * mm,
        rightMargin=MARGIN_MM * mm,
        title=f"Case {case.seq}",
        author=case.device,
        invariant=1,  # the same case gives the same bytes
    )
    document.build(_story(case, profile, photo))
    return out.getvalue()


def _story(case: Case, profile: Profile | None, photo: bytes) -> list[Any]:
    from reportlab.platypus import Paragraph, Spacer

    styles = _styles()

    def text(words: str, style: str = "Normal") -> Any:
        return Paragraph(escape(words).replace("\n", "<br/>"), styles[style])

    def block(title: str, rows: Iterable[tuple[str, str]]) -> list[Any]:
        listed = list(rows)
        return [text(title, "Heading2"), _table(text, listed)] if listed else []

    return [
        text(f"Case {case.seq} · {STATUS[case.status.value]}", "Title"),
        text(f"{case.device}, {case.created:%d %b %Y, %H:%M}" + _doubt(case)),
        Spacer(1, 10),
        *([_picture(photo)] if photo else []),
        Spacer(1, 6),
        text(case.summary.text),
        *[text(reason, "Quiet") for reason in case.decision.reasons],
        *block("What was seen", _findings(case)),
        *block("Estimate", _prices(case.estimate)),
        *block("Form", _form(case, profile)),
        *block("What people said", ((said.verdict, said.reason) for said in case.feedback)),
        Spacer(1, 10),
        text(_made_by(case), "Quiet"),
    ]


def _doubt(case: Case) -> str:
    return "" if case.clock_ok else " (by a clock not to be trusted)"


def _findings(case: Case) -> list[tuple[str, str]]:
    """Label, grade and how sure, of what people are shown."""
    grades = {p.refines: p.label for p in case.predictions if p.refines is not None and p.shown}
    return [
        (_plain(p.label), f"{_plain(grades.get(n, ''))} {p.confidence:.0%}".strip())
        for n, p in enumerate(case.predictions)
        if p.shown and p.refines is None
    ]


def _prices(estimate: Estimate | None) -> list[tuple[str, str]]:
    if estimate is None:
        return []
    lines = [
        (f"{line.count} × {_plain(line.label)} {_plain(line.grade)}".strip(), line.amount)
        for line in estimate.lines
    ]
    total = f"{estimate.total} {estimate.currency}"
    return [*lines, ("Tax", estimate.tax), ("Total", total)]


def _form(case: Case, profile: Profile | None) -> list[tuple[str, str]]:
    labels = {field.name: field.label for field in profile.form} if profile else {}
    return [
        (labels.get(name, _plain(name)), "yes" if value is True else str(value))
        for name, value in case.form.items()
        if value not in (None, "", False)
    ]


def _made_by(case: Case) -> str:
    models = ", ".join(f"{role} {ref}" for role, ref in case.models.items())
    return f"Case {case.id}, revision {case.rev}, profile {case.profile}. {models}"


def _plain(label: str) -> str:
    return label.replace("_", " ")


def _table(text: Any, rows: list[tuple[str, str]]) -> Any:
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    return Table([[text(a), text(b)] for a, b in rows], colWidths=[60 * mm, 110 * mm])


def _picture(photo: bytes) -> Any:
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    return Image(
        io.BytesIO(photo), width=WIDEST_MM * mm, height=HIGHEST_MM * mm, kind="proportional"
    )


def _styles() -> Any:
    from reportlab.lib.colors import grey
    from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet

    styles, font = getSampleStyleSheet(), _font()
    for name in ("Normal", "Title", "Heading2"):
        styles[name].fontName = font
    styles["Title"].alignment = 0
    styles.add(ParagraphStyle("Quiet", parent=styles["Normal"], textColor=grey, fontSize=9))
    return styles


def _font() -> str:
    """Name of a registered font with as many letters as this machine has."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    if "EdgeCase" not in pdfmetrics.getRegisteredFontNames():
        found = next((str(path) for path in FONTS if path.exists()), "Vera.ttf")
        pdfmetrics.registerFont(TTFont("EdgeCase", found))
    return "EdgeCase"
