"""Where the texts of the phone's pages come from, and what their catalogues lack."""

from __future__ import annotations

import io
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from edge import report
from edge.api import views
from edge.api.language import FOLDER
from edge.api.phrases import PHRASES, TEXTS
from edge.api.render import TEMPLATES
from edge.steps.check_quality import MESSAGES
from models.profile import load_all, shipped

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
ZOO = ROOT / "models" / "zoo"
NAMED = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
"""What a text leaves open."""
SPELLING = (views.DATE, views.MONTHS, views.POINT, views.QUOTES)
"""How a language writes dates, numbers and quotes."""
MADE = ("English", "Take it again", "A person should look", "Usable", "Nothing found")
"""What `edge.api.views` says by itself, and a language's own name."""

HEAD = "# The phone's pages: English in, this language out. scripts/translations keeps the list."
ABOUT = {
    "project": "EdgeCase",
    "version": "1",
    "msgid_bugs_address": "-",
    "last_translator": "-",
    "language_team": "-",
}

Found = tuple[str | tuple[str, str], str]
"""A text, or its singular and plural; and where it is."""


def texts() -> Iterator[Found]:
    """Every text that a page may show and that a translator can know."""
    yield from _templates()
    constants = (views.CHIP, views.SYNC_WORDS, views.SYNC_SHORT, dict(views.PERIODS))
    said = (each[-1] if isinstance(each, tuple) else each for c in constants for each in c.values())
    yield from ((text, "edge/api/views.py") for text in (*MADE, *said, *views.REJECTIONS))
    yield from ((text, "edge/api/views.py") for text in SPELLING)
    yield from ((text, "edge/report.py") for text in report.WORDS)
    yield from ((text, "edge/api/phrases.py") for text in (*PHRASES, *TEXTS))
    yield from ((text, "edge/steps/check_quality.py") for text in MESSAGES.values())
    yield from _profiles()
    yield from _labels()


def catalogues() -> list[Path]:
    """A .po file for each language."""
    return sorted(FOLDER.glob("*/LC_MESSAGES/edgecase.po"))


def update() -> None:
    """Add what is new, drop what is said no more, compile."""
    for path in catalogues():
        old = _read(path)
        fresh = Catalog(
            locale=old.locale, header_comment=HEAD, charset="utf-8", fuzzy=False, **ABOUT
        )
        for text, where in texts():
            known = old.get(text if isinstance(text, str) else text[0])
            fresh.add(text, known.string if known else None, locations=[(where, 0)])
        fresh.revision_date = fresh.creation_date = old.creation_date
        with path.open("wb") as file:
            write_po(file, fresh, width=120, include_lineno=False, sort_output=False)
        path.with_suffix(".mo").write_bytes(compiled(path))


def problems(path: Path) -> list[str]:
    """What is wrong with one language's catalogue, a line each."""
    catalogue = _read(path)
    found: list[str] = []
    for text, where in texts():
        forms = (text,) if isinstance(text, str) else text
        known = catalogue.get(forms[0])
        said = known.string if known else ""
        translated = (said,) if isinstance(said, str) else said
        if not all(translated) or (known and known.fuzzy):
            found.append(f"{path.name}: {where}: not translated: {forms[0]!r}")
        elif _open(translated[-1]) != _open(forms[-1]):
            found.append(f"{path.name}: {where}: leaves something else open than {forms[-1]!r}")
    if path.with_suffix(".mo").read_bytes() != compiled(path):
        found.append(f"{path.name}: compiled from something else; run scripts/translations")
    return found


def compiled(path: Path) -> bytes:
    """The catalogue as gettext reads it."""
    file = io.BytesIO()
    write_mo(file, _read(path))
    return file.getvalue()


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def _templates() -> Iterator[Found]:
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
    options = {"trimmed": "true", "silent": "false"}
    for path in sorted(TEMPLATES.rglob("*.html")):
        with path.open("rb") as file:
            found = list(extract("jinja2.ext:babel_extract", file, keywords, (), options))
        for _, message, _, _ in found:
            where = str(path.relative_to(ROOT))
            yield (message if isinstance(message, str) else tuple(message[:2])), where


def _profiles() -> Iterator[Found]:
    for profile in load_all(shipped()).values():
        where = f"models/profiles/{profile.id}.toml"
        yield profile.title, where
        yield from ((text, where) for text in profile.quality.messages.values())
        yield from ((shot.label, where) for shot in profile.shots)
        for field in profile.form:
            yield field.label, where
            yield from ((choice, where) for choice in field.choices)
        if profile.waits_for:
            said = profile.waits_for.rstrip(".")
            yield said[:1].lower() + said[1:], where


def _labels() -> Iterator[Found]:
    """What the shipped models call what they see, where a shipped profile shows it."""
    named = {model for profile in load_all(shipped()).values() for model in profile.model_ids}
    for path in sorted(ZOO.glob("*/*/model.toml")):
        if path.parts[-3] in named:
            for label in tomllib.loads(path.read_text())["labels"]:
                yield views.plain(label), "models/zoo"


def _open(text: str) -> frozenset[str]:
    return frozenset(name or brace for name, brace in NAMED.findall(text))


def main(arguments: list[str]) -> int:
    """Update them, unless only asked to check."""
    if "--check" not in arguments:
        update()
    wrong = [line for path in catalogues() for line in problems(path)]
    print("\n".join(wrong) or "Everything is translated.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
