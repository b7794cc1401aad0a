"""The writer without a language model: the template's text, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.ports import WriterStatus
from edge.steps.summarise import template_text
from models.case import Author, Summary

if TYPE_CHECKING:
    from models.facts import Facts


class TemplateWriter:
    """Writes what code can say by itself."""

    def __init__(self, reason: str) -> None:
        """Keep why no language model writes."""
        self._reason = reason

    async def write(self, facts: Facts) -> Summary:
        """See `Writer.write`."""
        return by_template(facts)

    async def close(self) -> None:
        """There is nothing to end."""

    def status(self) -> WriterStatus:
        """See `Writer.status`."""
        return WriterStatus("template", "", self._reason)


def by_template(facts: Facts) -> Summary:
    """The template's text as a summary; it is made of facts alone."""
    return Summary(template_text(facts), Author.TEMPLATE, verified=True)
