"""Which language a page speaks, and what it says in it: gettext's catalogues, else English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import TYPE_CHECKING

from edge.api.phrases import PHRASES

Phrases = tuple[tuple[re.Pattern[str], str], ...]
"""How to know each phrase, and its msgid."""

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Say = Callable[[str], str]
    """An English text → the same in a page's language."""

DOMAIN = "edgecase"
FOLDER = Path(__file__).parent.parent / "web" / "locale"
ENGLISH = "en"
COOKIE = "edgecase_language"
"""Holds what a person chose."""
PLACEHOLDER = re.compile(r"\{(\w+)\}")
WISH = re.compile(r"\s*([A-Za-z]{1,8})[A-Za-z0-9-]*\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?")
"""One of Accept-Language (RFC 9110, 12.5.4), down to the language alone."""
MAX_WISHES = 20


@dataclass(frozen=True, slots=True)
class Language:
    """Says the pages' English in one language."""

    code: str
    """As `lang` in HTML has it."""
    name: str
    """As those who speak it call it."""
    catalogue: NullTranslations
    """Of gettext."""
    phrases: Phrases = ()
    """What the device says with names and numbers in it."""

    def say(self, text: str) -> str:
        """`text` in this language; as it is where nobody translated it."""
        if not text:
            return text  # gettext keeps the catalogue's head there
        said = self.catalogue.gettext(text)
        return said if said != text else self._phrase(text, self._part)

    def count(self, one: str, many: str, number: int) -> str:
        """The form that fits the number."""
        return self.catalogue.ngettext(one, many, number)

    def _phrase(self, text: str, part_of: Say) -> str:
        for pattern, msgid in self.phrases:
            if found := pattern.fullmatch(text):
                parts = {name: part_of(part) for name, part in found.groupdict().items()}
                return self.catalogue.gettext(msgid).format_map(parts)
        return text

    def _part(self, text: str) -> str:
        """What stands in a phrase: a phrase itself, in which nothing but labels is, or a label."""
        for whole, end in ((text, ""), (f"{text}.", ".")):  # the full stop may be the outer one's
            said = self.catalogue.gettext(whole)
            said = self._phrase(whole, self._label) if said == whole else said
            if said != whole:
                return said.removesuffix(end)
        return self._label(text)

    def _label(self, text: str) -> str:
        """A label as it would be beside its box; what is none, such as a path, as it is."""
        return self.catalogue.gettext(text.replace("_", " ")) if text.isidentifier() else text


class Languages:
    """Every language that there is a catalogue of."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read the catalogues, once."""
        self._known = {ENGLISH: Language(ENGLISH, "English", NullTranslations())}
        # A part takes any text: the phrase that says the most itself has to come first.
        ordered = sorted(PHRASES, key=lambda msgid: len(PLACEHOLDER.sub("", msgid)), reverse=True)
        phrases = tuple((_pattern(msgid), msgid) for msgid in ordered)
        for path in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
            with path.open("rb") as file:
                catalogue = GNUTranslations(file)
            code = path.parts[-3]
            self._known[code] = Language(code, catalogue.gettext("English"), catalogue, phrases)

    @property
    def all(self) -> tuple[Language, ...]:
        """English first."""
        return tuple(self._known.values())

    def known(self, code: str) -> bool:
        """Whether there is such a language."""
        return code in self._known

    def of(self, cookies: Mapping[str, str], accept: str) -> Language:
        """What this browser wants: a person's choice, else its own languages, else English."""
        wanted = (cookies.get(COOKIE, ""), *wishes(accept))
        return self._known[next((code for code in wanted if code in self._known), ENGLISH)]


def wishes(accept: str) -> tuple[str, ...]:
    """The languages of an `Accept-Language`, the dearest first; what is no language is left out."""
    found = [WISH.fullmatch(each) for each in accept.split(",")[:MAX_WISHES]]
    rated = [(float(each[2] or 1), each[1].lower()) for each in found if each]
    return tuple(code for q, code in sorted(rated, key=lambda r: -r[0]) if q > 0)


def _pattern(msgid: str) -> re.Pattern[str]:
    pieces = PLACEHOLDER.split(msgid)  # text, name, text, name, …, text
    return re.compile(
        "".join(re.escape(p) if i % 2 == 0 else f"(?P<{p}>.+?)" for i, p in enumerate(pieces))
    )
