"""No camera: phones send the photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import NotFoundError

if TYPE_CHECKING:
    from edge.ports import Frame


class NoCamera:
    """The camera of a device that has none."""

    name = "none"

    def open(self) -> None:
        """Do nothing: nothing is missing."""

    def glance(self) -> bytes | None:
        """Give nothing to see."""
        return None

    def capture(self) -> Frame:
        """Refuse.

        Raises:
            NotFoundError: always.
        """
        raise NotFoundError(
            "This device has no camera.", "Set `kind` in [camera] to folder, v4l2 or picamera2."
        )

    def settle(self, frame: Frame, problem: str) -> None:
        """Never called: there are no frames."""

    def close(self) -> None:
        """Do nothing."""
