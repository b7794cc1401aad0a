"""Which processors add up 8-bit products exactly, by Linux's words for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.processor import has_dot_products, sums_saturate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("said", "dot_products", "saturate"),
    [
        ("flags : fpu avx2 avx512_vnni", True, False),
        ("flags : fpu avx2 avx_vnni", True, False),
        ("flags : fpu avx2 avx512f", False, True),
        ("flags : fpu sse4_1 ssse3", False, False),
        ("Features : fp asimd asimddp", True, False),
        ("Features : fp asimd evtstrm", False, False),
    ],
)
def test_the_processor_says_what_it_can(
    said: str, dot_products: bool, saturate: bool, tmp_path: Path
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(said, encoding="utf-8")
    assert has_dot_products(cpuinfo) is dot_products
    assert sums_saturate(cpuinfo) is saturate


def test_where_nothing_is_known_nothing_is_assumed(tmp_path: Path) -> None:
    assert not has_dot_products(tmp_path / "cpuinfo")
    assert not sums_saturate(tmp_path / "cpuinfo")
