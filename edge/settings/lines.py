"""Finds the line of a TOML file that a key stands on; the standard parser doesn't keep it."""

from __future__ import annotations

import re

TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
ENTRY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+|\s*\.\s*)+?)\s*=""")


def line_of(text: str, section: str, key: str) -> int:
    """Give the line, from 1, where `key` of `[section]` is set.

    Args:
        text: of a file that is valid TOML.
        section: name of the table; "" for keys above the first one.
        key: name of the key; "" asks for the table itself.

    Returns:
        The key's line; the table's where the key is inside an inline table; else 1.
    """
    table, best = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = TABLE.match(line)
        if header:
            table = _plain(header.group(1))
            if table == section or table.startswith(f"{section}."):
                if not key or table == f"{section}.{key}":
                    return number
                best = number
            continue
        entry = ENTRY.match(line)
        if entry is None:
            continue
        path = _plain(entry.group(1))
        full = f"{table}.{path}" if table else path
        wanted = ".".join(part for part in (section, key) if part)
        if full == wanted or full.startswith(f"{wanted}."):
            return number
        if section and full == section:
            best = number
    return best


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))
