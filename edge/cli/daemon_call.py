"""Asks the daemon that runs on this machine."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

from edge.cli.link import linked
from edge.errors import EdgeError, OperatorError, UnavailableError

if TYPE_CHECKING:
    from edge.config import Settings

TIMEOUT_S = 30.0
MAX_BYTES = 1_000_000


def call(settings: Settings, method: str, path: str) -> Any:
    """Send a request without a body; gives the JSON of the answer.

    Raises:
        UnavailableError: no daemon runs, or it doesn't answer.
        OperatorError: it refuses, or its store is somebody else's.
    """
    try:
        with linked(settings, TIMEOUT_S) as (link, headers):
            link.request(method, path, headers=dict(headers))
            answer = link.getresponse()
            text = answer.read(MAX_BYTES)
    except ConnectionRefusedError as e:
        raise UnavailableError("The daemon does not run.", "Start it: edgecase run") from e
    except (OSError, http.client.HTTPException) as e:
        raise UnavailableError(f"The daemon did not answer: {e}", "Try again.") from e
    try:
        told = json.loads(text)
    except ValueError as e:
        raise UnavailableError("The daemon's answer is no JSON.", "Is it an EdgeCase?") from e
    if answer.status >= http.client.BAD_REQUEST:
        raise _refusal(told)
    return told


def _refusal(told: Any) -> EdgeError:
    error = told.get("error", {}) if isinstance(told, dict) else {}
    return OperatorError(str(error.get("message", "It refused.")), str(error.get("hint", "")))
