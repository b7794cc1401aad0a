"""Decoding: upright, RGB, no larger than needed, whatever the file holds."""

from __future__ import annotations

import io
from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from models.image import Decoded, UnreadableImageError, decode, read_header, thumbnail, upright
from tests.models.pictures import encode, exif, save, texture

LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}}


def rgb(data: bytes, at_least: int | None = None) -> Decoded:
    return decode(data, read_header(data), at_least)


def reference(data: bytes) -> np.ndarray:
    return np.asarray(ImageOps.exif_transpose(Pillow.open(io.BytesIO(data))).convert("RGB"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_is_applied_once(kind: str, orientation: int) -> None:
    options = LOSSLESS.get(kind, {"quality": 95, "subsampling": 0})
    data = encode(texture(61, 82), kind, exif=exif(orientation), **options)
    decoded = rgb(data)
    np.testing.assert_array_equal(decoded.image, reference(data))
    assert decoded.image.shape == (decoded.height, decoded.width, 3)
    assert decoded.image.flags.c_contiguous
    assert decoded.factor == 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_is_turned_once(orientation: int) -> None:
    upright_picture = texture(64, 96)
    data = encode(upright_picture, "HEIF", quality=95, exif=exif(orientation))
    decoded = rgb(data)
    expected = upright(upright_picture, orientation)
    assert decoded.image.shape == expected.shape
    assert np.abs(decoded.image.astype(int) - expected).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_mean_what_exif_says(orientation: int) -> None:
    """Row 0 and column 0 of the stored pixels lie where the standard's table puts them."""
    stored = np.zeros((3, 4, 3), np.uint8)
    stored[0], stored[:, 0] = 1, 2
    turned = upright(stored, orientation)[..., 0]
    edges = {"top": turned[0], "bottom": turned[-1], "left": turned[:, 0], "right": turned[:, -1]}
    row, column = [
        ("top", "left"),
        ("top", "right"),
        ("bottom", "right"),
        ("bottom", "left"),
        ("left", "top"),
        ("right", "top"),
        ("right", "bottom"),
        ("left", "bottom"),
    ][orientation - 1]
    assert np.count_nonzero(edges[row]) == edges[row].size
    assert (edges[column] == 2).all()


@cache  # encoding a HEIC takes a second
def large(kind: str, orientation: int) -> bytes:
    return encode(texture(601, 800), kind, exif=exif(orientation))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize(
    ("at_least", "shrink"), [(100, 8), (101, 4), (201, 2), (401, 1), (9999, 1)]
)
def test_a_decode_is_as_small_as_will_do(
    kind: str, orientation: int, at_least: int, shrink: int
) -> None:
    data = large(kind, orientation)
    header = read_header(data)
    decoded = decode(data, header, at_least)
    size = (-(-header.height // shrink), -(-header.width // shrink), 3)
    assert decoded.image.shape == size
    assert decoded.factor == 1 / shrink


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_scaled_decode_shows_the_same_picture(kind: str) -> None:
    image = texture(600, 800, slope=2)
    small = rgb(encode(image, kind, quality=95), 200).image
    expected = np.asarray(Pillow.fromarray(image).reduce(4))
    assert np.abs(small.astype(int) - expected).mean() < 2


def test_a_box_goes_back_to_the_original_and_stays_in_it() -> None:
    decoded = rgb(encode(texture(601, 803), "JPEG"), 100)
    assert decoded.to_original((10, 20, 30, 40)) == (80, 160, 240, 320)
    assert decoded.to_original((-1, 0, 101, 76)) == (0, 0, 803, 601)


def cmyk() -> Pillow.Image:
    return Pillow.fromarray(texture(60, 80)).convert("CMYK")


def grey16(value: int) -> Pillow.Image:
    return Pillow.fromarray(np.full((60, 80), value, np.uint16))


def holey(alpha: int) -> np.ndarray:
    return np.dstack([np.full((60, 80, 3), 10, np.uint8), np.full((60, 80), alpha, np.uint8)])


def ycck() -> bytes:
    """As Photoshop writes it: the inks as luma and chroma, told by Adobe's mark."""
    data = bytearray(save(cmyk(), "JPEG", quality=95, subsampling=0))
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


PICTURES = {
    "YCCK JPEG": ycck(),
    "CMYK JPEG": save(cmyk(), "JPEG", quality=95, subsampling=0),
    "grey JPEG": save(Pillow.fromarray(texture(60, 80)[..., 0]), "JPEG", quality=95),
    "grey PNG": save(Pillow.fromarray(texture(60, 80)[..., 0]), "PNG"),
    "palette PNG": save(Pillow.fromarray(texture(60, 80)).quantize(16), "PNG"),
    "black and white PNG": save(Pillow.fromarray(texture(60, 80)).convert("1"), "PNG"),
    "RGB JPEG": save(Pillow.fromarray(texture(60, 80)), "JPEG", keep_rgb=True, quality=95),
    "progressive JPEG": save(Pillow.fromarray(texture(60, 80)), "JPEG", progressive=True),
    "JPEG with restarts": save(Pillow.fromarray(texture(60, 80)), "JPEG", restart_marker_rows=1),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_kind_of_pixels_comes_out_as_rgb(name: str) -> None:
    decoded = rgb(PICTURES[name])
    assert decoded.image.dtype == np.uint8
    assert decoded.image.shape == (60, 80, 3)
    assert np.abs(decoded.image.astype(int) - reference(PICTURES[name])).max() <= 2
    assert rgb(PICTURES[name], 20).image.shape == (15, 20, 3)


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (256, 1), (0x8000, 128), (65535, 255)])
def test_16_bits_of_grey_are_scaled_and_not_clipped(value: int, expected: int) -> None:
    assert (rgb(save(grey16(value), "PNG")).image == expected).all()


def test_16_bits_of_colour_become_8() -> None:
    wide = np.full((60, 80, 3), (0x1234, 0x8000, 0xFFFF), np.uint16)
    data = cv2.imencode(".png", wide)[1].tobytes()
    np.testing.assert_array_equal(rgb(data).image[5, 5], (0xFF, 0x80, 0x12))


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize(("alpha", "expected"), [(0, 255), (255, 10), (127, 133)])
def test_transparency_lies_on_white(kind: str, alpha: int, expected: int) -> None:
    decoded = rgb(encode(holey(alpha), kind, **LOSSLESS[kind]))
    assert np.abs(decoded.image.astype(int) - expected).max() <= 1


def test_a_transparent_palette_colour_lies_on_white() -> None:
    picture = Pillow.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 9, 9, 9])
    assert (rgb(save(picture, "PNG", transparency=1)).image == 255).all()
    assert (rgb(save(picture, "PNG", transparency=0)).image == 9).all()


def test_a_grey_picture_with_transparency_lies_on_white() -> None:
    picture = Pillow.fromarray(
        np.dstack([np.full((8, 8), 9, np.uint8), np.zeros((8, 8), np.uint8)])
    )
    assert picture.mode == "LA"
    assert (rgb(save(picture, "PNG")).image == 255).all()


def test_ink_and_light_are_told_apart() -> None:
    """Adobe stores light instead of ink; a file without Adobe's mark stores ink."""
    white_by_adobe = save(Pillow.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG", quality=95)
    assert rgb(white_by_adobe).image.min() >= 254
    at = white_by_adobe.index(b"\xff\xee")
    bare = white_by_adobe[:at] + white_by_adobe[at + 16 :]
    assert rgb(bare).image.max() <= 1


def test_a_jpeg_of_another_size_than_the_header_that_was_checked_is_refused() -> None:
    checked = read_header(encode(texture(60, 80), "JPEG"))
    for other in (texture(61, 80), texture(60, 160), texture(30, 40)):
        with pytest.raises(UnreadableImageError, match="size"):
            decode(encode(other, "JPEG"), checked)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "HEIF"])
def test_a_file_of_another_size_than_the_header_that_was_checked_is_refused(kind: str) -> None:
    checked = read_header(encode(texture(60, 80), kind))
    with pytest.raises(UnreadableImageError, match="size"):
        decode(encode(texture(61, 80), kind), checked)


def test_a_progressive_jpeg_with_hundreds_of_scans_is_refused() -> None:
    data = encode(texture(60, 80), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    bomb = data[:last] + data[last:-2] * 200 + b"\xff\xd9"
    with pytest.raises(UnreadableImageError, match="scans"):
        rgb(bomb)


def test_a_thumbnail_fits_its_side_and_keeps_its_shape() -> None:
    small = reference(thumbnail(texture(600, 800)))
    assert small.shape == (240, 320, 3)
    assert reference(thumbnail(texture(60, 80))).shape == (60, 80, 3)
    assert reference(thumbnail(np.zeros((1, 1000, 3), np.uint8))).shape == (1, 320, 3)
