"""A change that waits for signatures, as a file that people pass to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tower_sync_server.errors import BadRequestError
from tower_sync_server.releases.shelf import read_metadata
from tower_sync_server.releases.tuf_words import Metadata, Root, Targets

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.releases.tuf_words import CryptoSigner


def read_change(path: Path) -> Metadata[Any]:
    """Read a change that waits for signatures.

    Raises:
        BadRequestError: it is none.
    """
    problem: Exception | None = None
    for kind in (Root, Targets):
        try:
            data = path.read_bytes()
            return read_metadata(data, kind)
        except (OSError, ValueError) as e:
            problem = e
    hint = "Give a file out of DATA_DIR/releases/pending, or a copy of one."
    raise BadRequestError(f"{path} is no change that can be signed: {problem}", hint)


def sign_change(path: Path, signer: CryptoSigner) -> bool:
    """Sign a copy of a change, on any machine; the tower looks whether the key counts.

    Returns:
        False where this key had signed it already.
    """
    change = read_change(path)
    if signer.public_key.keyid in change.signatures:
        return False
    change.sign(signer, append=True)
    path.write_bytes(change.to_bytes())
    return True
