"""What the vision worker does with one photo: the order of the steps, readable in one look.

    read the header ─► clean copy ─► decode, small ─► quality ─┬─► retake
                                          detect ◄── usable ◄──┘
                    quality on the subject ─► retake, or classify

Runs in the worker alone: everything here may crash, hang or eat the memory.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edge.ports import Inspection, Photo
from edge.steps.check_quality import Subject, check_quality
from edge.steps.classify import Classes, classify
from edge.steps.detect import detect
from models.classifier import Classifier
from models.detection import area
from models.detector import Detector
from models.image import Decoded, Format, Limits, decode, read_header, sanitise, thumbnail
from models.measures import SIDE, Luma, measure, sharpness, to_luma
from models.profile import ClassifyOn, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Executor

    from models.detection import Prediction
    from models.image import Header

CROP_DETAIL = 4
"""A classifier of crops gets a picture whose longer side is this many times its input's: then a
crop of a quarter of the frame has all the pixels that the network can take."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a profile looks with."""

    profile: Profile
    """Its rules, with what the settings put in their place."""
    detector: Detector | None = None
    """Loaded and tried; None where the profile has none, or it isn't installed."""
    classifier: Classifier | None = None
    """The same."""
    missing: tuple[str, ...] = ()
    """Ids of the profile's models that aren't there."""

    @property
    def blind(self) -> bool:
        """True where a model is missing that the profile can't do without."""
        return bool(set(self.missing) - set(self.profile.optional_ids))

    @property
    def side(self) -> int:
        """How many pixels the longer side of the decoded photo needs."""
        sides = [SIDE]
        if self.detector is not None:
            sides.append(max(self.detector.input.width, self.detector.input.height))
        if self.classifier is not None and self.profile.classifier is not None:
            side = max(self.classifier.input.width, self.classifier.input.height)
            crops = self.profile.classifier.on is ClassifyOn.CROPS
            sides.append(side * CROP_DETAIL if crops else side)
        return max(sides)

    @property
    def models(self) -> dict[str, str]:
        """Role → id@version of what looks."""
        roles = {"detector": self.detector, "classifier": self.classifier}
        return {role: model.release.ref for role, model in roles.items() if model is not None}


@dataclass(slots=True)
class Stopwatch:
    """Times the steps."""

    started: float = field(default_factory=time.perf_counter)
    """Seconds, monotonic."""
    cpu_started: float = field(default_factory=time.process_time)
    """Seconds of processor time, of all threads of this process."""
    timings: dict[str, float] = field(default_factory=dict)
    """Step → milliseconds."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time of the block to a step."""
        before = time.perf_counter()
        yield
        self._add(name, before)

    def total(self) -> dict[str, float]:
        """The steps, and the time since the watch was made: on the clock, and of the processor."""
        self._add("total", self.started)
        self.timings["cpu"] = round((time.process_time() - self.cpu_started) * 1000, 3)
        return self.timings

    def _add(self, name: str, since: float) -> None:
        spent = (time.perf_counter() - since) * 1000
        self.timings[name] = round(self.timings.get(name, 0.0) + spent, 3)


def inspect(
    data: bytes, look: Look, limits: Limits, aside: Executor | None = None
) -> tuple[Inspection, Photo]:
    """Read, judge, detect and classify one photo.

    Args:
        data: the file as it came.
        look: what to look with.
        limits: what is taken.
        aside: a thread that makes what is stored while this one looks; where many photos come, one
            for all of them costs less. None: a new one.

    Raises:
        UnreadableImageError: not a picture, or not a whole one.
        TooLargeImageError: over the limits.
        MemoryError: not enough memory for it.
    """
    watch = Stopwatch()
    with nullcontext(aside) if aside else ThreadPoolExecutor(1, "aside") as other:
        with watch.step("decode"):
            header = read_header(data, limits)
            copied = other.submit(_copy, data, header, look.profile.keep_metadata)
            if header.format is Format.HEIC:  # it becomes a JPEG; go on with that
                data = copied.result().data
                header = read_header(data, limits)
            decoded = decode(data, header, look.side)
        small = other.submit(thumbnail, decoded.image)
        inspection = _look(decoded, look, watch)
        with watch.step("store"):
            photo = copied.result().photo(decoded, small.result())
    return replace(inspection, timings=watch.total()), photo


def _look(decoded: Decoded, look: Look, watch: Stopwatch) -> Inspection:
    """Judge, detect, judge the subject, classify."""
    rules = look.profile.quality
    with watch.step("quality"):
        luma = to_luma(decoded.image)
        measures = measure(luma, (decoded.width, decoded.height))
        will_look = look.detector is not None and not look.blind
        quality = check_quality(measures, rules, looked=not will_look)
    predictions: tuple[Prediction, ...] = ()
    classes = Classes()
    looks = quality.usable and not look.blind
    if looks:
        with watch.step("detect"):
            predictions = _detect(decoded, look)
        with watch.step("quality"):
            quality = check_quality(measures, rules, _subject(decoded, luma, predictions))
    if looks and quality.usable:
        with watch.step("classify"):
            classes = _classify(decoded, look, predictions)
        predictions += classes.predictions
    return Inspection(
        quality=quality,
        predictions=predictions if quality.usable else (),
        models=look.models if looks else {},
        timings={},
        out_of_domain=classes.out_of_domain,
        missing=look.missing,
        doubts=classes.doubts,
    )


@dataclass(frozen=True, slots=True)
class _Copy:
    """The photo as it is stored."""

    data: bytes
    """Clean."""
    media_type: str
    """Of `data`."""
    sha256: str
    """Of `data`."""

    def photo(self, decoded: Decoded, small: bytes) -> Photo:
        """With what only the decoded picture tells."""
        return Photo(
            data=self.data,
            sha256=self.sha256,
            media_type=self.media_type,
            width=decoded.width,
            height=decoded.height,
            thumbnail=small,
        )


def _copy(data: bytes, header: Header, keep_metadata: bool) -> _Copy:
    clean, media_type = sanitise(data, header, keep_metadata)
    return _Copy(clean, media_type, hashlib.sha256(clean).hexdigest())


def _detect(decoded: Decoded, look: Look) -> tuple[Prediction, ...]:
    if look.detector is None or look.profile.detector is None:
        return ()
    use, size = look.profile.detector, (decoded.width, decoded.height)
    return detect(look.detector, decoded.image, decoded.factor, use, size)


def _classify(decoded: Decoded, look: Look, found: Sequence[Prediction]) -> Classes:
    if look.classifier is None or look.profile.classifier is None:
        return Classes()
    use = look.profile.classifier
    size = decoded.width, decoded.height
    return classify(look.classifier, decoded.image, decoded.factor, found, use, size)


def _subject(decoded: Decoded, luma: Luma, found: Sequence[Prediction]) -> Subject | None:
    """The largest thing that is shown: what the photo is of."""
    shown = [prediction.box for prediction in found if prediction.shown]
    if not shown:
        return None
    box = max(shown, key=area)
    share = min(1.0, area(box) / (decoded.width * decoded.height))
    scale = luma.shape[1] / decoded.width
    x1, y1, x2, y2 = (v * scale for v in box)
    return Subject(share, sharpness(luma, (x1, y1, x2, y2)))
