"""What commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.errors import EdgeError

OK, FAILED, USAGE = 0, 1, 2
"""Exit codes: fine; a refused photo or a failed check; wrong usage or settings."""
UNBOUNDED = 10_000
"""Columns of a table that goes to a file or a program."""


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: folded to the terminal's width, or as wide as it needs where there is none."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=UNBOUNDED)
    console.print(table)


def note(text: str) -> None:
    """Say something on standard error."""
    typer.echo(text, err=True)


def show_error(error: EdgeError) -> int:
    """Say what went wrong and what to do; give the exit code."""
    from edge.errors import ConfigError

    note(f"edgecase: {error.message}")
    for line in error.hint.splitlines():
        note(f"  hint: {line}")
    return USAGE if isinstance(error, ConfigError) else FAILED
