"""A small vocabulary made from the texts, and the very cutting that llama.cpp does with it.

llama.cpp's `llama` tokenizer joins neighbouring pieces, the best known pair first, as long as the
joined piece is in the vocabulary; what is in none of them is spelt in bytes. Fixed pieces (the glue
of the JSON) are cut out before that, the longest first.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNKNOWN, BEGIN, END = 0, 1, 2
SPECIAL = ("<unk>", "<s>", "</s>")
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
SPACE = "\u2581"
"""How a space is written in pieces."""
GLUE = (
    '{"photo_of": "', '", "decided": "', '", "found": [', '], "further_findings": ',
    '{"count": ', ', "what": "', '", "where": "', '"}', '}, {"count": ', ', "sure": "',
    '", "estimate": "', '", "reasons": ', ', "manner": "', '{"shows":"', '{"verdict":"',
    '{"total":"', '","shows":"', '","outcome":"', '","total":"',
)  # fmt: skip
"""Pieces of prompt and answer that are one token each."""
_CHUNK = re.compile(rf"{SPACE}?[^\W\d_]+|\d|{SPACE}?[^\w{SPACE}]|{SPACE}|_")
"""Pieces never reach beyond such a chunk: a word with the space before it, a digit, a sign."""


@dataclass(frozen=True)
class Tokenizer:
    """Text to token numbers and back."""

    pieces: tuple[str, ...]
    """Learnt pieces, the earliest learnt first."""
    _numbers: dict[str, int] = field(init=False, repr=False, default_factory=dict)
    _known: dict[str, tuple[int, ...]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Number the pieces."""
        self._numbers.update({piece: i for i, piece in enumerate(self.tokens)})

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every token's text, in the order of their numbers."""
        return (*SPECIAL, *BYTES, *GLUE, *self.pieces)

    @property
    def scores(self) -> tuple[float, ...]:
        """What llama.cpp joins first: the pieces that were learnt first."""
        fixed = len(SPECIAL) + len(BYTES) + len(GLUE)
        return (*([0.0] * fixed), *(-float(i) for i in range(len(self.pieces))))

    def encode(self, text: str) -> list[int]:
        """Cut `text` into token numbers."""
        fragments: list[str | int] = [text]
        for glue in sorted(GLUE, key=len, reverse=True):
            fragments = [part for one in fragments for part in self._cut(one, glue)]
        numbers: list[int] = []
        for one in fragments:
            numbers += [one] if isinstance(one, int) else self._spell(one)
        return numbers

    def decode(self, numbers: Iterable[int]) -> str:
        """Put the text of token numbers together; specials say nothing."""
        said = b""
        for number in numbers:
            if number < len(SPECIAL):
                continue
            byte = number - len(SPECIAL)
            token = self.tokens[number]
            said += bytes([byte]) if byte < 256 else token.replace(SPACE, " ").encode()
        return said.decode(errors="replace")

    def _cut(self, fragment: str | int, glue: str) -> list[str | int]:
        if isinstance(fragment, int) or glue not in fragment:
            return [fragment]
        cut: list[str | int] = []
        for index, part in enumerate(fragment.split(glue)):
            cut += ([self._numbers[glue]] if index else []) + ([part] if part else [])
        return cut

    def _spell(self, text: str) -> list[int]:
        numbers: list[int] = []
        for chunk in chunks(text):
            if chunk not in self._known:
                self._known[chunk] = tuple(self._join(chunk))
            numbers += self._known[chunk]
        return numbers

    def _join(self, chunk: str) -> list[int]:
        """Join the best pair of neighbours until none is known; then numbers, or bytes."""
        parts = list(chunk)
        while True:
            pairs = [self._numbers.get(a + b) for a, b in zip(parts, parts[1:], strict=False)]
            known = [(number, at) for at, number in enumerate(pairs) if number is not None]
            if not known:
                break
            _, at = min(known)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        numbers: list[int] = []
        for part in parts:
            number = self._numbers.get(part)
            spelt = (len(SPECIAL) + byte for byte in part.encode())
            numbers += [number] if number is not None else spelt
        return numbers


def chunks(text: str) -> list[str]:
    """Cut text where no piece reaches across."""
    return _CHUNK.findall(text.replace(" ", SPACE))


def learn(texts: Sequence[str], size: int) -> Tokenizer:
    """Learn pieces from texts by joining the commonest pair of neighbours again and again.

    Args:
        texts: prompts and answers.
        size: of the whole vocabulary, specials and bytes included.
    """
    glue = re.compile("|".join(map(re.escape, sorted(GLUE, key=len, reverse=True))))
    counted = Counter(c for text in texts for part in glue.split(text) for c in chunks(part))
    letters = Counter(char for chunk, many in counted.items() for char in chunk * min(many, 3))
    pieces = [char for char, many in sorted(letters.items()) if many > 2]
    words = {chunk: list(chunk) for chunk in counted}
    pairs: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], set[str]] = {}
    for chunk, parts in words.items():
        _count(chunk, parts, counted[chunk], pairs, where)
    seen = set(pieces)
    room = size - len(SPECIAL) - len(BYTES) - len(GLUE)
    while len(pieces) < room and pairs:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            break
        joined = best[0] + best[1]
        if joined not in seen:
            pieces.append(joined)
            seen.add(joined)
        for chunk in sorted(where[best]):
            _count(chunk, words[chunk], -counted[chunk], pairs, where)
            words[chunk] = _joined(words[chunk], best)
            _count(chunk, words[chunk], counted[chunk], pairs, where)
        pairs.pop(best, None)
    return Tokenizer(tuple(pieces))


def _count(
    chunk: str,
    parts: list[str],
    many: int,
    pairs: Counter[tuple[str, str]],
    where: dict[tuple[str, str], set[str]],
) -> None:
    for pair in zip(parts, parts[1:], strict=False):
        pairs[pair] += many
        where.setdefault(pair, set()).add(chunk)


def _joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    made: list[str] = []
    for part in parts:
        if made and (made[-1], part) == pair:
            made[-1] += part
        else:
            made.append(part)
    return made
