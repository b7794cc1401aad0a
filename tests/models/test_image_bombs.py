"""Small files that would unpack to gigabytes, and 10,000 broken ones: refused, quickly."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from models.image import TooLargeImageError, UnreadableImageError, decode, read_header, sanitise
from tests.models.pictures import encode, exif, png_chunk, png_with, save, texture

ROOT = Path(__file__).parents[2]
SIDE = 42_000
"""Of a picture that takes 5 GB: three bytes a pixel."""


def png_bomb() -> bytes:
    """100 kB that declare 5 GB and begin to keep the promise."""
    head = png_chunk(b"IHDR", SIDE.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0")
    pixels = zlib.compress(bytes(100_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def heic_bomb() -> bytes:
    data = encode(texture(64, 64), "HEIF")
    at = data.index(b"ispe") + 8
    return data[:at] + SIDE.to_bytes(4, "big") * 2 + data[at + 8 :] + bytes(8)


def webp_bomb() -> bytes:
    """16383 x 16383 of one colour."""
    size = (16382 | 16382 << 14).to_bytes(4, "little")
    frame = b"VP8L" + (100_000).to_bytes(4, "little") + b"\x2f" + size + bytes(99_995)
    return b"RIFF" + (4 + len(frame)).to_bytes(4, "little") + b"WEBP" + frame


def jpeg_bomb() -> bytes:
    data = bytearray(encode(texture(64, 64), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = SIDE.to_bytes(2, "big") * 2
    return bytes(data)


def text_bomb(name: bytes, prefix: bytes) -> bytes:
    """A small PNG with 100 kB of text that unpacks to 100 MB."""
    packed = zlib.compress(bytes(100_000_000), 9)
    return png_with(encode(texture(64, 64), "PNG"), png_chunk(name, prefix + packed))


TOO_LARGE = {"png": png_bomb, "heic": heic_bomb, "webp": webp_bomb, "jpeg": jpeg_bomb}
TEXTS = {"zTXt": b"k\0\0", "iTXt": b"k\0\x01\0\0\0", "iCCP": b"k\0\0"}

CHILD = """
import json, re, sys, time
from pathlib import Path
from models.image import ImageFileError, decode, read_header, sanitise
from models.codecs import heic

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

heic.preload()
data = Path(sys.argv[1]).read_bytes()
# The high-water mark counts: what was freed again was there all the same.
before = peak()
start = time.process_time()
try:
    header = read_header(data)
    decode(data, header)
    sanitise(data, header, keep_metadata=True)
    outcome = "picture"
except ImageFileError as e:
    outcome = type(e).__name__
took = time.process_time() - start
after = peak()
print(json.dumps({"outcome": outcome, "seconds": took, "megabytes": after - before}))
"""


def look_in_a_child(data: bytes, folder: Path, script: str = CHILD) -> dict[str, float | str]:
    file = folder / "picture"
    file.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert not done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_a_picture_that_would_take_gigabytes_is_refused_before_it_takes_any(
    kind: str, tmp_path: Path
) -> None:
    seen = look_in_a_child(TOO_LARGE[kind](), tmp_path)
    assert seen["outcome"] == "TooLargeImageError"
    assert seen["seconds"] < 0.2
    assert seen["megabytes"] < 100


@pytest.mark.parametrize("name", TEXTS)
def test_text_and_profiles_in_a_png_never_unpack_themselves(name: str, tmp_path: Path) -> None:
    bomb = text_bomb(name.encode(), TEXTS[name])
    assert len(bomb) < 150_000
    seen = look_in_a_child(bomb, tmp_path)
    assert seen["outcome"] == "picture"
    assert seen["seconds"] < 0.2
    assert seen["megabytes"] < 100


def test_the_measure_of_memory_sees_a_decoded_bomb(tmp_path: Path) -> None:
    """The control: a plain decoder's way with the same kind of file."""
    plain = """
import io, json, re, sys, time
from pathlib import Path
from PIL import Image

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

data = Path(sys.argv[1]).read_bytes()
before = peak()
Image.open(io.BytesIO(data)).convert("RGB")
after = peak()
print(json.dumps({"megabytes": after - before}))
"""
    data = encode(np.zeros((8000, 8000, 3), np.uint8), "PNG")
    assert look_in_a_child(data, tmp_path, plain)["megabytes"] > 100


