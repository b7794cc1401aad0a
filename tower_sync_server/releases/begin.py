"""Begins a repository: which keys count, and which of them are made on the tower."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tower_sync_server.archive.files import translated
from tower_sync_server.errors import BadRequestError
from tower_sync_server.releases.keys import make_key, read_public, read_ring, tower_key
from tower_sync_server.releases.repository import Repository, utc_now
from tower_sync_server.releases.roles import ONLINE, PEOPLE, ROLES, ROOT, TARGETS
from tower_sync_server.releases.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tower_sync_server.releases.places import Places
    from tower_sync_server.releases.tuf_words import Key

PAIR = 2
"""People who sign targets where nobody says otherwise."""


def begin(
    places: Places,
    people: Mapping[str, Sequence[Path]],
    thresholds: Mapping[str, int | None],
    passphrase: bytes | None,
) -> bool:
    """Make the tower's keys and the first root, unless there is one.

    Args:
        places: where.
        people: `root` and `targets` → public keys; none for both is starter mode.
        thresholds: the same → how many sign; None: 2 of `targets`, all but one of `root`.
        passphrase: of the starter keys of root and targets; None leaves them open.

    Returns:
        Whether it is in starter mode.

    Raises:
        BadRequestError: the keys can't be what was meant.
    """
    starter = not any(people.get(role) for role in PEOPLE)
    shelf = Shelf(places)
    with shelf.locked():
        if shelf.is_begun():
            if not starter:
                hint = "To change its keys: edgecase-tower release keys"
                raise BadRequestError("There is a repository already.", hint)
            return holds_all(places)
        keys: dict[str, Sequence[Key]] = {
            role: tuple(read_public(path) for path in people.get(role, ())) for role in PEOPLE
        }
        wanted = {} if starter else _thresholds(keys, thresholds)
        with translated():
            places.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        for role in ROLES if starter else ONLINE:
            keys[role] = (tower_key(places.keys, role, passphrase),)
        ring = read_ring(places.keys, passphrase)
        Repository(shelf, ring, utc_now).begin(keys, wanted)
    return starter


def fresh_key(folder: Path, role: str, passphrase: bytes | None) -> Key:
    """Make another key for a role on this tower; the one before stays beside it.

    Raises:
        BadRequestError: there is no such role.
    """
    if role not in ROLES:
        raise BadRequestError(f"There is no role {role!r}.", f"The roles are {', '.join(ROLES)}.")
    path = folder / f"{role}-{time.time_ns()}.pem"
    return make_key(path, f"tower {role}", passphrase if role in PEOPLE else None)


def _thresholds(
    keys: Mapping[str, Sequence[Key]], said: Mapping[str, int | None]
) -> dict[str, int]:
    for role in PEOPLE:
        if not keys[role]:
            hint = f"Give --{role} FILE.pub for everybody who may sign {role}."
            raise BadRequestError(f"Nobody could sign {role}.", hint)
    root, targets = said.get(ROOT), said.get(TARGETS)
    return {
        ROOT: max(1, len(keys[ROOT]) - 1) if root is None else root,
        TARGETS: PAIR if targets is None else targets,
    }


def holds_all(places: Places) -> bool:
    """Whether the keys of root and targets lie on this tower: starter mode."""
    here = {read_public(path).keyid for path in places.keys.glob("*.pub")}
    shelf = Shelf(places)
    now = shelf.published()
    root = now.root or shelf.pending(now).root
    if root is None:
        return False
    signed = root.signed.roles
    return all(len(set(signed[r].keyids) & here) >= signed[r].threshold for r in PEOPLE)
