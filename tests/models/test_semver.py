"""Versions in the order that semver.org gives as its own example."""

from __future__ import annotations

import random

from models.semver import precedence

ORDERED = [
    "0.9.10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
    "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0-1", "2.0.0",
]  # fmt: skip


def test_versions_sort_by_precedence() -> None:
    shuffled = random.Random(4).sample(ORDERED, len(ORDERED))
    assert sorted(shuffled, key=precedence) == ORDERED


def test_build_metadata_does_not_count() -> None:
    assert precedence("1.0.0+a-b") == precedence("1.0.0+c")
    assert precedence("1.0.0-rc+x") == precedence("1.0.0-rc")
