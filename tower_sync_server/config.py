"""The tower's settings, read once: defaults, then the TOML file, then the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tower_sync_server.people.words import Lifetimes

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
    auth: Literal["session", "open"] = "session"
    """Who wants something signs in; "open": everybody on this machine may do everything."""
    allowed_hosts: tuple[str, ...] = ()
    """Names people reach the tower by, besides addresses and localhost."""
    max_upload_mb: float = Field(default=4096, gt=0)
    """Largest archive that is taken in one upload, megabytes."""
    certificate: Path | None = None
    """The tower's certificate and those between it and its authority, PEM; with `key`: TLS."""
    key: Path | None = None
    """The certificate's key, PEM."""
    plain: bool = False
    """A proxy before the tower does TLS and writes who asks into X-Forwarded-For."""
    session_idle_hours: float = Field(default=12, gt=0, le=8760)
    """Whoever asked for nothing for so long has to sign in again."""
    session_days: float = Field(default=7, gt=0, le=365)
    """Whoever signed in so long ago has to do it again."""

    @property
    def lifetimes(self) -> Lifetimes:
        """How long somebody stays signed in."""
        total = self.session_days * 24 * 3600
        return Lifetimes(idle_s=min(self.session_idle_hours * 3600, total), total_s=total)


class StoreSettings(Section):
    """`[store]`."""

    data_dir: Path = Path("/var/lib/edgecase-tower")
    """Where blobs, chunks and the database live."""
    dsn: str = ""
    """SQLAlchemy's address of the database; "" is SQLite in `data_dir`."""
    blobs: str = ""
    """Where photos lie: a folder, or `s3://bucket/prefix`; "" is in `data_dir`."""
    blobs_endpoint: str = ""
    """Address of an S3 that isn't Amazon's; its keys come from where AWS's tools look for them."""
    min_free_mb: float = Field(default=256, ge=0)
    """Free space below which nothing more is taken, megabytes."""
    max_image_mb: float = Field(default=64, gt=0, le=256)
    """Largest photo that is taken, megabytes."""
    spool_days: float = Field(default=14, gt=0)
    """Chunks of a payload nobody completed go after this long."""
    orphan_days: float = Field(default=30, ge=1)
    """Photos that no case refers to go after this long."""


class MqttSettings(Section):
    """`[mqtt]`: how the tower itself reaches the broker."""

    host: str = "127.0.0.1"
    """The broker."""
    port: int = Field(default=0, ge=0, le=65535)
    """0: the workers' port of `edgecase-tower broker` where that has run here, else 1883."""
    ca: Path | None = None
    """Certificate of who signs the broker's, PEM; without it a broker on loopback alone."""
    certificate: Path | None = None
    """The workers' own, PEM."""
    key: Path | None = None
    """Its key, PEM."""
    username: str = ""
    """For a broker that asks for one."""
    password: str = Field(default="", repr=False)
    """Goes with the name."""


class BrokerSettings(Section):
    """`[broker]`: of the broker that `edgecase-tower broker` runs."""

    host: str = "127.0.0.1"
    """Where it listens for devices; "0.0.0.0" is every address of this machine."""
    port: int = Field(default=8883, ge=1, le=65535)
    """The devices' port."""
    names: tuple[str, ...] = ()
    """Names and addresses that devices reach it by, besides this machine's own; the first one is
    what new devices are told."""
    workers_host: str = "127.0.0.1"
    """Where it listens for the tower's workers."""
    workers_port: int = Field(default=8884, ge=1, le=65535)
    """The workers' port."""
    plain_port: int = Field(default=0, ge=0, le=65535)
    """Where every program on this machine is let in, without TLS; 0: nowhere."""
    devices: int = Field(default=500, ge=1, le=100_000)
    """Devices that it is made for: its queues' limits follow."""
    memory_mb: int = Field(default=512, ge=64)
    """Memory that it may use, MiB."""


class IngestSettings(Section):
    """`[ingest]`."""

    workers: int = Field(default=1, ge=0, le=64)
    """Processes that take cases in; 0: others do, on other machines."""
    open_uploads: int = Field(default=1024, ge=16)
    """Photos of one device that may be half here; each worker counts for itself."""
    open_mb: float = Field(default=4096, ge=1)
    """Size of these photos together, megabytes."""
    burst_cases: int = Field(default=100_000, ge=100)
    """Revisions, and as many photos, that are taken of one device as fast as it sends them."""
    cases_minute: float = Field(default=600, gt=0)
    """How many more are taken of it in a minute after that."""


class ReleasesSettings(Section):
    """`[releases]`."""

    keys_dir: Path | None = None
    """Private keys that are on the tower; without it `releases/keys` in `store.data_dir`."""
    check_s: float = Field(default=60, ge=1)
    """Seconds between two looks at signatures and rollouts."""
    heard_days: float = Field(default=7, gt=0)
    """A device that was silent for longer holds no rollout up."""
    max_failed: float = Field(default=0.05, ge=0, le=1)
    """Share of the devices that tried a version which may fail before it is paused."""
    proved: float = Field(default=0.8, gt=0, le=1)
    """Share of a ring's devices on which a version has to be proved before the next ring opens."""


class Settings(Section):
    """Everything."""

    http: HttpSettings = HttpSettings()
    store: StoreSettings = StoreSettings()
    mqtt: MqttSettings = MqttSettings()
    broker: BrokerSettings = BrokerSettings()
    ingest: IngestSettings = IngestSettings()
    releases: ReleasesSettings = ReleasesSettings()
