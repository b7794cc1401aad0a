"""What a person gets to see of an open window: address, QR code, code, fingerprint."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.pairing.code import shown

if TYPE_CHECKING:
    import segno

    from edge.lan.place import Place

HALF = 2
"""Lines of modules that one line of a terminal shows."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One window, as it is told."""

    code: str
    """One time, for one phone: K7Q2-M9XF."""
    link: str
    """What the QR code holds. The code stands behind #, which no browser sends to anybody."""
    addresses: tuple[str, ...]
    """Where the device is found over HTTP, the likeliest first."""
    secure: tuple[str, ...]
    """Where it is found over HTTPS; empty where it isn't."""
    fingerprint: str
    """SHA-256 of the device's certificate authority, AB:CD:…; "" without HTTPS."""
    seconds: float
    """How long the code is good for."""


def invite(place: Place, fingerprint: bytes, code: str, seconds: float) -> Invitation:
    """Make an invitation to pair.

    Args:
        place: where the device is found.
        fingerprint: SHA-256 of its authority's certificate; empty without HTTPS.
        code: as it was made.
        seconds: how long it is good for.
    """
    plain = place.plain()
    pin = base64.urlsafe_b64encode(fingerprint).decode().rstrip("=")
    link = f"{plain[0]}pair#{code}" + (f".{pin}" if pin else "")
    return Invitation(shown(code), link, plain, place.secure(), in_hex(fingerprint), seconds)


def in_hex(fingerprint: bytes) -> str:
    """A fingerprint as browsers show it: AB:CD:…"""
    return ":".join(f"{byte:02X}" for byte in fingerprint)


def qr_text(link: str) -> str:
    """The QR code in half blocks, for a terminal of either colour."""
    out = io.StringIO()
    _code(link).terminal(out, compact=True, border=2)
    return out.getvalue().rstrip("\n")


def qr_svg(link: str) -> str:
    """The QR code as a picture to stand in a page: no styles, no script."""
    return _code(link).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True
    )


def as_text(invitation: Invitation) -> str:
    """All of it, for a terminal or a log."""
    lines = [qr_text(invitation.link), ""]
    lines += [f"Open   {address}pair" for address in invitation.addresses]
    lines.append(f"Code   {invitation.code}   (once, within {invitation.seconds / 60:.0f} minutes)")
    if invitation.fingerprint:
        lines.append(f"SHA-256 of the certificate's authority:\n  {invitation.fingerprint}")
    return "\n".join(lines)


def _code(link: str) -> segno.QRCode:
    import segno  # 4 MB that are wanted for five minutes

    return segno.make(link, error="l", micro=False)
