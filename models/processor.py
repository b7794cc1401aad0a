"""What this processor can do with 8-bit numbers, by what Linux says of it."""

from __future__ import annotations

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
_DOT_PRODUCTS = frozenset({"avx512_vnni", "avx_vnni", "asimddp"})
"""How Linux calls them, on x86 and on ARM."""


def has_dot_products(cpuinfo: Path = CPUINFO) -> bool:
    """Tell whether it multiplies and adds 8-bit numbers in one instruction; no where not known."""
    return not _DOT_PRODUCTS.isdisjoint(_words(cpuinfo))


def sums_saturate(cpuinfo: Path = CPUINFO) -> bool:
    """Tell whether unsigned times signed 8-bit numbers may overflow; no where not known.

    With AVX2 and no dot products (PMADDUBSW) two products are added up in 16 bits: 2 * 255 * 127
    is too much for them. What has no AVX2 adds up in more.
    """
    return "avx2" in _words(cpuinfo) and not has_dot_products(cpuinfo)


def _words(cpuinfo: Path) -> list[str]:
    try:
        return cpuinfo.read_text(encoding="utf-8").split()
    except OSError:  # no Linux
        return []
