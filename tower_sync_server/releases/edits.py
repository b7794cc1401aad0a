"""What a change does to the signed documents. Nothing is read, written or signed here."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

from models import offer as offers_word
from models import rollout as rollout_word
from models.jsonable import InvalidWordError
from models.offer import WHEELS, from_custom, is_offer, to_custom
from models.semver import precedence
from tower_sync_server.errors import BadRequestError, NotFoundError, OperatorError
from tower_sync_server.releases.roles import ONLINE, PEOPLE, ROLES, ROLLOUT
from tower_sync_server.releases.tuf_words import (
    DelegatedRole,
    Delegations,
    Root,
    TargetFile,
    Targets,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from models.offer import Offer, Ring
    from tower_sync_server.releases.tuf_words import Key

MAX_TARGETS_BYTES = 4_000_000
"""Of targets metadata; clients read up to 5 MB."""


def first_root(
    keys: Mapping[str, Sequence[Key]], thresholds: Mapping[str, int], expires: datetime
) -> Root:
    """Make the root that devices are given.

    Args:
        keys: role → who may sign for it; but for `rollout`, which is delegated by targets.
        thresholds: role → how many of them have to.
        expires: when it does, UTC.

    Raises:
        BadRequestError: a threshold can't be met.
    """
    root = Root(version=1, expires=expires, consistent_snapshot=True)
    for role in root.roles:
        for key in keys[role]:
            root.add_key(key, role)
    for role in root.roles:
        set_threshold(root, role, thresholds.get(role, 1))
    return root


def first_targets(rollout_key: Key, expires: datetime) -> Targets:
    """Make a repository with nothing in it, in which the tower may sign `rollout.json`."""
    role = DelegatedRole(ROLLOUT, [], 1, terminating=True, paths=[rollout_word.ROLLOUT])
    targets = Targets(version=1, expires=expires, delegations=Delegations({}, {ROLLOUT: role}))
    targets.add_key(rollout_key, ROLLOUT)
    return targets


def renewed_root(root: Root, expires: datetime) -> Root:
    """The next version, with the same content."""
    made = deepcopy(root)
    made.version, made.expires = root.version + 1, expires
    return made


def renewed_targets(targets: Targets, version: int, expires: datetime) -> Targets:
    """The same content under another number."""
    made = deepcopy(targets)
    made.version, made.expires = version, expires
    return made


def offers(targets: Targets) -> tuple[Offer, ...]:
    """Everything that is offered, by model, the newest version first.

    Raises:
        OperatorError: one can't be read.
    """
    try:
        found = [from_custom(p, t.custom) for p, t in targets.targets.items() if is_offer(p)]
    except InvalidWordError as e:
        hint = "Was it added by a newer EdgeCase? Update this tower."
        raise OperatorError(f"What is offered can't be read: {e}", hint) from e
    found.sort(key=lambda offer: precedence(offer.version), reverse=True)
    return tuple(sorted(found, key=lambda offer: offer.id))


def find_offer(targets: Targets, id: str, version: str | None = None) -> Offer:
    """One version of a model; the newest where none is named.

    Raises:
        NotFoundError: it isn't offered.
    """
    mine = [offer for offer in offers(targets) if offer.id == id]
    for offer in mine:
        if version in (None, offer.version):
            return offer
    there = ", ".join(o.ref for o in mine or offers(targets)) or "nothing"
    raise NotFoundError(f"{id}@{version or 'any'} isn't offered.", f"On offer: {there}")


def add_offer(targets: Targets, offer: Offer, manifest: TargetFile) -> None:
    """Offer a model, or offer it otherwise.

    Args:
        targets: is changed.
        offer: what is said of it.
        manifest: length and hash of its `model.toml`.

    Raises:
        BadRequestError: another model's version has this name, or there are too many.
    """
    _refuse_older(targets, offer)
    manifest = TargetFile(manifest.length, manifest.hashes, offer.manifest)
    manifest.unrecognized_fields["custom"] = to_custom(offer)
    targets.targets[offer.manifest] = manifest
    for file in offer.files:
        path = offer.target(file)
        targets.targets[path] = TargetFile(file.size, {"sha256": file.sha256}, path)


def set_ring(targets: Targets, offer: Offer, ring: Ring) -> None:
    """Allow a version this ring and those before it."""
    made = replace(offer, ring=ring)
    targets.targets[offer.manifest].unrecognized_fields["custom"] = to_custom(made)


def remove_offer(targets: Targets, offer: Offer) -> None:
    """Offer a version no more."""
    prefix = offers_word.target_path(offer.id, offer.version, "")
    for path in [p for p in targets.targets if p.startswith(prefix)]:
        del targets.targets[path]


def set_wheels(targets: Targets, files: Sequence[TargetFile]) -> None:
    """Offer these packages and their list, in the place of all others."""
    for path in wheel_paths(targets):
        del targets.targets[path]
    targets.targets.update({file.path: file for file in files})


def wheel_paths(targets: Targets) -> list[str]:
    """The targets that are packages for devices, and their list."""
    folder = WHEELS.partition("/")[0]
    parts = ((path, path.split("/")) for path in targets.targets)
    return [path for path, names in parts if names[0] == folder and len(names) == 2]


def set_keys(root: Root, targets: Targets, role: str, keys: Sequence[Key]) -> None:
    """Let exactly these sign for a role; the threshold shrinks where it could not be met."""
    holder: Root | Targets = targets if role == ROLLOUT else root
    there = holder.get_delegated_role(role)
    for key in keys:
        holder.add_key(key, role)
    for keyid in set(there.keyids) - {key.keyid for key in keys}:
        holder.revoke_key(keyid, role)
    there.threshold = min(there.threshold, len(there.keyids))


def set_threshold(root: Root, role: str, count: int) -> None:
    """Say how many have to sign for a role.

    Raises:
        BadRequestError: there are not that many keys, or it is an online role.
    """
    there = len(root.roles[role].keyids)
    if not 1 <= count <= there:
        hint = "Add keys first: edgecase-tower release keys add"
        raise BadRequestError(f"{role} has {there} keys, so {count} can't be asked for.", hint)
    if role in ONLINE and count > 1:
        raise BadRequestError(f"{role} is signed by the tower alone: its threshold is 1.")
    root.roles[role].threshold = count


def keys_of(root: Root, targets: Targets | None, role: str) -> dict[str, Key]:
    """Who may sign for a role, by key id.

    Raises:
        NotFoundError: there is no such role.
    """
    if role not in ROLES:
        raise NotFoundError(f"There is no role {role!r}.", f"The roles are {', '.join(ROLES)}.")
    holder: Root | Targets | None = targets if role == ROLLOUT else root
    if holder is None:
        return {}
    return {keyid: holder.get_key(keyid) for keyid in holder.get_delegated_role(role).keyids}


def is_starter(root: Root) -> bool:
    """Whether one person decides alone what is shipped."""
    return all(root.roles[role].threshold == 1 for role in PEOPLE)


def _refuse_older(targets: Targets, offer: Offer) -> None:
    newer = [
        o
        for o in offers(targets)
        if o.id == offer.id and precedence(o.version) > precedence(offer.version)
    ]
    if newer:
        hint = "Give it a higher version: devices never go back to an older one by themselves."
        raise BadRequestError(f"{newer[0].ref} is offered, which is newer.", hint)
