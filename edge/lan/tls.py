"""HTTPS as the rest of the device sees it; "none" is an implementation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence


class Tls(Protocol):
    """What HTTPS is served with."""

    @property
    def port(self) -> int:
        """Where; 0: nowhere."""
        ...

    @property
    def authority(self) -> bytes:
        """The certificate of the device's own authority, DER; empty where there is none."""
        ...

    def context(self) -> ssl.SSLContext | None:
        """What to serve with; it stays the same when the certificate is renewed."""
        ...

    def renew(self, hosts: Sequence[str]) -> bool:
        """Renew the certificate if it is time to, or if it lacks one of these.

        Returns:
            True where there is another one now.

        Raises:
            OSError: it can't be written.
        """
        ...


class NoTls:
    """Serves no HTTPS."""

    port = 0
    authority = b""

    def context(self) -> None:
        """There is none."""

    def renew(self, hosts: Sequence[str]) -> bool:
        """There is nothing to renew."""
        del hosts
        return False


def fingerprint(authority: bytes) -> bytes:
    """SHA-256 of a certificate, as people compare it; empty where there is none."""
    return hashlib.sha256(authority).digest() if authority else b""
