"""Looks at a release repository: what is on offer there, verified with whom this device trusts.

python-tuf does the verifying. What it may compare with comes out of `TrustedMetadata` into a folder
that is thrown away, and what it verified goes back, in one transaction.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    EqualVersionNumberError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, Root, Targets  # type: ignore[attr-defined]
from tuf.ngclient import Updater  # type: ignore[attr-defined]

from edge.errors import NoRepositoryError, RefusedReleaseError
from edge.store.failures import translated
from edge.updates.source import Fetcher
from edge.updates.trusted import ROOT, TRUST
from models.jsonable import InvalidWordError
from models.offer import NewerSchemaError, Offer, from_custom, is_offer
from models.rollout import ROLLOUT, Rollout, decode_rollout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edge.updates.source import Source
    from edge.updates.trusted import TrustedMetadata

ROLES = ("timestamp", "snapshot", "targets", "rollout")
"""Besides the root."""
MAX_ROLLOUT = 1_000_000
"""Bytes of a `rollout.json` that are read into memory; its length is signed by the tower alone."""
METADATA, TARGETS = "metadata/", "targets/"
"""Folders of a repository."""


@dataclass(frozen=True, slots=True)
class Target:
    """What was signed of one file."""

    path: str
    """MODEL/VERSION/FILE."""
    size: int
    """Bytes."""
    sha256: str
    """Hex."""

    @property
    def place(self) -> str:
        """Where it lies in a repository."""
        folder, _, name = self.path.rpartition("/")
        return f"{TARGETS}{folder}/{self.sha256}.{name}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A repository as this device may believe it."""

    offers: tuple[Offer, ...]
    """Everything on offer that this program understands, oldest first."""
    beyond: tuple[str, ...]
    """Why each of the others is not among them."""
    rollout: Rollout
    """What the tower holds back."""
    targets: Mapping[str, Target]
    """Path → what was signed of it."""

    def files(self, offer: Offer) -> tuple[Target, ...]:
        """The files of an offer, its manifest last.

        Raises:
            RefusedReleaseError: the offer and the signed targets differ.
        """
        found = []
        for file in offer.files:
            target = self.targets.get(offer.target(file))
            if target is None or (target.size, target.sha256) != (file.size, file.sha256):
                raise RefusedReleaseError(
                    f"{offer.ref}: what is signed of {file.path} is not what the offer says.",
                    "Whoever keeps the repository has to add the version anew.",
                )
            found.append(target)
        return (*found, self.targets[offer.manifest])


def trust(seen: TrustedMetadata, root: bytes) -> int:
    """Trust whoever this root names, instead of whoever was trusted before; its version.

    Raises:
        RefusedReleaseError: it is no root that signs itself.
    """
    try:
        found = Metadata[Root].from_bytes(root)
        if not isinstance(found.signed, Root):
            raise RefusedReleaseError("This is not a root.", TRUST)
        found.verify_delegate(ROOT, found)
    except RepositoryError as e:
        raise RefusedReleaseError(f"This is not a root that signs itself: {e}.", TRUST) from e
    seen.begin(root, found.signed.version)
    return int(found.signed.version)


def look(seen: TrustedMetadata, source: Source, now: datetime) -> Catalogue:
    """Read and verify a repository, and remember what was seen.

    Args:
        seen: what this device trusts.
        source: where the repository is.
        now: a moment that has surely passed, and the wall time where that can be right.

    Raises:
        NoRepositoryError: it can't be read.
        RefusedReleaseError: it can't be trusted; what serves goes on serving.
    """
    known = seen.read()
    if ROOT not in known:
        raise RefusedReleaseError("This device trusts no release repository yet.", TRUST)
    place = Path(tempfile.gettempdir())
    with translated(place), tempfile.TemporaryDirectory(prefix="edgecase-look-") as name:
        folder = Path(name)
        with _refused(source):
            updater = _updater(folder, known, source)
            # Its own clock may be years off; expiry counts from what has surely passed.
            updater._trusted_set.reference_time = now  # noqa: SLF001 - it takes no time from outside
            updater.refresh()
            rollout = _rollout(updater, source)
            found = _found(folder)
            versions = {role: Metadata.from_bytes(c).signed.version for role, c in found.items()}
            offered = _catalogue(Metadata[Targets].from_bytes(found["targets"]).signed, rollout)
        seen.keep({role: (versions[role], content) for role, content in found.items()})
        return offered


