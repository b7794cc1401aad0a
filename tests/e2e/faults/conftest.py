"""Folders in memory, and the figures at the end of the run.

What counts here is what survives, not how fast the disk is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.world import in_memory, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scripts.benchmarks.figures import Figure

PROPERTY = "fault"

Prove = Callable[[Sequence["Figure"], int], None]


@pytest.fixture
def folder() -> Iterator[Path]:
    with in_memory() as made:
        yield made


@pytest.fixture
def prove(record_property: Callable[[str, object], None]) -> Prove:
    """Tells every figure, and fails where one misses its bar; the seed goes into the failure."""

    def every(figures: Sequence[Figure], seed: int) -> None:
        for figure in figures:
            record_property(PROPERTY, told(figure))
        missed = [told(figure) for figure in figures if figure.met is False]
        assert not missed, f"seed {seed}: {missed}"

    return every


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures, whether or not their tests passed."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    lines = [str(text) for r in reports for name, text in r.user_properties if name == PROPERTY]
    if lines:
        terminalreporter.section("figures of the faults")
        for line in dict.fromkeys(lines):
            terminalreporter.write_line(line)
