"""A case as a PDF, to print or to hand on: photo, verdict, words, estimate and form."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from models.case import Case
    from models.profile import Profile

STATUS = {
    "accepted": "Accepted",
    "needs_review": "A person has to look at it",
    "rejected": "Rejected",
    "deleted": "Deleted",
}
SAID = {"correct": "Correct", "wrong": "Wrong", "reject": "Rejected"}
"""What a person said of a case → words."""
TITLES = ("What was seen", "Estimate", "Details", "What people said")
MORE = "More photos"
SUMS = ("Subtotal", "Tax", "Total")
WORDS = (*STATUS.values(), *SAID.values(), *TITLES, MORE, *SUMS, "Yes", "Case {number}")
"""All that is said here and not by the case."""
FONTS = (Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),)
"""Tried in turn; reportlab's own, which lacks the letters of eastern Europe, comes last."""
MARGIN_MM = 20
WIDEST_MM, HIGHEST_MM = 170, 120
"""Of the photo on the page."""
SMALL_MM = 80
"""Of each of the others, either way; there are two in a row."""


def write_report(
    case: Case, profile: Profile | None, photos: Sequence[bytes], say: Callable[[str], str] = str
) -> bytes:
    """Lay a case out on A4; takes some tens of milliseconds, and reportlab's import the first time.

    Args:
        case: what is written up.
        profile: gives the form its labels; None where it is gone.
        photos: JPEGs that the vision worker made, the case's first photo first; b"" for one that
            has left the device.
        say: puts English into the reader's language; the summary stays as it was written.

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
        title=say("Case {number}").format(number=case.seq),
        author=case.device,
        invariant=1,  # the same case gives the same bytes
    )
    document.build(_Sheet(case, profile, say).story(photos))
    return out.getvalue()


class _Sheet:
    """The paragraphs and tables of one case."""

    def __init__(self, case: Case, profile: Profile | None, say: Callable[[str], str]) -> None:
        self._case = case
        self._profile = profile
        self._say = say
        self._styles = _styles()

    def story(self, photos: Sequence[bytes]) -> list[Any]:
        from reportlab.platypus import Spacer

        case, say, text = self._case, self._say, self._text
        when = f"{case.created.astimezone():%Y-%m-%d %H:%M}"
        number = say("Case {number}").format(number=case.seq)
        seen, estimate, details, said = (say(title) for title in TITLES)
        return [
            text(f"{number} · {say(STATUS[case.status.value])}", "Title"),
            text(f"{case.device}, {when}{'' if case.clock_ok else ' (?)'}"),
            Spacer(1, 10),
            *[_picture(photo, WIDEST_MM, HIGHEST_MM) for photo in photos[:1] if photo],
            Spacer(1, 6),
            text(case.summary.text),
            *[text(say(reason), "Quiet") for reason in case.decision.reasons],
            *self._block(seen, self._findings()),
            *self._block(estimate, self._prices(), "Sum"),
            *self._block(details, self._form()),
            *self._block(said, self._feedback()),
            *self._more(photos[1:]),
            Spacer(1, 10),
            text(_made_by(case), "Quiet"),
        ]

    def _text(self, words: str, style: str = "Normal") -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(escape(words).replace("\n", "<br/>"), self._styles[style])

    def _block(
        self, title: str, rows: Iterable[tuple[str, str]], style: str = "Normal"
    ) -> list[Any]:
        from reportlab.lib.units import mm
        from reportlab.platypus import Table

        cells = [[self._text(a), self._text(b, style)] for a, b in rows]
        widths = (60, 110) if style == "Normal" else (60, 40)
        table = [Table(cells, colWidths=[w * mm for w in widths], hAlign="LEFT")] if cells else []
        return [self._text(title, "Heading2"), *table] if cells else []

    def _more(self, photos: Sequence[bytes]) -> list[Any]:
        """The other photos of the case, two in a row, each with the shot that it is."""
        from reportlab.platypus import Table

        shots = {shot.name: shot.label for shot in self._profile.shots} if self._profile else {}
        named = zip(photos, self._case.images[1:], strict=False)
        cells = [
            [_picture(photo, SMALL_MM, SMALL_MM), self._text(self._say(shots.get(i.shot, i.shot)))]
            for photo, i in named
            if photo
        ]
        pairs = [[*cells[n : n + 2], ""][:2] for n in range(0, len(cells), 2)]
        return (
            [
                self._text(self._say(MORE), "Heading2"),
                Table(pairs, style=[("VALIGN", (0, 0), (-1, -1), "TOP")]),
            ]
            if cells
            else []
        )

    def _word(self, label: str) -> str:
        return self._say(_plain(label))

    def _findings(self) -> list[tuple[str, str]]:
        """Label, grade and how sure, of what people are shown."""
        seen = self._case.predictions
        grades = {p.refines: p.label for p in seen if p.refines is not None and p.shown}
        return [
            (self._word(p.label), f"{self._word(grades.get(n, ''))} {p.confidence:.0%}".strip())
            for n, p in enumerate(seen)
            if p.shown and p.refines is None
        ]

    def _prices(self) -> list[tuple[str, str]]:
        estimate = self._case.estimate
        if estimate is None:
            return []
        lines = [
            (
                f"{line.count} × {self._word(line.label)} {self._word(line.grade)}".strip(),
                self._amount(line.amount),
            )
            for line in estimate.lines
        ]
        sums = (estimate.subtotal, estimate.tax, f"{estimate.total} {estimate.currency}")
        named = zip(map(self._say, SUMS), map(self._amount, sums), strict=True)
        return [*lines, *named]

    def _amount(self, digits: str) -> str:
        return digits.replace(".", self._say("."))

    def _form(self) -> list[tuple[str, str]]:
        labels = {each.name: each.label for each in self._profile.form} if self._profile else {}
        return [
            (
                self._say(labels.get(name, _plain(name))),
                self._say("Yes") if value is True else str(value),
            )
            for name, value in self._case.form.items()
            if value not in (None, "", False)
        ]

    def _feedback(self) -> list[tuple[str, str]]:
        return [
            (
                self._say(SAID[said.verdict]),
                ", ".join(
                    filter(None, [said.reason, *(self._word(p.label) for p in said.corrections)])
                ),
            )
            for said in self._case.feedback
        ]


def _made_by(case: Case) -> str:
    models = ", ".join(f"{role} {ref}" for role, ref in case.models.items())
    return f"Case {case.id}, revision {case.rev}, profile {case.profile}. {models}"


def _plain(label: str) -> str:
    return label.replace("_", " ")


def _picture(photo: bytes, widest_mm: int, highest_mm: int) -> Any:
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    width, height = widest_mm * mm, highest_mm * mm
    return Image(io.BytesIO(photo), width=width, height=height, kind="proportional")


def _styles() -> Any:
    from reportlab.lib.colors import grey
    from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet

    styles, font = getSampleStyleSheet(), _font()
    for name in ("Normal", "Title", "Heading2"):
        styles[name].fontName = font
    styles["Title"].alignment = 0
    styles.add(ParagraphStyle("Sum", parent=styles["Normal"], alignment=2))
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
