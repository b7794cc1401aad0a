"""What another program is told of a case, and how it knows that it is us. No I/O."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.case import Case

SIGNATURE = "X-EdgeCase-Signature"
KEY = "Idempotency-Key"
NEW = "case"
"""The event of a new case; what happens to it later are `change` and `summary`."""
FINAL = frozenset({400, 410, 413, 415, 422})
"""Answers after which the same request won't do any better. A secret that is wrong (401, 403) and a
receiver that is being installed anew (404) are mended, and then nothing must be missing."""
SHORTEST_S, LONGEST_S = 2.0, 300.0


def body_of(event: str, case: Case) -> bytes:
    """The request's body: what happened to which case; no photo, and nothing of the form.

    Args:
        event: `NEW`, `change` or `summary`.
        case: as it is now.
    """
    said: dict[str, Any] = {
        "event": event,
        "id": case.id,
        "device": case.device,
        "seq": case.seq,
        "rev": case.rev,
        "profile": case.profile,
        "created": case.created.isoformat(),
        "status": case.status.value,
        "labels": sorted({p.label for p in case.predictions if p.shown}),
        "summary": case.summary.text,
    }
    return json.dumps(said, ensure_ascii=False).encode()


def headers_of(event: str, case: Case, body: bytes, secret: str) -> dict[str, str]:
    """The request's headers: what is told again has the same key.

    A new case is told until it is taken, and may have changed meanwhile: its key is without the
    revision.

    Args:
        event: what happened.
        case: to which.
        body: see `body_of`.
        secret: both sides know it; "" signs nothing.
    """
    what = case.id if event == NEW else f"{case.id}-{case.rev}"
    said = {"Content-Type": "application/json", KEY: f"{what}-{event}"}
    if secret:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        said[SIGNATURE] = f"sha256={digest}"
    return said


def place_of(url: str) -> str:
    """Where a URL leads, for a log: what stands before and behind the host can be secret."""
    return re.sub(r"^(https?://)(?:[^/?#]*@)?([^/?#]*).*", r"\1\2", url, flags=re.DOTALL)


def is_final(status: int) -> bool:
    """Whether an answer says that sending this once more is no use."""
    return status in FINAL


def pause_s(tries: int) -> float:
    """Seconds until the next try, after so many failures in a row."""
    return float(min(LONGEST_S, SHORTEST_S * 2 ** min(tries - 1, 10)))
