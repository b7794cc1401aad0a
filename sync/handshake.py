"""TLS to the broker, also while the system's clock can't be right.

A Pi without a battery starts in 1970 and may find no time server: to OpenSSL every certificate is
then one of the future. What is known all the same is a moment that has surely passed. So while the
clock is believed OpenSSL checks everything. While it isn't, OpenSSL checks everything but the
times, and a certificate is refused here that had already expired at that moment. When it began is
no question then: the authority would not have signed it before.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from sync.bundle import FOREIGN, authorities
from sync.errors import BadTransportError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sync.broker import Tls

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for."""


class Handshake:
    """Makes the contexts of connections, one after the other."""

    def __init__(self, tls: Tls) -> None:
        """Read the certificates.

        Raises:
            BadTransportError: a file is missing or holds something else.
        """
        self._tls = tls
        self._believing = _Context(ssl.PROTOCOL_TLS_CLIENT)
        self._doubting = _DoubtingContext(ssl.PROTOCOL_TLS_CLIENT)
        self._doubting.trusted = _load(self._doubting, tls)
        self._doubting.verify_flags |= NO_CHECK_TIME
        _load(self._believing, tls)

    def context(self) -> ssl.SSLContext:
        """For a connection that is made now."""
        passed = self._tls.passed()
        if passed is None:
            return self._believing
        self._doubting.passed = passed
        return self._doubting


class _Socket(ssl.SSLSocket):
    """Ends its handshake with a look at the times, before anything else is said."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
            if isinstance(self.context, _DoubtingContext):
                self.context.judge(self.getpeercert(binary_form=True))
        except OSError:  # ssl.SSLError is one; nobody else lets go of it
            self.close()
            raise


class _Context(ssl.SSLContext):
    """As OpenSSL has it."""

    sslsocket_class = _Socket


class _DoubtingContext(_Context):
    """Leaves the times to `judge`."""

    trusted: Sequence[x509.Certificate] = ()
    passed: datetime

    def judge(self, peer: bytes | None) -> None:
        """Refuse a certificate that had expired at `passed`, or whose authority had.

        Raises:
            ssl.SSLCertVerificationError: so it is.
        """
        shown = x509.load_der_x509_certificate(peer or b"")
        signer = next((one for one in self.trusted if _signed(shown, one)), None)
        if signer is None:
            reason = "the clock is wrong, and the certificate is not signed by the authority itself"
            raise ssl.SSLCertVerificationError(1, reason)
        until = min(shown.not_valid_after_utc, signer.not_valid_after_utc)
        if until < self.passed:
            reason = f"the certificate expired on {until:%Y-%m-%d}"
            raise ssl.SSLCertVerificationError(1, reason)


def _load(context: ssl.SSLContext, tls: Tls) -> Sequence[x509.Certificate]:
    """Put the certificates into `context`; gives the authorities."""
    try:
        trusted = authorities(tls.ca.read_text(encoding="ascii"))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        for one in trusted:
            context.load_verify_locations(cadata=one.public_bytes(Encoding.DER))
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ValueError) as e:  # ssl.SSLError is an OSError
        raise BadTransportError(f"The certificates can't be used: {e}") from e
    if not trusted:
        raise BadTransportError(f"The certificates can't be used: no authority in {tls.ca}.")
    return trusted


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, *FOREIGN):
        return False
    return True
