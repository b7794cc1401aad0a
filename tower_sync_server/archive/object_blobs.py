"""Blobs in an object store, such as S3, through fsspec. Drafts stay on this machine.

An object is durable once the store has acknowledged it; that it has is looked at again, by size
and, where the store says so, by MD5.
"""

from __future__ import annotations

import hashlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tower_sync_server.archive.blobs import ASIDE, AT_ONCE, PIECE, Lying, clear_drafts
from tower_sync_server.archive.files import Draft, free_bytes, translated
from tower_sync_server.errors import NotFoundError, OperatorError, TowerError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MD5 = re.compile(r'"?([0-9a-f]{32})"?')
"""An ETag that says what is in an object; that of one sent in parts doesn't."""
NAME = re.compile(r"[0-9a-f]{64}")


class ObjectBlobs:
    """Implements `archive.blobs.Blobs`."""

    def __init__(self, url: str, options: Mapping[str, Any], drafts: Path) -> None:
        """Use what `url` names; nothing is reached yet.

        Args:
            url: of the folder of all blobs, `s3://bucket/prefix` or whatever fsspec knows.
            options: of that kind of store.
            drafts: a folder here.

        Raises:
            OperatorError: nothing that is installed knows such a store.
        """
        self._fs, self._root = connect(url, options)
        self._drafts = drafts
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="blobs")

    def open(self) -> None:
        """Make the folder of drafts, and see that the store is there."""
        with translated():
            self._drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
            clear_drafts(self._drafts)
        with reached():
            self._fs.exists(self._root)

    def draft(self) -> Draft:
        """Begin a blob."""
        return Draft(self._drafts)

    def publish(self, drafts: Sequence[Draft]) -> None:
        """Send all of them; when this returns the store has acknowledged each."""
        list(self._pool.map(self._send, drafts))
        for draft in drafts:
            draft.discard()

    def path(self, _sha256: str) -> Path | None:
        """None: they are no files."""
        return None

    def read(self, sha256: str) -> Iterator[bytes]:
        """A blob, piece by piece."""
        with reached(), self._fs.open(self._name(sha256), "rb", block_size=4 * PIECE) as file:
            while piece := file.read(PIECE):
                yield piece

    def remove(self, sha256: str) -> None:
        """Remove a blob, if it is there, and what was set aside under its name."""
        with reached():
            for name in (self._name(sha256), f"{self._root}/{ASIDE}/{sha256}"):
                if self._fs.exists(name):
                    self._fs.rm_file(name)

    def set_aside(self, sha256: str) -> None:
        """Have the store copy it to where nobody is shown it, then remove it."""
        with reached():
            if self._fs.exists(self._name(sha256)):
                aside = f"{self._root}/{ASIDE}"
                self._fs.makedirs(aside, exist_ok=True)
                self._fs.cp_file(self._name(sha256), f"{aside}/{sha256}")
                self._fs.rm_file(self._name(sha256))

    def every(self) -> Iterator[Lying]:
        """All of them."""
        with reached():
            found = self._fs.find(self._root, detail=True)
        for path, info in found.items():
            folder, _, name = path.rpartition("/")
            if NAME.fullmatch(name) and not folder.endswith(f"/{ASIDE}"):
                yield Lying(name, _age_s(info))

    def free_bytes(self) -> int:
        """Room for drafts; the store has its own."""
        with translated():
            return free_bytes(self._drafts)

    def _name(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"

    def _send(self, draft: Draft) -> None:
        name = self._name(draft.sha256)
        with translated(), draft.path.open("rb") as file:
            md5, size = hashlib.file_digest(file, _md5).hexdigest(), file.tell()
        with reached():
            self._fs.put_file(str(draft.path), name)
            info = self._fs.info(name, refresh=True)
        tag = MD5.fullmatch(str(info.get("ETag", "")))
        if info.get("size") != size or (tag is not None and tag[1] != md5):
            raise UnavailableError("The object store holds something else than was sent.")


def connect(url: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    """The store of a URL, and where in it.

    Raises:
        OperatorError: nothing that is installed knows such a store.
    """
    import fsspec  # type: ignore[import-untyped]  # only a tower whose blobs are elsewhere needs it

    more = {"use_listings_cache": False, "skip_instance_cache": True}
    try:
        fs, root = fsspec.core.url_to_fs(url, **more, **options)
    except ImportError as e:
        hint = "pip install 'edgecase[tower,s3]' for s3://; look up the package for others."
        raise OperatorError(f"store.blobs = {url!r} needs more than is installed: {e}", hint) from e
    except ValueError as e:
        hint = 'A folder, or a URL such as "s3://bucket/prefix".'
        raise OperatorError(f"store.blobs = {url!r} can't be used: {e}", hint) from e
    if hasattr(fs, "retries"):  # s3fs repeats by itself what botocore has repeated already
        fs.retries = 1
    return fs, str(root).rstrip("/")


@contextmanager
def reached() -> Iterator[None]:
    """Raise what a store complains about as an error of ours.

    Raises:
        NotFoundError: there is no such blob.
        OperatorError: the tower may not do that there.
        UnavailableError: it can't be reached, or can't take it now.
    """
    try:
        yield
    except TowerError:
        raise
    except FileNotFoundError as e:
        raise NotFoundError("This picture is not here.") from e
    except PermissionError as e:
        hint = "Look at its keys and at what they may do; see docs/tower.md."
        raise OperatorError(f"The object store refuses the tower: {e}", hint) from e
    except Exception as e:  # each kind of store has errors of its own library
        raise UnavailableError(f"The object store can't be used now: {e}", "Try again.") from e


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _age_s(info: Mapping[str, Any]) -> float:
    """Seconds since an object was put there; 0 where the store doesn't say."""
    at = info.get("LastModified") or info.get("mtime") or info.get("created")
    if isinstance(at, datetime):
        return (datetime.now(UTC) - at.astimezone(UTC)).total_seconds()
    return time.time() - at if isinstance(at, (int, float)) else 0.0
