"""The choices of one case → a grammar in llama.cpp's GBNF, and the JSON schema of what it allows.

The grammar is written here and not derived from the schema: the bindings' own converters let
control characters through and ignore integer bounds. The schema is checked on what comes back.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models.writing import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from models.facts import Facts
    from models.writing.options import Order, Shape, Slot

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;'()-_")
"""What stands in a GBNF literal as it is; everything else is escaped."""


def grammar_of(facts: Facts) -> str:
    """The grammar of every answer about these facts."""
    return gbnf(options.slots(facts), options.orders(facts))


def schema_of(facts: Facts) -> dict[str, Any]:
    """The JSON schema of every answer about these facts."""
    return schema(options.slots(facts), options.orders(facts))


def gbnf(slots: Mapping[str, Slot], orders: Sequence[Order] = ()) -> str:
    """The grammar of one JSON object with a string for each slot, without spaces.

    Args:
        slots: name → what it may say.
        orders: which slots make an object, and in which order; all of them if empty.
    """
    members = {
        name: f"{literal(json.dumps(name) + ':' + chr(34))} {_rule(name)} {literal(chr(34))}"
        for name in slots
    }
    between = f" {literal(',')} "
    bodies = [between.join(members[name] for name in order) for order in orders or (tuple(slots),)]
    root = f"root ::= {literal('{')} {_either(bodies)} {literal('}')}"
    rules = [f"{_rule(name)} ::= {_either(list(map(_chain, slots[name])))}" for name in slots]
    return "\n".join((root, *rules)) + "\n"


def schema(slots: Mapping[str, Slot], orders: Sequence[Order] = ()) -> dict[str, Any]:
    """The JSON schema of the same object; it says nothing of the order."""
    properties = {
        name: {"type": "string", "minLength": 1, "maxLength": max(map(_longest, slot))}
        for name, slot in slots.items()
    }
    objects = [
        {
            "type": "object",
            "additionalProperties": False,
            "required": list(order),
            "properties": {name: properties[name] for name in order},
        }
        for order in orders or (tuple(slots),)
    ]
    return objects[0] if len(objects) == 1 else {"anyOf": objects}


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
    return _either([literal(_json(choice)) for choice in choices])


def _chain(shape: Shape) -> str:
    return " ".join(_part(part) for part in shape)


def _either(alternatives: Sequence[str]) -> str:
    return alternatives[0] if len(alternatives) == 1 else f"({' | '.join(alternatives)})"


def _json(choice: str) -> str:
    """The inside of a JSON string, without anything that a token like `</s>` could stand for.

    A model's control tokens match a literal of the same characters, and come out as nothing.
    """
    inside = json.dumps(choice, ensure_ascii=False)[1:-1]
    return inside.replace("<", "\\u003c").replace("[", "\\u005b")


def _longest(shape: Shape) -> int:
    return sum(max(len(choice) for choice in part) for part in shape)
