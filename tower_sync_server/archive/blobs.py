"""Photos and thumbnails, named by the SHA-256 of what is in them: in a folder, or elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from tower_sync_server.archive.files import Draft, age_s, free_bytes, sync_folder, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

LEFT_OVER_S = 24 * 3600.0
"""Drafts older than this are what killed workers left."""
AT_ONCE = 4
"""Files that are synced at the same time: the disk makes them durable together."""
ASIDE = "aside"
"""Folder of what was found to be damaged."""
PIECE = 1 << 18
"""Bytes that are read of a blob at a time."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lying:
    """A blob that was found."""

    sha256: str
    """Its name."""
    age_s: float
    """Since it was put there, seconds."""


class Blobs(Protocol):
    """Where photos and thumbnails lie; any number of processes may use it at once."""

    def open(self) -> None:
        """Make it usable, and clear away what killed workers left.

        Raises:
            OperatorError: it can't be made.
        """
        ...

    def draft(self) -> Draft:
        """Begin a blob."""
        ...

    def publish(self, drafts: Sequence[Draft]) -> None:
        """Make drafts blobs; when this returns all of them are durable under their names."""
        ...

    def path(self, sha256: str) -> Path | None:
        """The file of a blob; None where blobs are no files."""
        ...

    def read(self, sha256: str) -> Iterator[bytes]:
        """A blob, piece by piece.

        Raises:
            NotFoundError: there is none of this name.
        """
        ...

    def remove(self, sha256: str) -> None:
        """Remove a blob, if it is there, and what was set aside under its name."""
        ...

    def set_aside(self, sha256: str) -> None:
        """Take a blob whose bytes are not those of its name out of use; they are kept.

        Where one lies aside already the newer takes its place. Does nothing where there is none.
        """
        ...

    def every(self) -> Iterator[Lying]:
        """All of them, in no order."""
        ...

    def free_bytes(self) -> int:
        """Room for more, where workers write first."""
        ...


class FolderBlobs:
    """Blobs as files."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; nothing is made yet."""
        self._folder = folder
        self._drafts = folder / "drafts"
        self._aside = folder / ASIDE
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="blobs")

    def open(self) -> None:
        """Make the folders, and clear away what killed workers left."""
        with translated():
            for folder in (
                self._drafts,
                self._aside,
                *(self._folder / f"{n:02x}" for n in range(256)),
            ):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_folder(self._folder)
            clear_drafts(self._drafts)

    def draft(self) -> Draft:
        """Begin a blob."""
        return Draft(self._drafts)

    def publish(self, drafts: Sequence[Draft]) -> None:
        """Sync the bytes of all, give them their names, sync the folders of the names.

        One that is there already is replaced by the same bytes.
        """
        folders = [f"{self._folder}/{draft.sha256[:2]}" for draft in drafts]  # a Path costs more
        with translated():
            self._each(Draft.sync, drafts)
            for draft, folder in zip(drafts, folders, strict=True):
                draft.rename(f"{folder}/{draft.sha256}")
            self._each(sync_folder, sorted(set(folders)))

    def file(self, sha256: str) -> Path:
        """Where a blob lies."""
        return self._folder / sha256[:2] / sha256

    def path(self, sha256: str) -> Path | None:
        """Where a blob lies."""
        return self.file(sha256)

    def read(self, sha256: str) -> Iterator[bytes]:
        """A blob, piece by piece."""
        with translated(missing="This picture is not here."), self.file(sha256).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def remove(self, sha256: str) -> None:
        """Remove a blob, if it is there, and what was set aside under its name."""
        with translated():
            self.file(sha256).unlink(missing_ok=True)
            (self._aside / sha256).unlink(missing_ok=True)

    def set_aside(self, sha256: str) -> None:
        """Move a blob to the folder of those that nobody is shown."""
        with translated():
            try:
                self.file(sha256).replace(self._aside / sha256)
            except FileNotFoundError:
                return
            sync_folder(self._aside)
            sync_folder(self.file(sha256).parent)

    def every(self) -> Iterator[Lying]:
        """All of them."""
        with translated():
            for number in range(256):
                for path in (self._folder / f"{number:02x}").iterdir():
                    yield Lying(path.name, age_s(path))

    def free_bytes(self) -> int:
        """Room for more."""
        with translated():
            return free_bytes(self._folder)

    def _each(self, do: Callable[[T], None], things: Iterable[T]) -> None:
        """Do it to all at once; waiting for the disk together is what makes a batch fast."""
        all_of_them = list(things)
        if len(all_of_them) == 1:
            do(all_of_them[0])
            return

        def some(first: int) -> None:
            for one in all_of_them[first::AT_ONCE]:
                do(one)

        list(self._pool.map(some, range(min(AT_ONCE, len(all_of_them)))))


def clear_drafts(folder: Path) -> None:
    """Remove the drafts that killed workers left."""
    for path in folder.iterdir():
        if age_s(path) > LEFT_OVER_S:
            path.unlink(missing_ok=True)
