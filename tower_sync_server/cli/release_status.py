"""What `edgecase-tower release status` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from models.jsonable import to_json
from models.rollout import open_to
from tower_sync_server.cli.release_parts import as_value as done_value
from tower_sync_server.cli.release_parts import note, show_rows
from tower_sync_server.releases import edits
from tower_sync_server.releases.repository import utc_now
from tower_sync_server.releases.roles import Lifetimes

if TYPE_CHECKING:
    from models.offer import Offer
    from models.rollout import Rollout
    from tower_sync_server.releases.repository import Done, Repository

HEADINGS = ("model", "version", "allowed", "open to", "MB", "state", "notes")


def as_value(repository: Repository, done: Done) -> dict[str, Any]:
    """Everything, for programs."""
    now = done.now
    offers = edits.offers(now.targets.signed) if now.targets else ()
    return {
        "offers": [
            {
                **to_json(offer),
                "open_to": to_json(open_to(offer, now.held)),
                "restraint": to_json(now.held.of(offer.id, offer.version)),
            }
            for offer in offers
        ],
        "paused": now.held.paused,
        "reason": now.held.reason,
        "expires": {role: one.signed.expires.isoformat() for role, one in _documents(done).items()},
        "waiting_for": [o.ref for o in _waiting(repository, done)],
        **done_value(done),
    }


def show(repository: Repository, done: Done) -> None:
    """Everything, for people."""
    now = done.now
    offers = edits.offers(now.targets.signed) if now.targets else ()
    if now.held.paused:
        note(f"Everything is paused: {now.held.reason}")
    if offers:
        show_rows([HEADINGS, *(_row(offer, now.held) for offer in offers)])
    else:
        note("Nothing is offered yet: edgecase-tower release add MODEL_DIR")
    for role, one in _documents(done).items():
        left = one.signed.expires - utc_now()
        if role in ("root", "targets") and left < Lifetimes().people_left:
            note(f"{role} ends in {left.days} days: edgecase-tower release renew")
    typer.echo("signed until  " + ", ".join(
        f"{role} {one.signed.expires.date()}" for role, one in _documents(done).items()
    ))  # fmt: skip


def _row(offer: Offer, held: Rollout) -> tuple[str, ...]:
    restraint, widest = held.of(offer.id, offer.version), open_to(offer, held)
    state = "blacklisted" if restraint.blacklisted else "paused" if restraint.paused else ""
    if restraint.reason:
        state = f"{state}: {restraint.reason}"
    return (
        offer.id,
        offer.version,
        offer.ring.value,
        widest.value if widest else "nobody",
        f"{offer.size / 1e6:.1f}",
        state,
        offer.notes,
    )


def _waiting(repository: Repository, done: Done) -> list[Offer]:
    pending = repository.shelf.pending(done.now).targets
    if pending is None:
        return []
    there = edits.offers(done.now.targets.signed) if done.now.targets else ()
    return [offer for offer in edits.offers(pending.signed) if offer not in there]


def _documents(done: Done) -> dict[str, Any]:
    now = done.now
    found = {
        "root": now.root,
        "targets": now.targets,
        "rollout": now.rollout,
        "snapshot": now.snapshot,
        "timestamp": now.timestamp,
    }
    return {role: one for role, one in found.items() if one is not None}
