"""A vision worker that decodes for real and sees what the test tells it to see."""

from __future__ import annotations

import asyncio
import hashlib
import io

from PIL import Image, ImageDraw, ImageOps, ImageStat

from edge.errors import BadImageError
from edge.ports import Inspection, ModelInUse, Photo, VisionStatus
from models.detection import Prediction, Source
from models.quality import Flaw, Measures, Quality

MODEL = ModelInUse(
    role="detector",
    profile="vehicle-damage",
    ref="vehicle-damage-detector@1.0.0",
    backend="fake 1",
    threads=1,
    median_ms=20.0,
    p95_ms=25.0,
)
FLAT = 3.0
"""Standard deviation of luma below which this worker calls a photo blurred."""


class FakeVision:
    """Stands in for the worker: same words, no child process, no model."""

    def __init__(self) -> None:
        self.shares = [
            ("dent", 0.91, (0.30, 0.35, 0.62, 0.66)),
            ("scratch", 0.74, (0.08, 0.55, 0.40, 0.78)),
        ]
        """Label, confidence, box as shares of the frame."""
        self.grade = ""
        self.ready = True
        self.reloads = 0
        self.jobs = 0
        self.delay_s = 0.0
        self.error: Exception | None = None

    async def inspect(self, photo: bytes, profile: str) -> tuple[Inspection, Photo]:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(self.delay_s)
        self.jobs += 1
        clean = clean_photo(photo)
        quality = judge(photo, clean)
        seen = () if quality.flaws else self._predictions(clean)
        timings = {"decode": 9.0, "quality": 1.0, "detect": 20.0, "total": 30.0}
        return Inspection(quality, seen, {"detector": MODEL.ref}, timings), clean

    async def annotate(self, photo: bytes, predictions: tuple[Prediction, ...]) -> bytes:
        image = _open(photo)
        draw = ImageDraw.Draw(image)
        for each in predictions:
            if each.shown:
                draw.rectangle(each.box, outline=(239, 71, 111), width=4)
        return _jpeg(image)

    async def reload(self) -> VisionStatus:
        if self.error is not None:
            raise self.error
        self.reloads += 1
        return self.status()

    def status(self) -> VisionStatus:
        reason = "" if self.ready else "the worker is starting"
        return VisionStatus(self.ready, reason, 4711, 0, self.jobs, (MODEL,))

    def _predictions(self, photo: Photo) -> tuple[Prediction, ...]:
        found = []
        for label, confidence, (x1, y1, x2, y2) in self.shares:
            w, h = photo.width, photo.height
            box = (x1 * w, y1 * h, x2 * w, y2 * h)
            shown = confidence >= 0.35
            found.append(Prediction(label, confidence, box, Source.DETECTOR, shown=shown))
        if self.grade and found:
            found.append(Prediction(self.grade, 0.8, found[0].box, Source.CLASSIFIER, refines=0))
        return tuple(found)


def clean_photo(photo: bytes) -> Photo:
    image = _open(photo)
    data = photo if photo[:2] == b"\xff\xd8" else _jpeg(image)
    small = image.copy()
    small.thumbnail((320, 320))
    digest = hashlib.sha256(data).hexdigest()
    return Photo(data, digest, "image/jpeg", image.width, image.height, _jpeg(small))


def judge(photo: bytes, clean: Photo) -> Quality:
    luma = ImageStat.Stat(_open(photo).convert("L"))
    sharp = float(luma.stddev[0])
    measures = Measures(sharp * 4, luma.mean[0] / 255, sharp / 255, 0, 0, clean.width, clean.height)
    if sharp < FLAT:
        return Quality(measures, (Flaw.BLURRED,), "Hold the camera still and go 20 cm closer.")
    return Quality(measures)


def picture(width: int = 320, height: int = 240, seed: int = 0) -> bytes:
    """A JPEG with something on it."""
    image = Image.new("RGB", (width, height), (90, 110, 130))
    draw = ImageDraw.Draw(image)
    for n in range(12):
        x = (n * 53 + seed * 17) % width
        y = (n * 37 + seed * 29) % height
        draw.rectangle((x, y, x + 40, y + 30), fill=(20 * n, 255 - 20 * n, (seed * 40) % 256))
    return _jpeg(image)


def blurred_picture(width: int = 320, height: int = 240) -> bytes:
    """A JPEG with nothing on it."""
    return _jpeg(Image.new("RGB", (width, height), (128, 128, 128)))


def _open(photo: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(photo))
        image.load()
    except (OSError, ValueError, SyntaxError) as e:
        raise BadImageError("this is not a JPEG, PNG, WebP or HEIC picture", "Send a JPEG.") from e
    return ImageOps.exif_transpose(image).convert("RGB")


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()
