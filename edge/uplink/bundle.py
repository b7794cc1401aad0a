"""The file that makes this device part of a fleet: where it lies, and what it sets.

`DATA_DIR/tower.bundle` is simply found; `sync.bundle` names another place. Whatever else is set in
`[sync]` wins over what it says.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from edge.config import SyncSettings
from edge.errors import BadRequestError, OperatorError
from edge.store.failures import translated
from edge.store.files import sync_folder
from sync.bundle import MAX_BYTES, Bundle, fits, parse
from sync.errors import BadBundleError, BadNameError
from sync.topics import check_name

if TYPE_CHECKING:
    from pathlib import Path

NAME = "tower.bundle"
"""In the data directory."""
KEY = "tower.key"
"""A key that waits for its certificate, in the data directory."""
AGAIN = "Have it made again on the tower: `edgecase-tower devices enroll NAME`."


@dataclass(frozen=True, slots=True)
class Joined:
    """The settings of the way to the tower, with what the bundle says."""

    settings: SyncSettings
    """What to go by."""
    since: datetime | None = None
    """A moment that has passed, since the tower signed the certificate then."""
    fault: str = ""
    """Why the bundle can't be used; "" where it can, or where there is none."""


def join(settings: SyncSettings, data_dir: Path) -> Joined:
    """Complete the settings with the bundle, where there is one; never raises."""
    path = find(settings, data_dir)
    if path is None or settings.ca is not None:
        return Joined(settings)
    try:
        bundle = read(path)
    except (BadRequestError, OperatorError) as e:
        return Joined(settings, fault=f"{e.message} {e.hint}")
    if not bundle.key:
        return Joined(settings, fault=f"{path} has no key. {AGAIN}")
    more = {
        "host": settings.host or bundle.host,
        "port": settings.port or bundle.port,
        "device": bundle.name,
        "ca": path,
        "certificate": path,
        "key": path,
    }
    return Joined(settings.model_copy(update=more), bundle.since)


def find(settings: SyncSettings, data_dir: Path) -> Path | None:
    """Where the bundle lies; None where there is none."""
    if settings.bundle is not None:
        return settings.bundle
    own = data_dir / NAME
    return own if own.is_file() else None


def read(path: Path) -> Bundle:
    """Read a bundle.

    Raises:
        BadRequestError: it is none, or can't work.
        OperatorError: the file can't be read.
    """
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as e:
        raise OperatorError(f"{path} can't be read: {e.strerror}.", "Who owns it?") from e
    except UnicodeDecodeError as e:
        raise BadRequestError(f"{path}: it is no bundle.", AGAIN) from e
    try:
        return parse(text)
    except (BadBundleError, BadNameError) as e:
        raise BadRequestError(f"{path}: {e}.", AGAIN) from e


def request(name: str, data_dir: Path) -> str:
    """Make a key that never leaves the device; gives the request to have it signed, PEM.

    Raises:
        BadRequestError: no device can have this name.
        DiskFullError, OperatorError: the key can't be written.
    """
    try:
        check_name(name)
    except BadNameError as e:
        raise BadRequestError(str(e), "Choose another name.") from e
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    _put(data_dir / KEY, pem)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    wanted = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return wanted.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def install(source: Path, data_dir: Path) -> Bundle:
    """Take a bundle in: durable, and only its owner's to read, when this returns.

    Raises:
        BadRequestError: it can't work, or its key is not on this device.
        DiskFullError, OperatorError: it can't be written.
    """
    bundle = read(source)
    waiting = data_dir / KEY
    if not bundle.key:
        bundle = _with_key(bundle, waiting)
    _put(data_dir / NAME, bundle.text())
    with translated(data_dir):
        waiting.unlink(missing_ok=True)
    return bundle


def _with_key(bundle: Bundle, waiting: Path) -> Bundle:
    hint = f"Ask for it anew on this device: `edgecase sync request {bundle.name}`."
    try:
        key = waiting.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as e:
        raise BadRequestError("The bundle has no key, and none waits for it here.", hint) from e
    if not fits(key, bundle.issued.public_key()):
        raise BadRequestError("The bundle is the answer to another request.", hint)
    return replace(bundle, key=key)


def _put(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with translated(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if os.geteuid() == 0:  # the daemon, which has a user of its own, has to read it
                owner = path.parent.stat()
                os.chown(draft, owner.st_uid, owner.st_gid)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)
