"""The tower's settings, read once: defaults, then the TOML file, then the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_FILE = Path("/etc/edgecase/tower.toml")
ENV_PREFIX = "EDGECASE_TOWER_"


class Section(BaseModel):
    """A table of the file: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSettings(Section):
    """`[http]`."""

    host: str = "127.0.0.1"
    """Address to listen on; `auth = "open"` is for loopback alone."""
    port: int = Field(default=9000, ge=0, le=65535)
    """Port; 0 lets the system choose."""
    auth: Literal["open"] = "open"
    """Everybody on this machine is let in; there is no other way to sign in yet."""
    allowed_hosts: tuple[str, ...] = ()
    """Names people reach the tower by, besides addresses and localhost."""


class StoreSettings(Section):
    """`[store]`."""

    data_dir: Path = Path("/var/lib/edgecase-tower")
    """Where blobs, chunks and the database live."""
    dsn: str = ""
    """SQLAlchemy's address of the database; "" is SQLite in `data_dir`."""
    min_free_mb: float = Field(default=256, ge=0)
    """Free space below which nothing more is taken, megabytes."""
    max_image_mb: float = Field(default=64, gt=0, le=256)
    """Largest photo that is taken, megabytes."""
    spool_days: float = Field(default=14, gt=0)
    """Chunks of a payload nobody completed go after this long."""


class MqttSettings(Section):
    """`[mqtt]`."""

    host: str = "127.0.0.1"
    """The broker."""
    port: int = Field(default=1883, ge=1, le=65535)
    """Its port."""


class IngestSettings(Section):
    """`[ingest]`."""

    workers: int = Field(default=1, ge=0, le=64)
    """Processes that take cases in; 0: others do, on other machines."""


class Settings(Section):
    """Everything."""

    http: HttpSettings = HttpSettings()
    store: StoreSettings = StoreSettings()
    mqtt: MqttSettings = MqttSettings()
    ingest: IngestSettings = IngestSettings()
