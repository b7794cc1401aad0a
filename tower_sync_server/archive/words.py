"""What people search cases by: words, the same for every database, and marks for exact values.

A word is a run of letters and digits, without accents, in lower case. A mark stands for a value
that has to be met whole (a device, a status, a label) and can't be typed.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MARK = "\ue000"
"""Begins every mark: a character that no word can hold."""
LIVE = f"{MARK}live"
"""The mark of cases that are not deleted."""
MAX_WORDS = 400
"""Of a case; what it says beyond is not found."""
MAX_ASKED = 8
"""Of a query."""
MAX_LENGTH = 40
"""Characters of a word; what comes after is cut off, here and there."""
MAX_TEXT = 20_000
"""Characters of a case that are looked through."""
MAX_DEPTH = 8
PREFIXED = 2
"""Characters from which a word that is asked for is the beginning of one."""
COMBINING = "\u0300"
"""The first character that is combined with the one before it."""
WORD = re.compile(r"[^\W_]+")


def words(text: str) -> tuple[str, ...]:
    """The words of a text, in its order."""
    bare = text[:MAX_TEXT]
    if bare.isascii():
        bare = bare.lower()
    else:
        plain = unicodedata.normalize("NFKD", bare).casefold()
        bare = "".join(c for c in plain if c < COMBINING or not unicodedata.combining(c))
    return tuple(found[:MAX_LENGTH] for found in WORD.findall(bare) if "\0" not in found)


def asked(q: str) -> tuple[str, ...]:
    """The words of a query; those beyond `MAX_ASKED` are ignored."""
    return tuple(dict.fromkeys(words(q)))[:MAX_ASKED]


def words_of(body: Mapping[str, Any], labels: tuple[str, ...]) -> tuple[str, ...]:
    """What a case is found by: its labels, summary and form; each word once."""
    summary = body.get("summary")
    text = summary.get("text") if isinstance(summary, dict) else None
    texts = [*labels, str(text or ""), *_values(body.get("form"), 0)]
    return tuple(dict.fromkeys(words(" ".join(texts))))[:MAX_WORDS]


def mark(kind: str, value: str) -> str:
    """The mark of a value, such as the device `gate`."""
    digest = hashlib.blake2s(f"{kind}={value}".encode(), digest_size=8).hexdigest()
    return f"{MARK}{digest}"


def marks_of(
    device: str,
    status: str,
    profile: str,
    labels: tuple[str, ...],
    flags: tuple[str, ...],
) -> tuple[str, ...]:
    """The marks of a case; `LIVE` is for the archive to add."""
    return (
        mark("device", device),
        mark("status", status),
        mark("profile", profile),
        *(mark("label", label) for label in labels),
        *(mark("flag", flag) for flag in flags),
    )


def _values(value: Any, depth: int) -> Iterator[str]:
    """Every text and number in a form."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for item in value.values():
            yield from _values(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, depth + 1)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)
