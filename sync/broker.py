"""Where the broker is, and how to show it who we are."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from sync.errors import BadTransportError


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS 1.3, both sides with a certificate."""

    ca: Path
    """Certificate of who signs the broker's, PEM."""
    certificate: Path | None = None
    """Our own, PEM; None where the broker asks for none."""
    key: Path | None = None
    """Its key, PEM."""

    def context(self) -> ssl.SSLContext:
        """What a socket needs.

        Raises:
            BadTransportError: a file is missing or holds something else.
        """
        try:
            context = ssl.create_default_context(cafile=str(self.ca))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ValueError) as e:  # ssl.SSLError is an OSError
            raise BadTransportError(f"The certificates can't be used: {e}") from e
        return context


@dataclass(frozen=True, slots=True)
class Broker:
    """Where and as whom."""

    host: str
    """Name or address."""
    client_id: str
    """Ours; a second client of the same id ends the first one's link."""
    port: int = 1883
    """1883, or 8883 with TLS."""
    tls: Tls | None = None
    """None: in the clear, for loopback."""
    username: str = ""
    """"" where the certificate says who we are."""
    password: str = ""
    """Goes with the name."""
