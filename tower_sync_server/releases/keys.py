"""Keys: made, written and read. All are Ed25519; a private one is a PEM file of PKCS #8.

Beside each private key lies `FILE.pub`, which is what a person hands over.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tower_sync_server.archive.files import sync_folder, translated
from tower_sync_server.errors import BadRequestError
from tower_sync_server.releases.roles import ONLINE
from tower_sync_server.releases.tuf_words import CryptoSigner, Key, SSlibKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

NAME = "x-edgecase-name"
"""Whose key it is, for people; not part of what identifies it."""
SHORT = 8
"""Digits of a key's id that people are shown."""
Ring = dict[str, CryptoSigner]
"""Key id → what signs with it."""


class LockedKeyError(BadRequestError):
    """The key is encrypted, and the passphrase is missing or wrong."""

    code = "locked_key"


def make_key(path: Path, name: str, passphrase: bytes | None = None) -> SSlibKey:
    """Make a key: the private half in `path`, the public one in `path`.pub.

    Args:
        path: of a file that isn't there yet.
        name: whose it is.
        passphrase: None writes it in the clear, readable by its owner alone.

    Raises:
        BadRequestError: there is a file of this name.
    """
    private = Ed25519PrivateKey.generate()
    lock = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    public = _named(SSlibKey.from_crypto(private.public_key()), name)
    beside = public_path(path)
    for there in (path, beside):
        if there.exists():
            hint = "Choose another name; a key is never written over."
            raise BadRequestError(f"There is a {there} already.", hint)
    with translated():
        _write(path, text, 0o600)
        _write(beside, json.dumps(to_public(public), indent=1).encode() + b"\n", 0o644)
        sync_folder(path.parent)
    return public


def tower_key(folder: Path, role: str, passphrase: bytes | None = None) -> SSlibKey:
    """The tower's own key for a role, made where there is none.

    Raises:
        BadRequestError: there is a file that is no key.
    """
    path = folder / f"{role}.pem"
    if not path.exists():
        return make_key(path, f"tower {role}", None if role in ONLINE else passphrase)
    if public_path(path).exists():
        return read_public(public_path(path))
    return read_private(path, passphrase).public_key


def public_path(path: Path) -> Path:
    """Where the public half of a key lies."""
    return path.with_name(f"{path.name}.pub")


def to_public(key: Key) -> dict[str, Any]:
    """A public key as JSON."""
    return {"keyid": key.keyid, **key.to_dict()}


def read_public(path: Path) -> SSlibKey:
    """Read what somebody handed over.

    Raises:
        BadRequestError: it is no public key.
    """
    try:
        said = json.loads(path.read_bytes())
        raw = bytes.fromhex(said["keyval"]["public"])
        # The id is made again from the key: nobody gets to choose that of somebody else's.
        key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(raw))
        name = said.get(NAME, "")
        if said["keytype"] != key.keytype or not isinstance(name, str):
            raise ValueError("not an Ed25519 key")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        hint = "Give the .pub file that `edgecase-tower release keys new` made."
        raise BadRequestError(f"{path} is no public key: {e}", hint) from e
    return _named(key, name)


def read_private(path: Path, passphrase: bytes | None = None) -> CryptoSigner:
    """Read a private key.

    Raises:
        LockedKeyError: it needs a passphrase, or another one.
        BadRequestError: it is no private key.
    """
    try:
        text = path.read_bytes()
        locked = is_locked(text)
        private = load_pem_private_key(text, passphrase if locked else None)
    except (OSError, TypeError, ValueError, UnsupportedAlgorithm) as e:
        if isinstance(e, (TypeError, ValueError)) and is_locked(path.read_bytes()):
            wrong = "The passphrase is wrong" if passphrase else "It is encrypted"
            hint = "Give --passphrase-file FILE, or set EDGECASE_TOWER_PASSPHRASE."
            raise LockedKeyError(f"{path} can't be used. {wrong}.", hint) from e
        hint = "Give the file that `edgecase-tower release keys new` made."
        raise BadRequestError(f"{path} is no private key: {e}", hint) from e
    if not isinstance(private, Ed25519PrivateKey):
        raise BadRequestError(f"{path} is no Ed25519 key.")
    return CryptoSigner(private)


def is_locked(text: bytes) -> bool:
    """Whether a PEM file asks for a passphrase."""
    return b"ENCRYPTED PRIVATE KEY" in text[:200]


def read_ring(folder: Path, passphrase: bytes | None = None) -> Ring:
    """Read every private key of a folder; encrypted ones stay shut unless the passphrase fits.

    Raises:
        BadRequestError: a file is no key.
    """
    signers = []
    for path in sorted(folder.glob("*.pem")):
        try:
            signers.append(read_private(path, passphrase))
        except LockedKeyError:
            continue
    return ring_of(signers)


def has_locked(folder: Path) -> bool:
    """Whether a key of the folder is encrypted."""
    with translated():
        return any(is_locked(path.read_bytes()) for path in folder.glob("*.pem"))


def ring_of(signers: Iterable[CryptoSigner]) -> Ring:
    """The keys at hand, by their ids."""
    return {signer.public_key.keyid: signer for signer in signers}


def name_of(key: Key) -> str:
    """Whose it is, as far as that was said, and the beginning of its id."""
    # It may come out of somebody's file: nothing that a terminal would obey, no matter what.
    said = "".join(c for c in str(key.unrecognized_fields.get(NAME, ""))[:80] if c.isprintable())
    short = "".join(c for c in key.keyid[:SHORT] if c.isalnum())
    return f"{said} ({short})" if said else short


def find_key(keys: Mapping[str, Key], start: str) -> str:
    """The id of the one key whose id begins like this, or whose name it is.

    Raises:
        BadRequestError: there is none, or more than one.
    """
    found = [
        keyid
        for keyid, key in keys.items()
        if start and (keyid.startswith(start) or key.unrecognized_fields.get(NAME) == start)
    ]
    if len(found) != 1:
        there = ", ".join(sorted(name_of(key) for key in keys.values()))
        raise BadRequestError(f"{len(found)} keys are called {start!r}.", f"There are: {there}")
    return found[0]


def _named(key: SSlibKey, name: str) -> SSlibKey:
    if not name.isprintable() or len(name) > 80:
        raise BadRequestError("The name of a key is one line of at most 80 characters.")
    fields = {NAME: name} if name else {}
    return SSlibKey(key.keyid, key.keytype, key.scheme, key.keyval, fields)


def _write(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
