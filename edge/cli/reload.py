"""Has a running daemon take over what was changed under it."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.config import HttpSettings

TIMEOUT_S = 60.0
"""A new worker tries its models first."""
BY_HAND = "restart it (sudo systemctl restart edgecase) or send POST /models/reload"


def reload_daemon(settings: HttpSettings) -> str:
    """Send `POST /models/reload` where that needs no token; say what came of it."""
    if settings.auth != "open":
        return f"a daemon that runs serves it after you {BY_HAND} with an admin token"
    link = http.client.HTTPConnection(settings.host, settings.port, timeout=TIMEOUT_S)
    try:
        link.request("POST", "/models/reload")
        answer = link.getresponse()
        text = answer.read(100_000)
    except ConnectionRefusedError:
        return "the daemon does not run; it serves this from its next start"
    except (OSError, http.client.HTTPException) as e:
        return f"the daemon did not answer ({e}): {BY_HAND}"
    finally:
        link.close()
    if answer.status == http.client.OK:
        return "the daemon serves it now"
    return f"the daemon goes on with what it has: {_reason(text)}"


def _reason(text: bytes) -> str:
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "it refused, without saying why"
