"""The fleet's folder, `DATA_DIR/fleet`: nothing but keys, certificates and a list, all PEM.

    devices-ca.key devices-ca.pem    who signs devices
    tower-ca.key   tower-ca.pem      who signs the broker and the workers
    issued/NAME/SERIAL.pem           every certificate that a device was given
    revoked.pem                      the list of those shut out
    worker.pem server.pem            the tower's own, key and certificate in one file

Whoever loses it has to give every device a new bundle; whoever has a copy of it is the fleet.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tower_sync_server.archive.files import sync_folder, translated
from tower_sync_server.errors import OperatorError
from tower_sync_server.fleet.certificates import Authority, key_pem, new_authority, pem
from tower_sync_server.fleet.words import Pass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

DEVICES, TOWER = "devices", "tower"
"""The authorities."""
BACKUP = "Put the fleet's folder back from its backup: {}"


class FleetFolder:
    """Reads and writes it; one process at a time changes it, inside `locked`."""

    def __init__(self, root: Path) -> None:
        """Nothing is touched before it is asked for."""
        self.root = root
        self.revoked = root / "revoked.pem"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from changing it."""
        with translated():
            self.root.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.root, self.root / "issued"):
                _make_folder(folder)
            self.root.chmod(0o700)  # whatever a backup made of it
            handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            _give_to_owner(self.root / "lock")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def authority(self, name: str, now: datetime) -> Authority:
        """The authority of this name, made at the first use.

        Raises:
            OperatorError: one half of it is missing, or can't be read.
        """
        key, certificate = self.root / f"{name}-ca.key", self.certificate(name)
        if not key.exists() and not certificate.exists():
            made = new_authority(f"EdgeCase {name}", now)
            put_in_place(key, key_pem(made.key))
            put_in_place(certificate, pem(made.certificate))
        return Authority(read_certificate(certificate), read_key(key))

    def certificate(self, name: str) -> Path:
        """Where the certificate of an authority lies."""
        return self.root / f"{name}-ca.pem"

    def keep(self, certificate: x509.Certificate, name: str) -> None:
        """Remember that a device was given this."""
        folder = self.root / "issued" / name
        with translated():
            _make_folder(folder)
        put_in_place(folder / f"{certificate.serial_number:040x}.pem", pem(certificate))

    def passes(self) -> list[Pass]:
        """Everything that was issued, by name, oldest first."""
        since = self.revocations()
        found = []
        for path in (self.root / "issued").glob("*/*.pem"):
            one = read_certificate(path)
            serial, until = one.serial_number, one.not_valid_after_utc
            begin = one.not_valid_before_utc
            found.append(Pass(path.parent.name, serial, begin, until, since.get(serial)))
        return sorted(found, key=lambda p: (p.name, p.since, p.serial))

    def revocations(self) -> dict[int, datetime]:
        """Who was shut out: serial → since when."""
        if not self.revoked.exists():
            return {}
        with _readable(self.revoked):
            listed = x509.load_pem_x509_crl(self.revoked.read_bytes())
        return {one.serial_number: one.revocation_date_utc for one in listed}


def read_certificate(path: Path) -> x509.Certificate:
    """The certificate in a file.

    Raises:
        OperatorError: there is none.
    """
    with _readable(path):
        return x509.load_pem_x509_certificate(path.read_bytes())


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in a file.

    Raises:
        OperatorError: there is none, or one of another kind.
    """
    with _readable(path):
        key = load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("another kind of key")
    return key


def put_in_place(path: Path, text: str) -> None:
    """Write a file that only its owner reads, in place of the old one; durable afterwards."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with translated():
        try:
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            _give_to_owner(draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(mode=0o700)
        _give_to_owner(folder)


def _give_to_owner(path: Path) -> None:
    """What root makes in a folder of the tower's user has to be that user's to read."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError) as e:
        hint = BACKUP.format(path.parent)
        raise OperatorError(f"{path} can't be read: {e}", hint) from e
