"""The payload of a case's own parcel: written one way only, so that its SHA-256 never differs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from models.case import Case
from models.jsonable import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

CASE_TYPE = "application/json"


def case_payload(case: Case) -> bytes:
    """The case as JSON, without `sync`: a receipt is no part of a revision."""
    return dump({key: value for key, value in to_json(case).items() if key != "sync"})


def dump(body: Mapping[str, Any]) -> bytes:
    """JSON as the device's database has it: UTF-8, no spaces, fields in the order of the words."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def read_case(payload: bytes) -> Case:
    """The case of a payload.

    Raises:
        ValueError: it holds none.
    """
    return from_json(Case, json.loads(payload))


def sha256(data: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(data).hexdigest()
