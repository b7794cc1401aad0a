"""Pictures for tests: textures as nature has them, in every format, with every metadata."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image as Pillow

PLACE = b"\x04\x00\x00\x00\x01\x00\x00\x00\x09PLACE-OF-THE-PHOTO"
"""Looked for in what is stored."""


def texture(height: int, width: int, seed: int = 0, slope: float = 1.2) -> np.ndarray:
    """A coloured picture with the spectrum of natural scenes, amplitude ~ 1 / frequency**slope."""
    rng = np.random.default_rng(seed)

    def layer() -> np.ndarray:
        spectrum = np.fft.rfft2(rng.standard_normal((height, width)).astype(np.float32))
        f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
        f[0, 0] = 1
        spectrum /= f**slope
        spectrum[0, 0] = 0
        field = np.fft.irfft2(spectrum, (height, width))
        return field / max(float(field.std()), 1e-9)

    grey = layer()
    colours = [0.9 * grey + 0.3 * layer() for _ in range(3)]
    return np.clip(128 + 40 * np.dstack(colours), 0, 255).astype(np.uint8)


def encode(image: np.ndarray, kind: str, **options: Any) -> bytes:
    """Encode with Pillow: JPEG, PNG, WEBP or HEIF."""
    picture = Pillow.fromarray(image)
    return save(picture, kind, **options)


def save(picture: Pillow.Image, kind: str, **options: Any) -> bytes:
    """Encode a Pillow picture."""
    out = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(picture).save(out, **options)
    else:
        picture.save(out, kind, **options)
    return out.getvalue()


def exif(orientation: int = 1, gps: bool = True, order: str = "<") -> bytes:
    """EXIF with a make, an orientation, a time, maker's notes, and where it was."""
    e = Pillow.Exif()
    e.endian = order
    e[0x010F] = "Acme"
    e[0x0112] = orientation
    inner = e.get_ifd(0x8769)
    inner[0x9003] = "2026:11:20 10:00:00"
    inner[0x927C] = PLACE + b"NOTES"
    if gps:
        place = e.get_ifd(0x8825)
        place[1], place[2], place[29] = "N", (48.0, 8.0, 14.5), PLACE.decode("latin-1")
    return e.tobytes()


def png_chunk(name: bytes, body: bytes) -> bytes:
    """One chunk of a PNG with its checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks put in behind its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def jpeg_with(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with a segment put in at its beginning."""
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]
