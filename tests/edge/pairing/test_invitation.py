"""What people see of an open window."""

from __future__ import annotations

import re

from edge.lan.place import Place
from edge.pairing.invitation import as_text, invite, qr_svg, qr_text

PLACE = Place("0.0.0.0", 8000, 8443, ("192.168.1.7",), ("edgecase-3f9a.local",))
PIN = bytes(range(32))


def test_the_code_stands_behind_the_hash_with_the_authoritys_fingerprint() -> None:
    link = invite(PLACE, PIN, "K7Q2M9XF", 300).link
    assert link.startswith("http://192.168.1.7:8000/pair#K7Q2M9XF.AAECAwQF")
    assert "K7Q2" not in link.partition("#")[0]


def test_without_https_there_is_no_fingerprint() -> None:
    made = invite(Place("127.0.0.1", 8000), b"", "K7Q2M9XF", 300)
    assert (made.link, made.fingerprint, made.secure) == (
        "http://127.0.0.1:8000/pair#K7Q2M9XF",
        "",
        (),
    )
    assert "SHA-256" not in as_text(made)


def test_the_text_has_addresses_code_and_fingerprint() -> None:
    text = as_text(invite(PLACE, PIN, "K7Q2M9XF", 300))
    assert "http://192.168.1.7:8000/pair\n" in text
    assert "http://edgecase-3f9a.local:8000/pair\n" in text
    assert "K7Q2-M9XF   (once, within 5 minutes)" in text
    assert "00:01:02:" in text


def test_the_qr_code_fits_into_a_terminal_of_80_by_24() -> None:
    longest = Place("0.0.0.0", 8000, 8443, ("192.168.100.100",))
    lines = qr_text(invite(longest, PIN, "K7Q2M9XF", 300).link).split("\n")
    assert len(lines) <= 22
    assert max(map(len, lines)) <= 80


def test_the_picture_has_neither_styles_nor_scripts() -> None:
    svg = qr_svg(invite(PLACE, PIN, "K7Q2M9XF", 300).link)
    assert svg.startswith("<svg ")
    assert not re.search("style|script|href", svg)
