"""Where everything of the releases lies: one folder, of which one part is served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The folders under `home`."""

    home: Path
    """DATA_DIR/releases."""
    keys: Path
    """Private keys that are on the tower, one file each."""

    @classmethod
    def under(cls, data_dir: Path) -> Places:
        """The usual ones."""
        home = data_dir / "releases"
        return cls(home, home / "keys")

    @property
    def metadata(self) -> Path:
        """Served: signed metadata."""
        return self.home / "repository" / "metadata"

    @property
    def targets(self) -> Path:
        """Served: the files themselves, with their hashes in their names."""
        return self.home / "repository" / "targets"

    @property
    def pending(self) -> Path:
        """Not served: what still lacks signatures."""
        return self.home / "pending"

    @property
    def waiting(self) -> Path:
        """Not served: the files of what still lacks signatures."""
        return self.pending / "targets"

    @property
    def forgiven(self) -> Path:
        """Whose failures a person has looked at and passed over."""
        return self.home / "forgiven.json"

    @property
    def lock(self) -> Path:
        """Held by whoever changes anything."""
        return self.home / "lock"
