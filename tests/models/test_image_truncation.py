"""A file that was cut is found out wherever it was cut, and a whole one never is."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import PIL.Image
import pytest
import simplejpeg

from models.image import UnreadableImageError, decode, read_header
from tests.models.pictures import encode, png_chunk, texture

JPEGS = {
    "baseline": {"quality": 85},
    "progressive": {"quality": 85, "progressive": True},
    "full colour": {"quality": 90, "subsampling": 0},
    "restarts": {"quality": 85, "restart_marker_rows": 2},
}
JUNK = {
    "nothing": b"",
    "zeros": bytes(3000),
    "ones": b"\xff" * 3000,
    "text": b"-- forwarded message --" * 40,
    "noise": np.random.default_rng(3).bytes(30_000),
    "an end mark": b"\xff\xd9",
    "zeros and an end mark": bytes(100_000) + b"\xff\xd9",
    "a film": b"\0\0\0\x18ftypmp42" + np.random.default_rng(4).bytes(5000) + b"\xff\xd9",
}


def whole(name: str) -> bytes:
    return encode(texture(240, 320, seed=1), "JPEG", **JPEGS[name])


def cuts(data: bytes) -> list[int]:
    """Every one of the last 100 bytes of pixels, and some fifty places before them."""
    return [*range(20, len(data) - 100, len(data) // 50), *range(len(data) - 102, len(data) - 2)]


def is_refused(data: bytes, at_least: int | None = None) -> bool:
    try:
        decode(data, read_header(data), at_least)
    except UnreadableImageError:
        return True
    return False


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", JPEGS)
def test_a_cut_jpeg_is_refused_wherever_it_was_cut(name: str, junk: str) -> None:
    data = whole(name)
    undetected = [len(data) - c for c in cuts(data) if not is_refused(data[:c] + JUNK[junk], 100)]
    # One scan's last bytes replaced by zeros can be a whole JPEG of a slightly other picture.
    allowed = 1 if "zeros" in junk and "end" in junk else 0
    assert len(undetected) <= allowed, f"bytes missing: {undetected}"


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_lost_its_end_mark_is_refused(name: str) -> None:
    data = whole(name)
    assert is_refused(data[:-1])
    assert is_refused(data[:-2])


@pytest.mark.parametrize("at_least", [None, 100, 40])
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", JPEGS)
def test_a_whole_jpeg_is_taken_whatever_lies_behind_its_end(
    name: str, junk: str, at_least: int | None
) -> None:
    assert not is_refused(whole(name) + JUNK[junk], at_least)


@pytest.mark.parametrize(("padding", "refused"), [(1, False), (16, False), (17, True)])
def test_a_little_padding_before_the_end_mark_is_a_camera_s_habit(
    padding: int, refused: bool
) -> None:
    # A scan that ends at a restart mark leaves the decoder no byte to swallow unseen.
    data = whole("baseline")
    padded = data[:-2] + b"\xff\0" * 40 + data[-2:]
    assert is_refused(padded)
    swallowed = next(n for n in range(1, 12) if "1 extra" in complaint(data, n))
    end = b"\0" * (swallowed - 1 + padding) + data[-2:]
    assert is_refused(data[:-2] + end) is refused


def complaint(data: bytes, zeros: int) -> str:
    """What the decoder says of a JPEG with so many zeros before its end mark."""
    try:
        simplejpeg.decode_jpeg(data[:-2] + bytes(zeros) + data[-2:])
    except ValueError as e:
        return str(e)
    return ""


@pytest.mark.parametrize("name", ["baseline", "full colour", "restarts"])
def test_a_camera_s_harmless_mistake_is_forgiven_and_hides_no_cut(name: str) -> None:
    """An unknown revision of JFIF, and scan parameters that a sequential scan has no use for."""
    right = whole(name)
    wrong = bytearray(right)
    wrong[right.index(b"JFIF") + 5] = 2
    scan = right.index(b"\xff\xda")
    wrong[scan + 2 + int.from_bytes(right[scan + 2 : scan + 4], "big") - 2] = 0
    with pytest.raises(ValueError, match="JFIF"):
        simplejpeg.decode_jpeg(bytes(wrong))  # the control: the decoder minds
    assert not is_refused(bytes(wrong))
    for cut in cuts(right)[::10]:
        assert cut < scan + 100 or is_refused(bytes(wrong[:cut]) + b"\xff\xd9")


def test_opencv_alone_would_have_taken_a_cut_jpeg() -> None:
    """The control: why the decoder is what it is."""
    data = whole("baseline")
    half = data[: len(data) // 2] + b"\xff\xd9"
    assert cv2.imdecode(np.frombuffer(half, np.uint8), cv2.IMREAD_COLOR) is not None
    assert is_refused(half)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF"])
def test_any_other_file_is_refused_wherever_it_was_cut(kind: str) -> None:
    data = encode(texture(120, 160), kind)
    places = [*range(1, len(data) - 60, len(data) // 40), *range(len(data) - 60, len(data) - 1)]
    assert not is_refused(data)
    undetected = [len(data) - c for c in places if not is_refused(data[:c])]
    assert not undetected


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF"])
def test_a_file_whose_middle_was_overwritten_makes_no_warning_escape(kind: str) -> None:
    data = bytearray(encode(texture(120, 160), kind))
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused = is_refused(bytes(data))
    assert refused or kind != "PNG"


@pytest.mark.parametrize("rows", [20, 40, 63, 65, 100, 400])
def test_a_png_with_other_rows_than_its_header_says_is_refused(rows: int) -> None:
    whole = encode(texture(64, 48, seed=3), "PNG")
    header = struct.pack(">II", 48, rows) + whole[24:29]
    lying = whole[:8] + png_chunk(b"IHDR", header) + whole[33:]
    assert decode(whole, read_header(whole)).image.shape == (64, 48, 3)
    with pytest.raises(UnreadableImageError, match=r"(fewer|more) pixels than its header says"):
        decode(lying, read_header(lying))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 3), (8, 8), (33, 17)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
@pytest.mark.parametrize("laced", [False, True])
def test_an_honest_png_of_any_kind_is_taken(size: tuple[int, int], mode: str, laced: bool) -> None:
    depth, colour = {"1": (1, 0), "P": (8, 3), "I;16": (16, 0)}.get(mode, (8, 2))
    if laced:  # no encoder at hand writes interlaced files: rows of nothing will do
        bits, (columns, rows) = depth * {0: 1, 2: 3, 3: 1}[colour], size
        raw = b"".join(
            (b"\0" + bytes(-(-len(range(x, columns, dx)) * bits // 8))) * len(range(y, rows, dy))
            for x, y, dx, dy in (
                *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
                *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
            )
            if range(x, columns, dx)
        )
        header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 1)
        palette = png_chunk(b"PLTE", bytes(768)) if colour == 3 else b""
        data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + palette
        data += png_chunk(b"IDAT", zlib.compress(raw)) + png_chunk(b"IEND", b"")
    else:
        out = io.BytesIO()
        PIL.Image.new(mode, size).save(out, "PNG")
        data = out.getvalue()
    assert decode(data, read_header(data)).image.shape == (size[1], size[0], 3)
