"""Chunks of payloads that are not whole yet, on disk, where every worker finds them.

A chunk is a file that begins with the SHA-256 of the rest. It isn't fsynced: a killed worker loses
nothing, and what a power cut tears is found out when the payload is put together, thrown away, and
sent again, because only `stored` is a promise.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from sync.bitmap import Bitmap
from sync.chunks import span
from tower_sync_server.archive.files import MODE, age_s, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sync.messages import Chunk, Header

LEFT_OVER_S = 3600.0
"""No chunk takes this long to write."""
DEVICE = "@"
"""How the folder of a device begins: no device's name has this in it."""
SEAL = hashlib.sha256().digest_size


class GoneError(Exception):
    """Another worker took the chunks away meanwhile; look again what is stored."""


class CrowdedError(Exception):
    """The device has too many payloads that are not whole; nothing was kept."""


class TornError(Exception):
    """Some chunks were damaged; they have been thrown away."""


class Spool:
    """Unfinished payloads: a folder for each device, in it one each, a file for every chunk."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; nothing is made yet, and every device may begin what it likes."""
        self._folder = folder
        self.may_open: Callable[[str, Header], bool] = lambda _device, _header: True
        """Asked before the first chunk of a payload is kept."""

    def open(self, max_age_s: float) -> None:
        """Make the folder, and drop payloads to which nothing came for so long, seconds."""
        with translated():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for path in self._folder.iterdir():
                if path.is_file():  # a chunk that a killed worker didn't finish
                    _unlink_old(path)
                elif path.name.startswith(DEVICE):
                    _remove_old(path, max_age_s)
                elif age_s(path) > max_age_s:  # of a program that had no folder for each device
                    shutil.rmtree(path, ignore_errors=True)

    def sizes(self, device: str) -> list[int]:
        """Bytes that each unfinished payload of a device will have."""
        with translated():
            try:
                names = os.listdir(self._folder / f"{DEVICE}{device}")  # noqa: PTH208  the same
            except FileNotFoundError:
                return []
        return [int(name.rpartition("-")[2]) for name in names]

    def drop_stale(self, device: str, max_age_s: float) -> None:
        """Drop payloads of a device to which nothing came for so long, seconds."""
        with translated():
            _remove_old(self._folder / f"{DEVICE}{device}", max_age_s)

    def keep(self, device: str, chunk: Chunk) -> None:
        """Write a chunk down; one that is there already is replaced by the same bytes.

        Raises:
            GoneError: another worker is done with the payload, just now.
            CrowdedError: it would be the first of its payload, and that may not be begun.
        """
        folder = self._of(device, chunk.header)
        if not folder.is_dir() and not self.may_open(device, chunk.header):
            raise CrowdedError
        part = self._folder / f".{secrets.token_hex(8)}"
        with translated():
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
                file.write(hashlib.sha256(chunk.data).digest())
                file.write(chunk.data)
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                part.replace(folder / str(chunk.index))
            except FileNotFoundError as e:
                part.unlink(missing_ok=True)
                raise GoneError from e

    def have(self, device: str, header: Header) -> Bitmap | None:
        """Which chunks are there; None where there are none."""
        with translated():
            try:
                names = os.listdir(self._of(device, header))  # noqa: PTH208  it is asked all the time
            except FileNotFoundError:
                return None
        return Bitmap.of(header.count, (int(name) for name in names))

    def read(
        self, device: str, header: Header, held: Mapping[int, bytes] | None = None
    ) -> Iterator[bytes]:
        """Every chunk in order; those that are `held` in memory are not looked for.

        Raises:
            GoneError: another worker has taken them away.
            TornError: some were damaged; they are gone now.
        """
        folder, torn = self._of(device, header), False
        for index in range(header.count):
            if held is not None and index in held:
                if not torn:
                    yield held[index]
                continue
            path = folder / str(index)
            with translated():
                try:
                    sealed = path.read_bytes()
                except FileNotFoundError as e:
                    raise GoneError from e
            seal, data = sealed[:SEAL], sealed[SEAL:]
            if len(data) != span(header.size, index)[1] or hashlib.sha256(data).digest() != seal:
                path.unlink(missing_ok=True)
                torn = True
            elif not torn:
                yield data
        if torn:
            raise TornError

    def forget(self, device: str, header: Header) -> None:
        """Drop the chunks of a payload."""
        folder = self._of(device, header)
        shutil.rmtree(folder, ignore_errors=True)
        _remove_empty(folder.parent)

    def _of(self, device: str, header: Header) -> Path:
        """A folder for just this payload from just this device."""
        address = header.address
        what = [device, *address.key, address.sha256, header.size]
        name = hashlib.sha256(json.dumps(what).encode()).hexdigest()
        return self._folder / f"{DEVICE}{device}" / f"{name}-{header.size}"


def _remove_old(folder: Path, max_age_s: float) -> None:
    """Remove the payloads of a device that are older."""
    with suppress(FileNotFoundError):  # another worker has removed the folder
        for path in folder.iterdir():
            if age_s(path) > max_age_s:
                shutil.rmtree(path, ignore_errors=True)
        _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    """Remove a device's folder where nothing is in it."""
    with suppress(OSError):
        folder.rmdir()


def _unlink_old(path: Path) -> None:
    """Remove a file that nobody is writing any more."""
    if age_s(path) > LEFT_OVER_S:
        path.unlink(missing_ok=True)
