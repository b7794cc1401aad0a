"""What a change says, in lines for the person who signs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tower_sync_server.releases import edits
from tower_sync_server.releases.keys import name_of
from tower_sync_server.releases.roles import ROLLOUT
from tower_sync_server.releases.tuf_words import Root, Targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from models.offer import Offer
    from tower_sync_server.releases.tuf_words import Key, Metadata


def lines_of(change: Metadata[Any], before: Root | Targets | None = None) -> list[str]:
    """Say what is signed with this.

    Args:
        change: root or targets.
        before: what it follows; None tells everything that it says.
    """
    now = change.signed
    until = f"{now.type} {now.version}, good until {now.expires.date()}:"
    if isinstance(now, Root):
        told = list(_root(now, before if isinstance(before, Root) else None))
    else:
        told = list(_targets(now, before if isinstance(before, Targets) else None))
    return [until, *(f"  {line}" for line in told or ["nothing else changes"])]


def _root(now: Root, before: Root | None) -> Iterator[str]:
    for role, who in now.roles.items():
        said = _people(who.threshold, (now.get_key(k) for k in who.keyids))
        old = None
        if before is not None:
            was = before.roles[role]
            old = _people(was.threshold, (before.get_key(k) for k in was.keyids))
        if said != old:
            yield f"{role} is signed by {said}" + (f" (before: {old})" if old else "")


def _targets(now: Targets, before: Targets | None) -> Iterator[str]:
    there = {} if before is None else {offer.ref: offer for offer in edits.offers(before)}
    for offer in edits.offers(now):
        old = there.pop(offer.ref, None)
        digest = now.targets[offer.manifest].hashes["sha256"]
        if old is None:
            yield f"offers {_offer(offer)}"
            yield f"  SHA-256 of its model.toml: {digest}"
        elif old != offer:
            yield f"changes {_offer(old)} to {_offer(offer)}"
    yield from (f"offers {ref} no more" for ref in there)
    wheels = set(edits.wheel_paths(now)) - set(edits.wheel_paths(before) if before else ())
    yield from (f"offers the package {path!r}" for path in sorted(wheels))
    keys = _rollout(now)
    if before is None or keys != _rollout(before):
        yield f"rollout.json is signed by {keys}"


def _offer(offer: Offer) -> str:
    notes = f", {offer.notes!r}" if offer.notes else ""
    return f"{offer.ref} up to ring {offer.ring.value}, {offer.size} bytes{notes}"


def _rollout(targets: Targets) -> str:
    role = targets.get_delegated_role(ROLLOUT)
    return _people(role.threshold, (targets.get_key(keyid) for keyid in role.keyids))


def _people(threshold: int, keys: Iterable[Key]) -> str:
    names = sorted(name_of(key) for key in keys)
    return f"{threshold} of {', '.join(names)}"
