"""The choices of one case → a grammar in llama.cpp's GBNF, and the JSON schema of what it allows.

The grammar is written here and not derived from the schema: the bindings' own converters let
control characters through and ignore integer bounds. The schema is checked on what comes back.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.writing.options import Slot

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;'()-_")
"""What stands in a GBNF literal as it is; everything else is escaped."""


def gbnf(slots: Mapping[str, Slot]) -> str:
    """The grammar of one JSON object with a string for each slot, in this order, without spaces."""
    rules, members = [], []
    for name, slot in slots.items():
        members.append(
            f"{literal(json.dumps(name) + ':' + chr(34))} {_rule(name)} {literal(chr(34))}"
        )
        rules.append(f"{_rule(name)} ::= {' '.join(_part(part) for part in slot)}")
    separator = f" {literal(',')} "
    root = f"root ::= {literal('{')} {separator.join(members)} {literal('}')}"
    return "\n".join((root, *rules)) + "\n"


def schema(slots: Mapping[str, Slot]) -> dict[str, Any]:
    """The JSON schema of the same object."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(slots),
        "properties": {
            name: {"type": "string", "minLength": 1, "maxLength": _longest(slot)}
            for name, slot in slots.items()
        },
    }


def literal(text: str) -> str:
    """A GBNF literal of exactly `text`, whatever is in it."""
    return '"' + "".join(c if c in PLAIN else _escaped(c) for c in text) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _rule(name: str) -> str:
    return f"{name}-words"


def _part(choices: Iterable[str]) -> str:
    """One part: its choices, as they stand inside a JSON string."""
    said = [literal(_json(choice)) for choice in choices]
    return said[0] if len(said) == 1 else f"({' | '.join(said)})"


def _json(choice: str) -> str:
    """The inside of a JSON string, without anything that a token like `</s>` could stand for.

    A model's control tokens match a literal of the same characters, and come out as nothing.
    """
    inside = json.dumps(choice, ensure_ascii=False)[1:-1]
    return inside.replace("<", "\\u003c").replace("[", "\\u005b")


def _longest(slot: Slot) -> int:
    return sum(max(len(choice) for choice in part) for part in slot)
