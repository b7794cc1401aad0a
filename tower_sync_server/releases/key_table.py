"""Who may sign what, as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tower_sync_server.releases import edits
from tower_sync_server.releases.keys import NAME, read_public
from tower_sync_server.releases.roles import ROLES

if TYPE_CHECKING:
    from tower_sync_server.releases.places import Places
    from tower_sync_server.releases.repository import Repository


def key_table(repository: Repository, places: Places) -> list[dict[str, Any]]:
    """A row for each role and key: role, threshold, keys, keyid, name, here ("yes" or "")."""
    now = repository.read()
    pending = repository.shelf.pending(now)
    root, targets = now.root or pending.root, now.targets or pending.targets
    here = {read_public(path).keyid for path in places.keys.glob("*.pub")}
    if root is None or targets is None:
        return []
    rows = []
    for role in ROLES:
        keys = edits.keys_of(root.signed, targets.signed, role)
        holder = root.signed if role in root.signed.roles else targets.signed
        for keyid, key in keys.items():
            rows.append({
                "role": role,
                "threshold": holder.get_delegated_role(role).threshold,
                "keys": len(keys),
                "keyid": keyid,
                "name": key.unrecognized_fields.get(NAME, ""),
                "here": "yes" if keyid in here else "",
            })  # fmt: skip
    return rows
