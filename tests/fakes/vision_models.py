"""Tiny models in folders with manifests, and photos whose answer is known."""

from pathlib import Path

import cv2
import numpy as np

from models.manifest_writer import write_manifest
from models.preprocess import Image
from models.profile import ClassifierUse, DetectorUse, Profile, QualityRules
from models.release import Golden, Task
from tests.fakes import tiny_models

EASY = QualityRules(blur_threshold=0.0, min_contrast=0.0, min_brightness=0.0, max_clipped=1.0)
"""Rules that everything meets."""
FINDS = Profile("finds", "Finds", EASY, DetectorUse("tiny"))
GRADES = Profile("grades", "Grades", EASY, DetectorUse("tiny"), ClassifierUse("tiny-class"))


def detector(folder: Path, version: str = "1.0.0", golden: tuple[Golden, ...] = ()) -> Path:
    """A detector of red and blue, ready to be admitted."""
    weights = tiny_models.v8(folder / "weights.onnx")
    write_manifest(folder, tiny_models.release_of(weights, version=version, golden=golden))
    return folder


def classifier(folder: Path) -> Path:
    """A classifier of red and blue."""
    weights = tiny_models.classifier(folder / "weights.onnx")
    release = tiny_models.release_of(
        weights,
        task=Task.CLASSIFY,
        id="tiny-class",
        output=tiny_models.Output(scores="logits"),
    )
    write_manifest(folder, release)
    return folder


def scene(width: int = 1280, height: int = 960) -> Image:
    """Noise on grey with one red square: (320, 240) to (640, 480) of 1280 x 960.

    Returns:
        height x width x 3 uint8 RGB.
    """
    rng = np.random.default_rng(0)
    coarse = rng.integers(60, 110, (height // 8, width // 8, 1), dtype=np.uint8)
    grey = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
    image = np.repeat(grey[..., None], 3, axis=2)
    red = image[height // 4 : height // 2, width // 4 : width // 2]
    red[:] = (255, 0, 0)
    return image


def jpeg(image: Image, quality: int = 95) -> bytes:
    """Encode H x W x 3 uint8 RGB."""
    return cv2.imencode(".jpg", image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
