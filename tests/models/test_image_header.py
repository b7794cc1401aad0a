"""Reading a picture's header: what is taken, what is refused, and what it says to people."""

from __future__ import annotations

import contextlib
import io
import struct

import numpy as np
import pytest
from PIL import Image as Pillow

from models.image import (
    Format,
    Header,
    ImageFileError,
    Limits,
    TooLargeImageError,
    UnreadableImageError,
    decode,
    read_header,
)
from tests.models.pictures import encode, exif, png_chunk, texture

KINDS = {"JPEG": Format.JPEG, "PNG": Format.PNG, "WEBP": Format.WEBP, "HEIF": Format.HEIC}


@pytest.mark.parametrize("kind", KINDS)
def test_each_format_is_recognised_by_its_bytes_with_its_size(kind: str) -> None:
    header = read_header(encode(texture(90, 120), kind))
    assert (header.format, header.width, header.height) == (KINDS[kind], 120, 90)
    assert header.media_type == f"image/{KINDS[kind]}"
    assert header.megapixels == pytest.approx(0.0108)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_turned_picture_has_its_upright_size(kind: str, order: str) -> None:
    header = read_header(encode(texture(90, 120), kind, exif=exif(6, order=order)))
    assert (header.orientation, header.width, header.height) == (6, 90, 120)
    assert (header.stored_width, header.stored_height) == (120, 90)


@pytest.mark.parametrize("value", [0, 9, 77, 65535])
def test_an_orientation_that_is_none_counts_as_upright(value: int) -> None:
    body = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x112, 3, 1, value, 0) + bytes(4)
    assert read_header(encode(texture(9, 12), "JPEG", exif=body)).orientation == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"Dear Sir, please find attached the photo", "not a JPEG"),
        (b"\xff\xd8\xffDear Sir", "ends too early"),
        (b"GIF89a" + bytes(100), "not a JPEG"),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1" + bytes(100), "not a JPEG"),
        (b"\xff\xd8\xff\xd9", "frame header"),
        (b"RIFF\xff\xff\0\0WEBPVP8 ", "ends too early"),
        (b"\x89PNG\r\n\x1a\n", "ends too early"),
        (b"\0\0\0\x1cftypheic", "ends too early"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableImageError, match=words) as refused:
        read_header(data)
    assert refused.value.hint


def test_a_file_over_the_byte_limit_is_refused() -> None:
    data = encode(texture(90, 120), "PNG")
    with pytest.raises(TooLargeImageError, match="megabytes") as refused:
        read_header(data, Limits(max_bytes=len(data) - 1))
    assert "at most" in refused.value.hint
    assert read_header(data, Limits(max_bytes=len(data)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_over_the_pixel_limit_is_refused(kind: str) -> None:
    data = encode(texture(100, 200), kind)
    assert read_header(data, Limits(max_megapixels=0.02))
    with pytest.raises(TooLargeImageError, match="200 x 100"):
        read_header(data, Limits(max_megapixels=0.0199))
    with pytest.raises(TooLargeImageError, match="200 x 100"):
        read_header(data, Limits(max_side=199))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1)])
def test_a_picture_of_1_by_20000_pixels_is_refused_as_too_narrow(
    kind: str, shape: tuple[int, int]
) -> None:
    data = encode(np.full((*shape, 3), 90, np.uint8), kind)
    with pytest.raises(UnreadableImageError, match="too narrow"):
        read_header(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_of_one_pixel_is_one(kind: str) -> None:
    """Whether it is usable is for the quality gate to say."""
    data = encode(np.full((1, 1, 3), 90, np.uint8), kind)
    header = read_header(data)
    assert (header.width, header.height) == (1, 1)
    assert decode(data, header, 640).image.shape == (1, 1, 3)


def test_a_jpeg_with_two_frame_headers_is_refused() -> None:
    data = encode(texture(90, 120), "JPEG")
    at = data.index(b"\xff\xc0")
    frame = data[at : at + 19]
    with pytest.raises(UnreadableImageError, match="two frame headers"):
        read_header(data[:at] + frame + data[at:])


@pytest.mark.parametrize("change", [{4: 12}, {1: 0xC3}, {5: 0, 6: 0}, {7: 0, 8: 0}, {9: 2}])
def test_a_frame_header_that_no_camera_writes_is_refused(change: dict[int, int]) -> None:
    """12 bits, lossless, no height, no width, two components."""
    data = bytearray(encode(texture(90, 120), "JPEG"))
    at = data.index(b"\xff\xc0")
    for offset, value in change.items():
        data[at + offset] = value
    with pytest.raises(UnreadableImageError):
        read_header(bytes(data))


def test_an_animated_webp_is_refused() -> None:
    frames = [Pillow.fromarray(texture(60, 80, seed)) for seed in (1, 2)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadableImageError, match="animation"):
        read_header(out.getvalue())


def test_a_webp_whose_canvas_is_not_its_frame_is_refused() -> None:
    data = bytearray(encode(texture(60, 80), "WEBP", exif=exif(1)))
    at = data.index(b"VP8X") + 8 + 4
    data[at] += 1
    with pytest.raises(UnreadableImageError, match="makes no sense"):
        read_header(bytes(data))


def test_a_png_in_millions_of_pieces_is_refused() -> None:
    data = encode(texture(60, 80), "PNG")
    with pytest.raises(UnreadableImageError, match="too many pieces"):
        read_header(data[:33] + png_chunk(b"aaAa", b"") * 100_001 + data[33:])


@pytest.mark.parametrize("kind", KINDS)
def test_no_cut_of_a_file_makes_reading_its_header_crash(kind: str) -> None:
    data = encode(texture(60, 80), kind, exif=exif(6))
    for cut in [*range(0, min(900, len(data))), *range(900, len(data), 97)]:
        with contextlib.suppress(ImageFileError):
            assert isinstance(read_header(data[:cut]), Header)
