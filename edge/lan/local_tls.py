"""HTTPS by the device's own authority, which is made when it is first needed."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from edge.lan.authority import ALWAYS, allowed, new_authority, new_server, why_renew

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from edge.lan.authority import Signed
    from edge.lan.keyring import Keyring

log = logging.getLogger(__name__)


class LocalTls:
    """Keeps the certificate good for the names and addresses that the device has now."""

    def __init__(
        self, port: int, keyring: Keyring, names: Sequence[str], now: Callable[[], datetime]
    ) -> None:
        """Take the authority from the `keyring`, or make it.

        Args:
            port: of HTTPS.
            keyring: where the keys are.
            names: the device's; the first is the authority's as well.
            now: a time that has surely come, of the wall clock if that can be right.

        Raises:
            OperatorError: the authority is there and can't be read.
            OSError: it can't be written.
        """
        self.port = port
        self._keyring = keyring
        self._now = now
        made = keyring.authority()
        if made is None:
            made = keyring.add_authority(new_authority(names[0].removesuffix(".local"), names))
            log.info("made this device's certificate authority")
        self._authority: Signed = made
        self._names = allowed(made.certificate, names)
        for name in set(names) - set(self._names):
            log.warning("the certificate authority of this device may not sign for %s", name)
        self._server = keyring.server()
        self._context: ssl.SSLContext | None = None

    @property
    def authority(self) -> bytes:
        """The authority's certificate, DER."""
        return self._authority.der

    def context(self) -> ssl.SSLContext:
        """What to serve with.

        Raises:
            OSError: there is no certificate, and none can be written.
        """
        if self._context is None:
            try:
                self.renew(())
            except OSError as e:
                if self._server is None or not _signed_by(self._server, self._authority):
                    raise
                log.warning("the certificate can't be renewed, the old one serves: %s", e)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._context.set_alpn_protocols(["http/1.1"])
            self._context.load_cert_chain(self._keyring.server_path)
        return self._context

    def renew(self, hosts: Sequence[str]) -> bool:
        """Renew the certificate if it is time to, or if it lacks one of `hosts`.

        Connections that are made from now on get it; those that are open go on.

        Raises:
            OSError: it can't be written.
        """
        wanted = allowed(self._authority.certificate, (*self._names, *hosts, *ALWAYS))
        why = self._why(wanted)
        if not why:
            return False
        made = new_server(self._authority, wanted, self._now())
        self._keyring.put_server(made, self._authority)
        self._server = made
        if self._context is not None:
            self._context.load_cert_chain(self._keyring.server_path)
        log.info("made a new certificate: %s", why)
        return True

    def _why(self, wanted: Sequence[str]) -> str:
        if self._server is None:
            return "there was none"
        if not _signed_by(self._server, self._authority):
            return "another authority had signed it"
        return why_renew(self._server.certificate, wanted, self._now())


def _signed_by(server: Signed, authority: Signed) -> bool:
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, InvalidSignature):
        return False
    return True