def test_a_scaled_decode_of_a_jpeg_never_holds_it_at_full_size(tmp_path: Path) -> None:
    scaled = CHILD.replace("decode(data, header)\n", "decode(data, header, 640)\n")
    big = np.tile(texture(750, 1000), (8, 8, 1))
    data = encode(big, "JPEG", quality=90)
    full = look_in_a_child(data, tmp_path)
    small = look_in_a_child(data, tmp_path, scaled)
    assert full["outcome"] == small["outcome"] == "picture"
    assert full["megabytes"] > 120
    assert small["megabytes"] < 40 + 2 * len(data) / 1e6


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_the_message_says_how_large_it_may_be(kind: str) -> None:
    with pytest.raises(TooLargeImageError, match="megapixels") as refused:
        read_header(TOO_LARGE[kind]())
    assert "at most 50 megapixels" in refused.value.hint


def test_a_heic_that_is_larger_than_it_says_is_refused() -> None:
    data = encode(texture(512, 512), "HEIF")
    at = data.index(b"ispe") + 8
    lying = data[:at] + (64).to_bytes(4, "big") * 2 + data[at + 8 :]
    header = read_header(lying)
    assert header.width == 64
    with pytest.raises(UnreadableImageError):
        decode(lying, header)


MUTATE = """
import json, sys
from pathlib import Path
import numpy as np
from models.image import ImageFileError, decode, read_header, sanitise

sources = [Path(p).read_bytes() for p in sys.argv[2:]]
rng = np.random.default_rng(7)
counts = {"picture": 0, "refused": 0}
for i in range(int(sys.argv[1])):
    data = bytearray(sources[i % len(sources)])
    kind = rng.integers(0, 5)
    for _ in range(rng.integers(1, 12)):
        at = int(rng.integers(0, len(data)) * rng.choice([1, 0.05]))
        if kind == 0:
            data[at] = rng.integers(0, 256)
        elif kind == 1:
            data[at] ^= 1 << rng.integers(0, 8)
        elif kind == 2:
            del data[at : at + int(rng.integers(1, 64))]
        elif kind == 3:
            data[at:at] = rng.bytes(int(rng.integers(1, 64)))
        else:
            data[at : at + 2] = b"\\xff" + bytes([rng.integers(0xC0, 256)])
        if len(data) < 64:
            break
    data = bytes(data)
    try:
        header = read_header(data)
        decoded = decode(data, header, 40)
        longest = max(decoded.image.shape)
        assert decoded.image.dtype == np.uint8 and longest >= min(40, header.width)
        stored, _ = sanitise(data, header, keep_metadata=bool(i % 2))
        again = decode(stored, read_header(stored), 40)
        assert (again.image == decoded.image).all() or header.format == "heic"
        counts["picture"] += 1
    except ImageFileError:
        counts["refused"] += 1
print(json.dumps(counts))
"""


def mutate(sources: list[bytes], count: int, folder: Path) -> dict[str, int]:
    files = []
    for i, data in enumerate(sources):
        files.append(folder / str(i))
        files[-1].write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", MUTATE, str(count), *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_10000_mutated_jpegs_are_pictures_or_refused(tmp_path: Path) -> None:
    image = texture(48, 64)
    sources = [
        encode(image, "JPEG", quality=80, exif=exif(6)),
        encode(image, "JPEG", quality=80, progressive=True, exif=exif(3)),
        encode(image, "JPEG", quality=80, subsampling=0, restart_marker_rows=1),
        save(Pillow.fromarray(image).convert("CMYK"), "JPEG"),
    ]
    counts = mutate(sources, 10_000, tmp_path)
    assert counts["picture"] + counts["refused"] == 10_000
    assert min(counts.values()) > 500  # the mutations are neither harmless nor hopeless


@pytest.mark.parametrize(("kind", "count"), [("PNG", 1000), ("WEBP", 1000), ("HEIF", 200)])
def test_mutated_files_of_the_other_formats_are_pictures_or_refused(
    kind: str, count: int, tmp_path: Path
) -> None:
    sources = [encode(texture(48, 64, seed), kind, exif=exif(6)) for seed in (1, 2)]
    counts = mutate(sources, count, tmp_path)
    assert sum(counts.values()) == count


def test_reading_a_header_takes_well_under_a_millisecond() -> None:
    data = encode(texture(1500, 2000), "JPEG", quality=90)
    start = time.process_time()  # wall time would measure who else is working
    for _ in range(100):
        read_header(data)
    assert (time.process_time() - start) / 100 < 0.002


def test_cleaning_never_trusts_a_length() -> None:
    data = encode(texture(64, 64), "JPEG")
    at = data.index(b"\xff\xdb")
    lying = data[: at + 2] + b"\xff\xff" + data[at + 4 :]
    with pytest.raises(UnreadableImageError):
        sanitise(lying, read_header(data))
