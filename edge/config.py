"""The device's settings, read once: defaults, then the TOML file, then the environment.

Reading them touches neither hardware nor network, and makes no folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_FILE = Path("/etc/edgecase/edge.toml")
ENV_PREFIX = "EDGECASE_"


class Section(BaseModel):
    """A table of the file: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DeviceSettings(Section):
    """`[device]`."""

    name: str = Field(default="", max_length=64)
    """Name of the device; "" means its host name."""
    profile: str = "vehicle-damage"
    """The profile where a request names none."""


class HttpSettings(Section):
    """`[http]`."""

    host: str = "127.0.0.1"
    """Address to listen on; anything but loopback needs `auth = "token"`."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port; 0 lets the system choose."""
    tls_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of HTTPS, 0: none; not set it is 8443, and none where only loopback is listened on."""
    plain: Literal["redirect", "pairing", "capture", "all"] = "pairing"
    """What plain HTTP is good for from the network where there is HTTPS; the rest is sent there."""
    mdns: bool = True
    """Whether the network is told edgecase-XXXX.local; loopback never is."""
    auth: Literal["open", "token"] = "open"
    """`open` is for loopback alone."""
    allowed_hosts: tuple[str, ...] = ()
    """Names people reach the device by, besides its addresses, localhost and NAME.local."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call the device."""
    max_body_mb: float = Field(default=32, gt=0, le=1024)
    """Largest request body, megabytes."""
    rate_per_minute: int = Field(default=3000, ge=1)
    """Requests a minute from one address that may change something."""


class PairingSettings(Section):
    """`[pairing]`."""

    gpio_pin: int | None = Field(default=None, ge=0, le=27)
    """BCM number of a button that opens the window; not set: there is none."""
    console: Path | None = None
    """A terminal that shows the QR code too, as the log does: /dev/tty1 is the HDMI's."""


class StoreSettings(Section):
    """`[store]`."""

    data_dir: Path = Path("/var/lib/edgecase")
    """Where everything durable lives."""
    max_gb: float = Field(default=16, gt=0)
    """Bytes of images above which the oldest synced and reviewed ones go, gigabytes."""
    image_days: float = Field(default=1, ge=0)
    """Age before which no photo makes room for newer ones."""
    max_age_days: float = Field(default=365, gt=0)
    """Age from which a synced and reviewed case may go."""
    deleted_age_days: float = Field(default=30, ge=0)
    """How long a soft-deleted case can be restored."""
    staged_minutes: float = Field(default=60, gt=0)
    """How long a checked photo waits to become a case."""
    min_free_mb: float = Field(default=64, ge=0)
    """Free space below which nothing more is taken, megabytes."""
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """SQLite's pragma. NORMAL loses acknowledged cases in a power cut: it is there for the test."""


class VisionSettings(Section):
    """`[vision]`."""

    max_megapixels: float = Field(default=50, gt=0)
    """Photos with more are refused before they are decoded."""
    deadline_s: float = Field(default=10, gt=0)
    """For one photo; then the worker is replaced. A step of its start has six times that, and at
    least a minute."""
    memory_mb: int = Field(default=2048, ge=512)
    """Address space of the worker."""
    max_rss_mb: int = Field(default=400, ge=64)
    """Resident memory from which the worker is replaced between two photos."""
    queue: int = Field(default=64, ge=1)
    """Photos that may wait."""
    threads: int = Field(default=0, ge=0)
    """Threads of an inference; 0 measures and chooses."""
    max_model_mb: float = Field(default=200, gt=0)
    """Largest model file."""


class QualitySettings(Section):
    """`[quality]`: overrides what the profile says, for all profiles."""

    blur_threshold: float | None = Field(default=None, ge=0)
    """A `blur_score` below this is blurred."""
    min_brightness: float | None = Field(default=None, ge=0, le=1)
    """Mean luma below which it is too dark."""
    max_brightness: float | None = Field(default=None, ge=0, le=1)
    """Mean luma above which it is too bright."""
    min_side: int | None = Field(default=None, ge=1)
    """Shorter side, pixels."""


class DecisionSettings(Section):
    """`[decision]`: overrides what the profile says, for all profiles."""

    conf_threshold: float | None = Field(default=None, ge=0, le=1)
    """Confidence that every shown prediction must reach for `accepted`."""


class WriterSettings(Section):
    """`[writer]`."""

    engine: Literal["auto", "xllamacpp", "llama-cpp-python", "template"] = "auto"
    """`auto` takes the first binding that is installed, when a model is."""
    model: str = ""
    """Id of the language model; "" takes the active one."""
    deadline_s: float = Field(default=60, gt=0)
    """For one summary; then the template's text stays."""
    memory_mb: int = Field(default=4096, ge=256)
    """Address space of the writer."""
    idle_s: float = Field(default=60, ge=0)
    """Unloaded after this long without work."""