def _updater(folder: Path, known: Mapping[str, bytes], source: Source) -> Updater:
    for role in ROLES:
        if role in known:
            (folder / f"{role}.json").write_bytes(known[role])
    return Updater(str(folder), METADATA, fetcher=Fetcher(source), bootstrap=known[ROOT])


def _rollout(updater: Updater, source: Source) -> Rollout:
    """What the tower holds back; without it nothing may be taken."""
    info = updater.get_targetinfo(ROLLOUT)
    if info is None:
        raise RefusedReleaseError(f"The repository has no {ROLLOUT}.", "Its keeper has to sign it.")
    if info.length > MAX_ROLLOUT:
        hint = f"At most {MAX_ROLLOUT} bytes are read."
        raise RefusedReleaseError(f"{ROLLOUT} has {info.length} bytes.", hint)
    target = Target(ROLLOUT, info.length, info.hashes["sha256"])
    place = f"{TARGETS}{target.sha256}.{ROLLOUT}"
    data = Fetcher(source).download_bytes(place, info.length)
    info.verify_length_and_hashes(data)
    try:
        return decode_rollout(data)
    except InvalidWordError as e:
        hint = "Update EdgeCase: the tower may hold back what this version can't see."
        raise RefusedReleaseError(f"{ROLLOUT} can't be understood: {e}.", hint) from e


def _found(folder: Path) -> dict[str, bytes]:
    return {role: (folder / f"{role}.json").read_bytes() for role in (ROOT, *ROLES)}


def _catalogue(targets: Targets, rollout: Rollout) -> Catalogue:
    offers, beyond, signed = [], [], {}
    for path, info in targets.targets.items():
        signed[path] = Target(path, info.length, info.hashes["sha256"])
        if not is_offer(path):
            continue
        try:
            offers.append(from_custom(path, info.custom))
        except NewerSchemaError as e:
            beyond.append(f"{e}: update EdgeCase")
        except InvalidWordError as e:
            beyond.append(str(e))
    return Catalogue(
        tuple(sorted(offers, key=lambda o: (o.released, o.ref))), tuple(beyond), rollout, signed
    )


@contextmanager
def _refused(source: Source) -> Iterator[None]:
    """Say what python-tuf found wrong in words for a technician."""
    try:
        yield
    except DownloadError as e:
        hint = "Is the tower there, or the stick whole? What serves goes on serving."
        raise NoRepositoryError(f"{source.name} can't be read: {e}.", hint) from e
    except ExpiredMetadataError as e:
        hint = "Look whether the clock is right; export the stick anew, or let the tower sign."
        raise RefusedReleaseError(f"{source.name}: a signature has expired: {e}.", hint) from e
    except (BadVersionNumberError, EqualVersionNumberError) as e:
        hint = "This device has seen a newer one. Export the stick anew."
        raise RefusedReleaseError(f"{source.name} is an older repository: {e}.", hint) from e
    except UnsignedMetadataError as e:
        hint = "It is not the repository that this device trusts, or somebody changed it."
        raise RefusedReleaseError(f"{source.name}: signatures are missing: {e}.", hint) from e
    except LengthOrHashMismatchError as e:
        hint = "It is damaged or was put together of several: fetch or export it anew."
        raise RefusedReleaseError(f"{source.name}: its files don't fit: {e}.", hint) from e
    except (RepositoryError, KeyError) as e:
        hint = "It is damaged, or not a release repository."
        raise RefusedReleaseError(f"{source.name} can't be trusted: {e}.", hint) from e
