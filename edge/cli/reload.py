"""Has a running daemon take over what was changed under it."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

from edge.cli.link import linked
from edge.errors import OperatorError

if TYPE_CHECKING:
    from edge.config import Settings

TIMEOUT_S = 60.0
"""A new worker tries its models first."""
BY_HAND = "restart it (sudo systemctl restart edgecase) or send POST /models/reload"


def reload_daemon(settings: Settings) -> str:
    """Send `POST /models/reload`; say what came of it."""
    try:
        with linked(settings, TIMEOUT_S) as (link, headers):
            link.request("POST", "/models/reload", headers=dict(headers))
            answer = link.getresponse()
            text = answer.read(100_000)
    except ConnectionRefusedError:
        return "the daemon does not run; it serves this from its next start"
    except (OSError, http.client.HTTPException) as e:
        return f"the daemon did not answer ({e}): {BY_HAND}"
    except OperatorError as e:
        return f"{e.message} {e.hint} Or {BY_HAND} with an admin token."
    if answer.status == http.client.OK:
        return "the daemon serves it now"
    return f"the daemon goes on with what it has: {_reason(text)}"


def _reason(text: bytes) -> str:
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "it refused, without saying why"
