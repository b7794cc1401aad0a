"""What is stored: the same pixels, and nothing that tells where or by whom they were taken."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image as Pillow
from PIL import ImageCms, PngImagePlugin

from models.codecs import exif as exif_words
from models.image import UnreadableImageError, decode, read_header, sanitise
from tests.models.pictures import (
    PLACE,
    encode,
    exif,
    jpeg_with,
    png_chunk,
    png_with,
    save,
    texture,
)

XMP = b"<x:xmpmeta>" + PLACE + b"</x:xmpmeta>"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GPS_IFD, EXIF_IFD = 0x8825, 0x8769


def full(kind: str, orientation: int = 6) -> bytes:
    """A picture with every metadata its format can carry."""
    options = {"exif": exif(orientation), "icc_profile": PROFILE}
    image = Pillow.fromarray(texture(90, 120))
    if kind == "JPEG":
        data = save(image, kind, comment=PLACE, xmp=XMP, **options)
        data = jpeg_with(data, 0xED, b"Photoshop 3.0\0" + PLACE)
        data = jpeg_with(data, 0xE2, b"FPXR\0" + PLACE)
        return jpeg_with(data, 0xEB, PLACE)
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", PLACE.decode("latin-1"))
        info.add_itxt("XML:com.adobe.xmp", XMP.decode("latin-1"))
        info.add_text("Raw", PLACE.decode("latin-1"), zip=True)
        data = save(image, kind, pnginfo=info, **options)
        return png_with(data, png_chunk(b"prVt", PLACE), png_chunk(b"tIME", bytes(7)))
    return save(image, kind, xmp=XMP, **options)


def pixels(data: bytes) -> np.ndarray:
    return decode(data, read_header(data)).image


def opened(data: bytes) -> Pillow.Image:
    picture = Pillow.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize("keep_metadata", [False, True])
@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_stored_photo_has_the_same_pixels_the_same_way_up(
    kind: str, orientation: int, keep_metadata: bool
) -> None:
    data = full(kind, orientation)
    header = read_header(data)
    stored, media_type = sanitise(data, header, keep_metadata)
    assert media_type == header.media_type
    assert read_header(stored) == header
    np.testing.assert_array_equal(pixels(stored), pixels(data))
    np.testing.assert_array_equal(np.asarray(opened(stored)), np.asarray(opened(data)))
    assert opened(stored).info["icc_profile"] == PROFILE


@pytest.mark.parametrize("keep_metadata", [False, True])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_the_place_never_survives(kind: str, keep_metadata: bool) -> None:
    data = full(kind)
    assert PLACE in data  # the control: it is there to be found
    stored, _ = sanitise(data, read_header(data), keep_metadata)
    assert PLACE not in stored
    for piece in (b"PLACE", b"GPS", b"xmp", b"Photoshop", b"FPXR", b"NOTES", b"tEXt", b"prVt"):
        assert piece not in stored, piece
    picture = opened(stored)
    assert GPS_IFD not in picture.getexif()
    assert not picture.getexif().get_ifd(GPS_IFD)
    assert "xmp" not in picture.info
    assert not getattr(picture, "text", {})
    assert "comment" not in picture.info


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_without_metadata_nothing_but_the_orientation_survives(kind: str) -> None:
    data = full(kind)
    kept = dict(opened(sanitise(data, read_header(data))[0]).getexif())
    assert kept == ({} if kind == "HEIF" else {0x0112: 6})
    upright = full(kind, orientation=1)
    assert not dict(opened(sanitise(upright, read_header(upright))[0]).getexif())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_with_metadata_the_camera_and_the_time_survive(kind: str, order: str) -> None:
    data = encode(texture(90, 120), kind, exif=exif(3, order=order))
    kept = opened(sanitise(data, read_header(data), keep_metadata=True)[0]).getexif()
    assert kept[0x010F] == "Acme"
    assert kept.get_ifd(EXIF_IFD)[0x9003] == "2026:11:20 10:00:00"
    assert kept.get(0x0112, 1) == (1 if kind == "HEIF" else 3)


def test_a_heic_is_stored_as_an_upright_jpeg() -> None:
    image = texture(90, 120, slope=2)
    data = encode(image, "HEIF", quality=95, exif=exif(6), icc_profile=PROFILE)
    stored, media_type = sanitise(data, read_header(data))
    header = read_header(stored)
    assert (media_type, header.width, header.height, header.orientation) == (
        "image/jpeg",
        90,
        120,
        1,
    )
    assert np.abs(pixels(stored).astype(int) - pixels(data)).mean() < 2
    assert opened(stored).info["icc_profile"] == PROFILE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_lies_behind_the_end_is_dropped(kind: str) -> None:
    """A phone's motion photo: a film behind the picture."""
    data = encode(texture(90, 120), kind)
    film = b"\0\0\0\x18ftypmp42" + PLACE + b"\xff\xd9" + bytes(5000)
    stored, _ = sanitise(data + film, read_header(data + film))
    assert PLACE not in stored
    assert len(stored) <= len(data)
    np.testing.assert_array_equal(pixels(data + film), pixels(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_stored_photo_stays_the_same_when_stored_again(kind: str) -> None:
    data = full(kind)
    once, _ = sanitise(data, read_header(data), keep_metadata=True)
    assert sanitise(once, read_header(once), keep_metadata=True)[0] == once


def test_segments_between_the_scans_are_dropped_too() -> None:
    data = encode(texture(90, 120), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    hidden = data[:at] + b"\xff\xfe" + (len(PLACE) + 2).to_bytes(2, "big") + PLACE + data[at:]
    stored, _ = sanitise(hidden, read_header(hidden))
    assert PLACE not in stored
    np.testing.assert_array_equal(pixels(stored), pixels(data))


def test_an_animated_png_is_stored_as_its_still_picture() -> None:
    frames = [Pillow.fromarray(texture(60, 80, seed)) for seed in (1, 2)]
    data = save(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert b"acTL" in data
    stored, _ = sanitise(data, read_header(data))
    assert not any(name in stored for name in (b"acTL", b"fcTL", b"fdAT"))
    np.testing.assert_array_equal(pixels(stored), np.asarray(frames[0]))
    np.testing.assert_array_equal(pixels(data), np.asarray(frames[0]))


def test_of_several_pictures_in_a_heic_the_primary_one_is_taken() -> None:
    first, second = texture(64, 96, 1), texture(128, 64, 2)
    both = pillow_heif.from_pillow(Pillow.fromarray(first))
    both.add_from_pillow(Pillow.fromarray(second))
    out = io.BytesIO()
    both.save(out, primary_index=1)
    header = read_header(out.getvalue())
    assert (header.width, header.height) == (64, 128)


def test_the_colour_mark_of_a_cmyk_jpeg_survives() -> None:
    data = save(Pillow.fromarray(texture(60, 80)).convert("CMYK"), "JPEG")
    stored, _ = sanitise(data, read_header(data))
    assert b"Adobe" in stored
    np.testing.assert_array_equal(pixels(stored), pixels(data))


def test_the_thumbnail_inside_jfif_is_dropped() -> None:
    data = encode(texture(60, 80), "JPEG")
    assert data[2:4] == b"\xff\xe0"
    small = b"JFIF\0\x01\x02\0\0\x01\0\x01\x03\x03" + b"ICON" * 6 + b"ICO"
    swapped = data[:2] + b"\xff\xe0" + (len(small) + 2).to_bytes(2, "big") + small + data[20:]
    stored, _ = sanitise(swapped, read_header(swapped))
    assert b"ICON" not in stored
    np.testing.assert_array_equal(pixels(stored), pixels(data))


def test_a_profile_in_a_png_that_would_unpack_to_gigabytes_is_dropped() -> None:
    bomb = b"name\0\0" + zlib.compress(bytes(64 << 20), 9)
    data = png_with(encode(texture(60, 80), "PNG"), png_chunk(b"iCCP", bomb))
    assert b"iCCP" not in sanitise(data, read_header(data))[0]


def test_a_png_with_a_wrong_checksum_is_refused() -> None:
    data = bytearray(encode(texture(60, 80), "PNG"))
    data[len(data) // 2] ^= 1
    header = read_header(bytes(data))
    with pytest.raises(UnreadableImageError, match="checksum"):
        sanitise(bytes(data), header)
    with pytest.raises(UnreadableImageError, match="checksum"):
        decode(bytes(data), header)


def test_exif_that_is_cut_or_scrambled_is_read_without_a_crash() -> None:
    whole = exif(6).removeprefix(b"Exif\0\0")
    rng = np.random.default_rng(0)
    for cut in range(len(whole)):
        assert 1 <= exif_words.orientation(whole[:cut]) <= 8
        assert PLACE not in exif_words.without_place(whole[:cut])
    for _ in range(3000):
        scrambled = bytearray(whole)
        for at in rng.integers(0, len(whole), 3):
            scrambled[at] = rng.integers(0, 256)
        assert 1 <= exif_words.orientation(bytes(scrambled)) <= 8
        assert len(exif_words.without_place(bytes(scrambled))) <= exif_words.MAX_SIZE


def test_exif_too_large_for_a_segment_leaves_its_orientation() -> None:
    e = Pillow.Exif()
    e[0x0112] = 6
    e.get_ifd(EXIF_IFD)[0xA40B] = bytes(70_000)
    data = encode(texture(60, 80), "PNG", exif=e.tobytes())
    stored, _ = sanitise(data, read_header(data), keep_metadata=True)
    assert read_header(stored).orientation == 6
    assert len(stored) < len(data) - 69_000
