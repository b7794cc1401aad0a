"""Brings what is on offer onto the device: look, choose, fetch, try, install; none of it serves."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import RefusedModelFileError, RefusedReleaseError, UnavailableError
from edge.store.failures import translated
from edge.updates.fetch import Progress, fetch
from edge.updates.fit import Choice, Device, choose
from edge.updates.look import Catalogue, look
from models.rollout import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from edge.library.library import ModelLibrary, Trial
    from edge.updates.outcomes import Outcomes
    from edge.updates.source import Source
    from edge.updates.trusted import TrustedMetadata
    from models.offer import Offer
    from models.release import ModelRelease

LOCK = ".fetching.lock"
"""Held while one program fetches."""
FETCHED = ".fetched-"
"""Before the name of a folder with what came of one version; the library passes it over."""
Tell = Callable[["Offer", Progress], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What a look has found."""

    catalogue: Catalogue
    """Everything on offer."""
    choice: Choice
    """What becomes of it."""


class Puller:
    """Knows one device. One thread may look while another installs."""

    def __init__(
        self,
        library: ModelLibrary,
        models: Path,
        seen: TrustedMetadata,
        outcomes: Outcomes,
        device: Callable[[], Device],
        now: Callable[[], datetime],
        keep_free: int,
    ) -> None:
        """Keep the parts.

        Args:
            library: the device's models.
            models: DATA_DIR/models.
            seen: whom the device trusts.
            outcomes: what became of earlier versions.
            device: tells what the device is now.
            now: a moment that has surely passed, and wall time where that can be right.
            keep_free: bytes of the disk that stay free.
        """
        self._library = library
        self._models = models
        self._seen = seen
        self._outcomes = outcomes
        self._device = device
        self._now = now
        self._keep_free = keep_free

    def look(self, source: Source) -> Found:
        """See what is on offer; see `look.look` for what is raised."""
        catalogue = look(self._seen, source, self._now())
        return Found(catalogue, choose(catalogue, self._device()))

    def install(
        self, found: Found, offer: Offer, source: Source, trial: Trial, tell: Tell
    ) -> ModelRelease:
        """Fetch and try one version; from then on it lies beside the one that serves.

        Raises:
            UnavailableError: another program fetches; both would write the same files.
            NoRepositoryError: it did not come whole; what came is kept for the next time.
            DiskFullError: there is no room for it.
            RefusedReleaseError: other bytes came than were signed.
            RefusedModelFileError: it can't serve here; it will not be fetched again.
        """
        with self._alone():
            return self._install(found, offer, source, trial, tell)

    def _install(
        self, found: Found, offer: Offer, source: Source, trial: Trial, tell: Tell
    ) -> ModelRelease:
        folder = self._models / f"{FETCHED}{offer.id}-{offer.version}"
        self._forget_others(folder)
        try:
            fetch(
                found.catalogue.files(offer),
                source,
                folder,
                self._here(),
                self._keep_free,
                lambda progress: tell(offer, progress),
            )
            release = self._library.install(folder, trial=trial, signed=True)
            if (release.id, release.version) != (offer.id, offer.version):
                raise RefusedReleaseError(
                    f"{offer.ref} is {release.ref} by its own manifest.", "Add it anew."
                )
        except RefusedModelFileError as e:
            self._outcomes.note(offer.id, offer.version, Result.REFUSED, e.message)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)
        return release

    def activate(self, release: ModelRelease) -> None:
        """Let a version serve from the next reload on; what served before stays beside it."""
        self._library.activate(release.id, release.version)
        self._outcomes.note(release.id, release.version, Result.ACTIVATED)

    def active(self) -> dict[str, str]:
        """Model → the version that serves."""
        return {m.release.id: m.release.version for m in self._library.list() if m.active}

    def _here(self) -> dict[str, Path]:
        """SHA-256 → a file of this device that says to have it."""
        return {
            file.sha256: model.folder / file.path
            for model in self._library.list()
            for file in model.release.files
        }

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with translated(self._models):
            self._models.mkdir(parents=True, exist_ok=True)
            lock = (self._models / LOCK).open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                hint = "Wait until the daemon, or the other `edgecase models pull`, has done."
                raise UnavailableError("Another program fetches models now.", hint) from e
            yield

    def _forget_others(self, folder: Path) -> None:
        """What came of other versions was for nothing."""
        for each in self._models.glob(f"{FETCHED}*"):
            if each != folder:
                shutil.rmtree(each, ignore_errors=True)
