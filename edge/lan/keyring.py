"""The authority's and the server's keys on the disk, for their owner alone."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from edge.errors import OperatorError
from edge.lan.authority import Signed
from edge.store.files import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY, SERVER = "authority.pem", "server.pem"
"""Each holds key and certificate: one file, so that they always fit together. The server's ends
with the authority's certificate, so that browsers show the fingerprint that the device prints."""


class Keyring:
    """A folder of keys; it is made when the first one is written."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`."""
        self._folder = folder

    @property
    def server_path(self) -> Path:
        """Where the server's certificate and key lie, as `ssl` takes them."""
        return self._folder / SERVER

    def authority(self) -> Signed | None:
        """The authority; None where there is none yet.

        Raises:
            OperatorError: what is there can't be read.
        """
        path = self._folder / AUTHORITY
        try:
            return _read(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as e:
            raise OperatorError(
                f"The certificate authority in {path} can't be read: {e}.",
                f"Move {self._folder} away: another is made, and every phone has to trust it anew.",
            ) from e

    def server(self) -> Signed | None:
        """The server's certificate; None where there is none that can be read: it is made again."""
        try:
            return _read(self.server_path)
        except (OSError, ValueError):
            return None

    def add_authority(self, made: Signed) -> Signed:
        """Keep a new authority; gives the one that is there, where another process was faster."""
        with contextlib.suppress(FileExistsError):
            self._write(AUTHORITY, made.pem, replace=False)
        return self.authority() or made

    def put_server(self, made: Signed, by: Signed) -> None:
        """Keep the server's certificate, and whose it is, in the place of the one before."""
        whose = by.certificate.public_bytes(Encoding.PEM)
        self._write(SERVER, made.pem + whose, replace=True)

    def _write(self, name: str, data: bytes, *, replace: bool) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._folder / f".{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            if replace:
                beside.replace(self._folder / name)
            else:
                os.link(beside, self._folder / name)
        finally:
            beside.unlink(missing_ok=True)
        sync_folder(self._folder)


def _read(path: Path) -> Signed:
    data = path.read_bytes()
    key = load_pem_private_key(data, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a key on P-256")  # noqa: TRY004  of the file, not of an argument
    certificate = x509.load_pem_x509_certificate(data)
    if certificate.public_key() != key.public_key():
        raise ValueError("certificate and key don't fit together")
    return Signed(certificate, key)