class CameraSettings(Section):
    """`[camera]`."""

    kind: Literal["none", "folder", "v4l2", "picamera2"] = "none"
    """Which adapter."""
    device: str = "/dev/video0"
    """For v4l2: the device, or a video file."""
    folder: Path | None = None
    """For folder: photos put here become cases; by default DATA_DIR/inbox."""
    profile: str = ""
    """The profile of its photos; "" is the device's."""
    trigger: Literal["manual", "interval", "motion", "button"] = "manual"
    """What takes a photo; POST /capture always does."""
    interval_s: float = Field(default=60, gt=0)
    """For interval: seconds between photos."""
    motion_share: float = Field(default=0.02, gt=0, le=1)
    """For motion: share of pixels that must change."""
    gpio_pin: int = Field(default=17, ge=0, le=27)
    """For button: BCM number."""
    burst: int = Field(default=3, ge=1, le=10)
    """Frames a photo; the sharpest is kept."""
    stall_s: float = Field(default=10, gt=0)
    """Age of the last frame from which the camera is opened again."""
    width: int = Field(default=2304, ge=64)
    """Pixels of a still."""
    height: int = Field(default=1296, ge=64)
    """Pixels of a still."""


class SyncSettings(Section):
    """`[sync]`."""

    host: str = ""
    """The tower's broker, name or address; "" keeps everything here."""
    port: int = Field(default=0, ge=0, le=65535)
    """0 takes 8883 with `ca`, else 1883."""
    device: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")
    """The device's name on the tower, as its certificate says; "" is `device.name`."""
    ca: Path | None = None
    """Certificate of the tower's authority, PEM; without it only loopback can be reached."""
    certificate: Path | None = None
    """The device's own, PEM."""
    key: Path | None = None
    """Its key, PEM."""
    bundle: Path | None = None
    """All of the above in one file, as the tower made it; by default DATA_DIR/tower.bundle."""
    window: str = Field(default="", pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$")
    """When to send, local time, `22:00-06:00`; "" is always."""
    kbit_s: float = Field(default=0, ge=0)
    """Most to send, kilobits a second; 0 is as fast as it goes."""
    compare_hours: float = Field(default=24, gt=0, le=24 * 31)
    """Between two comparisons of what is here with what the tower holds."""
    spread_s: float = Field(default=40, ge=0, le=600)
    """A broker that hung up is sought again at a random moment within so many seconds."""

    @property
    def broker_port(self) -> int:
        """`port`, or the usual one."""
        return self.port or (1883 if self.ca is None else 8883)


class UpdateSettings(Section):
    """`[updates]`."""

    url: str = Field(default="", pattern=r"^(https?://.+|/.+)?$")
    """The release repository: http(s)://TOWER:9000/releases, or a folder; "" looks nowhere."""
    ring: Literal["canary", "early", "all"] = "all"
    """With whom this device tries a version: canaries go first."""
    policy: Literal["auto", "ask", "manual"] = "auto"
    """What follows a version's trial: it serves, waits for a person's word, or isn't fetched."""
    check_minutes: float = Field(default=15, ge=1)
    """Between two looks at the repository; a hint of the tower's makes it look at once."""
    shadow_photos: int = Field(default=50, ge=0)
    """Photos that a version looks at beside the one that serves, before it may serve."""
    shadow_hours: float = Field(default=24, ge=0)
    """Time after which that is over, however few photos there were."""
    probation_hours: float = Field(default=6, ge=0)
    """How long a version that serves is watched; it goes back when it crashes or is slow."""
    allow_unsigned: bool = False
    """Whether `install.sh --allow-unsigned` may install a bare model file."""


class WebhookSettings(Section):
    """`[webhooks]`."""

    url: str = Field(default="", pattern=r"^(https?://.+)?$")
    """Where each new case is posted to, and each change; "" is nowhere."""
    secret_file: Path | None = None
    """File with a secret that signs each request (HMAC-SHA-256, X-EdgeCase-Signature)."""


class HomeAssistantSettings(Section):
    """`[home_assistant]`."""

    host: str = ""
    """Its MQTT broker, name or address; "" tells nobody."""
    port: int = Field(default=1883, ge=1, le=65535)
    """Of the broker."""
    user: str = ""
    """Who this device is there; "" is nobody in particular."""
    password_file: Path | None = None
    """File with the password of `user`."""
    prefix: str = Field(default="homeassistant", pattern=r"^[^+#\x00]{1,64}$")
    """Of the topics that Home Assistant listens to."""


class Settings(Section):
    """Everything that can be set."""

    device: DeviceSettings = DeviceSettings()
    http: HttpSettings = HttpSettings()
    pairing: PairingSettings = PairingSettings()
    store: StoreSettings = StoreSettings()
    vision: VisionSettings = VisionSettings()
    quality: QualitySettings = QualitySettings()
    decision: DecisionSettings = DecisionSettings()
    writer: WriterSettings = WriterSettings()
    camera: CameraSettings = CameraSettings()
    sync: SyncSettings = SyncSettings()
    updates: UpdateSettings = UpdateSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    webhooks: WebhookSettings = WebhookSettings()
