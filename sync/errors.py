"""What can go wrong on the wire: what they sent is bad, or the road is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.messages import Address, RejectCode


class SyncError(Exception):
    """The root."""


class WireError(SyncError):
    """A message that can't be taken; sending it again will not help."""

    def __init__(self, code: RejectCode, reason: str, address: Address | None = None) -> None:
        """Keep what to answer, and about which parcel, as far as that could be read."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.address = address


class BadNameError(SyncError, ValueError):
    """A name that can't be part of a topic."""


class BadTransportError(SyncError, ValueError):
    """The transport can't be made as it was asked for: a certificate that can't be read, …."""


class BadBundleError(SyncError, ValueError):
    """The file that makes a device part of a fleet can't be used."""
