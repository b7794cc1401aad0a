"""GET /: cases and devices for people. Everything in it is escaped; there is no script."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp_jinja2
import jinja2
from aiohttp import web

from tower_sync_server.api.cases import ListQuery
from tower_sync_server.api.validate import query
from tower_sync_server.archive.facts import shown_labels

if TYPE_CHECKING:
    from tower_sync_server.api.health import Intake
    from tower_sync_server.archive.listing import Entry, Listing

WEB = Path(__file__).parent.parent / "web"
STATUSES = (
    ("", "all"),
    ("accepted", "accepted"),
    ("needs_review", "needs a look"),
    ("rejected", "rejected"),
    ("deleted", "deleted"),
)
TONES = {"accepted": "ok", "needs_review": "look", "rejected": "bad", "deleted": "gone"}


class Pages:
    """What a person sees."""

    def __init__(self, listing: Listing, intake: Intake) -> None:
        """Rows from `listing`; `intake` says what is wrong."""
        self._listing = listing
        self._intake = intake

    def routes(self) -> list[web.AbstractRouteDef]:
        """What it answers."""
        return [web.get("/", self.home), web.static("/static", WEB / "static")]

    async def home(self, request: web.Request) -> web.Response:
        """Show a page of cases, and every device."""
        wanted = query(ListQuery, request)
        page, devices = await asyncio.gather(
            asyncio.to_thread(self._listing.page, wanted.filter(), wanted.cursor, wanted.limit),
            asyncio.to_thread(self._listing.devices),
        )
        following = {**request.query, "cursor": page.next}
        context = {
            "trouble": self._intake.reason,
            "devices": devices,
            "wanted": wanted,
            "statuses": STATUSES,
            "cases": [card(entry) for entry in page.entries],
            "next": f"/?{urlencode(following)}" if page.next else "",
        }
        return aiohttp_jinja2.render_template("cases.html", request, context)


def set_up_templates(app: web.Application) -> None:
    """Load the templates."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def card(entry: Entry) -> dict[str, Any]:
    """What is shown of a case. A later device's may lack what this page looks for."""
    body, receipt = entry.body, entry.receipt
    who = urlencode({"device": body["device"]})
    status = str(body["status"])
    summary = body.get("summary")
    here = [n for n, held in enumerate(receipt.images) if held.thumb]
    return {
        "link": f"/cases/{body['id']}?{who}",
        "thumb": f"/cases/{body['id']}/image?variant=thumb&n={here[0]}&{who}" if here else "",
        "tone": TONES.get(status, "gone"),
        "status": dict(STATUSES).get(status, status),
        "seen": ", ".join(shown_labels(body)) or "nothing seen",
        "summary": str(summary.get("text", "")) if isinstance(summary, dict) else "",
        "device": body["device"],
        "created": str(body["created"])[:16].replace("T", " "),
        "complete": receipt.complete,
    }
