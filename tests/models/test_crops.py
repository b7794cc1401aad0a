"""The crop is the same square, byte for byte, on the device, in training and in search."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import preprocess
from models.classifier import Classifier
from models.crops import crop, crop_tensor, expand, scaled, square
from models.embed import Embedding, embed, embedding_of, from_bytes, normalised
from models.jsonable import InvalidWordError
from models.release import Input, Output, Preprocess, Task
from models.runners import open_runner
from tests.fakes import tiny_models
from tests.fakes.tiny_models import release_of

if TYPE_CHECKING:
    from pathlib import Path

    from models.detection import Box

IMAGENET = Preprocess(fit="stretch", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
BOXES: list[Box] = [
    (40.2, 30.7, 200.9, 90.1),  # wide, shrinks
    (300.0, 10.0, 310.5, 22.0),  # small, grows
    (0.0, 0.0, 320.0, 240.0),  # the whole frame
    (310.0, 230.0, 320.0, 240.0),  # in the corner
]
GOLDEN = {
    "float32 NCHW": "abed7ccbbaabc03c78f2e5fc6845b7864fb754854a2ce6815b12b16a58287a94",
    "scaled uint8": "3af6d5b4ae8e1b779c08f22aa4ce35d455f5dca6b194c357f83fce8d8fcfd590",
    "float32 NHWC": "33566f160fac78ac475c8d09ffbc14bbbe78a022cdec61310b77b3f788c4b436",
    "int8 vector": "2532f026a4dba015e99fb399afa16f326cdb21efbe464bf5ed18f5b386bac9ae",
}


def photo() -> np.ndarray:
    """Ramps, waves and edges from whole-number arithmetic: the same on every machine."""
    y, x = np.mgrid[0:240, 0:320]
    channels = [x * 7 + y * 3, x * y // 5, (x // 9 + y // 7) * 40 + x]
    return (np.stack(channels, -1) % 256).astype(np.uint8)


def test_the_bytes_of_crops_are_those_of_version_1() -> None:
    """If this fails, raise `preprocess.VERSION`: vectors made before can't be compared any more."""
    assert preprocess.VERSION == 1
    for layout in ("NCHW", "NHWC"):
        digest = hashlib.sha256()
        for box in BOXES:
            tensor = crop_tensor(photo(), box, 0.15, Input(64, 64, layout), IMAGENET)
            assert tensor.dtype == np.float32
            digest.update(tensor.tobytes())
        assert digest.hexdigest() == GOLDEN[f"float32 {layout}"]


def test_the_bytes_of_scaled_crops_are_those_of_version_1() -> None:
    digest = hashlib.sha256()
    for box in BOXES:
        digest.update(crop(photo(), box, 0.15, 64, Preprocess(crop="scaled")).tobytes())
    assert digest.hexdigest() == GOLDEN["scaled uint8"]


def test_the_bytes_of_vectors_are_those_of_version_1(tmp_path: Path) -> None:
    path = tiny_models.classifier(tmp_path / "m.onnx", embedding=True)
    output = Output(scores="logits", embedding="features")
    release = release_of(path, task=Task.CLASSIFY, output=output, preprocess=IMAGENET)
    model = Classifier(open_runner(tmp_path, release), release)
    made = [embed(model, photo(), box, 0.15) for box in BOXES]
    data = b"".join(each.to_bytes() for each in made if each is not None)
    assert len(data) == 4 * 3
    assert hashlib.sha256(data).hexdigest() == GOLDEN["int8 vector"]


def test_another_margin_gives_other_bytes() -> None:
    """The control: the hash above can notice a change."""
    one, other = (
        crop_tensor(photo(), BOXES[0], margin, Input(64, 64), IMAGENET) for margin in (0.15, 0.16)
    )
    assert one.tobytes() != other.tobytes()


def test_the_margin_is_a_share_of_the_box_on_every_side() -> None:
    assert expand((100, 100, 200, 140), 0.1, 1000, 1000) == (90, 96, 210, 144)
    assert expand((100, 100, 200, 140), 0.0, 1000, 1000) == (100, 100, 200, 140)


def test_the_margin_ends_at_the_pictures_edge() -> None:
    assert expand((0, 0, 10, 10), 0.5, 12, 11) == (0, 0, 12, 11)


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(*[st.floats(0, 5000)] * 4),
    st.floats(0, 0.5),
    st.integers(1, 300),
    st.integers(1, 300),
)
def test_every_box_gives_a_crop_of_at_least_a_pixel_inside_the_picture(
    corners: tuple[float, float, float, float], margin: float, width: int, height: int
) -> None:
    x1, x2 = sorted(corners[:2])
    y1, y2 = sorted(corners[2:])
    left, top, right, bottom = expand((x1, y1, x2, y2), margin, width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def test_the_missing_strips_are_reflections() -> None:
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, :, 0] = np.arange(8) * 10
    image[:, :, 1] = (np.arange(4) * 10)[:, None]
    made = square(image, (0, 0, 8, 4), 0, 8)
    assert made.shape == (8, 8, 3)
    assert made[2:6].tolist() == image.tolist()
    assert made[1].tolist() == image[1].tolist()
    assert made[0].tolist() == image[2].tolist()
    assert made[6].tolist() == image[2].tolist()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 2000), (2000, 1), (3, 2)])
def test_the_thinnest_strip_becomes_a_square_of_its_colour(width: int, height: int) -> None:
    image = np.full((height, width, 3), (10, 20, 30), np.uint8)
    made = square(image, (0, 0, width, height), 0.2, 32)
    assert made.shape == (32, 32, 3)
    assert np.unique(made.reshape(-1, 3), axis=0).tolist() == [[10, 20, 30]]


@pytest.mark.parametrize(
    ("share", "drawn"), [(1.0, 128), (0.5, 91), (0.25, 64), (0.0625, 32), (0.01, 13)]
)
def test_a_scaled_crop_takes_the_root_of_its_share_of_the_photo(share: float, drawn: int) -> None:
    photo = np.full((400, 600, 3), 200, np.uint8)
    size = share * 400
    made = scaled(photo, (10, 10, 10 + size, 10 + size / 2), 0, 128, 114)
    inside = (made == 200).all(axis=2)
    assert np.ptp(np.flatnonzero(inside.any(axis=0))) + 1 == drawn
    assert np.ptp(np.flatnonzero(inside.any(axis=1))) + 1 == pytest.approx(drawn / 2, abs=1)
    assert (made[~inside] == 114).all()


def test_a_scaled_crop_of_a_photo_of_another_resolution_is_as_large() -> None:
    small = np.full((300, 400, 3), 200, np.uint8)
    large = np.full((900, 1200, 3), 200, np.uint8)
    one = scaled(small, (50, 50, 150, 120), 0.1, 96, 0)
    other = scaled(large, (150, 150, 450, 360), 0.1, 96, 0)
    assert (one == other).all()


def test_a_scaled_crop_of_the_longer_side_fits() -> None:
    made = scaled(np.full((100, 900, 3), 7, np.uint8), (0, 0, 900, 100), 0.5, 64, 114)
    assert made.shape == (64, 64, 3)
    assert (made == 7).all(axis=2).any(axis=0).all()


def test_a_network_that_is_not_square_gets_the_square_as_its_manifest_says() -> None:
    tensor = crop_tensor(photo(), BOXES[0], 0.1, Input(64, 32), Preprocess())
    assert tensor.shape == (1, 3, 32, 64)


def test_a_vector_has_length_one_and_says_what_made_it(tmp_path: Path) -> None:
    path = tiny_models.classifier(tmp_path / "m.onnx", embedding=True)
    output = Output(scores="logits", embedding="features")
    release = release_of(path, task=Task.CLASSIFY, output=output)
    model = Classifier(open_runner(tmp_path, release), release)
    made = embed(model, photo(), BOXES[0], 0.15)
    assert made is not None
    assert made.model_version == "tiny@1.0.0"
    assert made.preprocess_version == 1
    assert np.linalg.norm(made.vector) == pytest.approx(1, abs=1e-6)
    assert from_bytes(made.to_bytes()) == pytest.approx(np.array(made.vector), abs=0.01)


def test_only_vectors_of_one_model_and_one_preparation_can_be_compared() -> None:
    one = Embedding((0.6, 0.8), "a@1.0.0", 1)
    assert one.comparable(Embedding((0.8, 0.6), "a@1.0.0", 1))
    assert not one.comparable(Embedding((0.8, 0.6), "a@1.0.1", 1))
    assert not one.comparable(Embedding((0.8, 0.6), "a@1.0.0", 2))
    assert not one.comparable(Embedding((1.0,), "a@1.0.0", 1))


def test_quantised_bytes_are_what_they_have_always_been() -> None:
    assert Embedding((0.6, -0.8, 0.0), "a@1.0.0", 1).to_bytes() == bytes([76, 256 - 102, 0])


def test_what_has_no_direction_is_no_vector() -> None:
    for bad in ([0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]):
        with pytest.raises(InvalidWordError):
            normalised(np.array(bad))
    with pytest.raises(InvalidWordError):
        Embedding((0.5, 0.5), "a@1.0.0", 1)
    with pytest.raises(InvalidWordError):
        Embedding((1.0,), "a", 1)


def test_a_model_without_an_embedding_gives_none(tmp_path: Path) -> None:
    path = tiny_models.classifier(tmp_path / "m.onnx")
    release = release_of(path, task=Task.CLASSIFY, output=Output(scores="logits"))
    model = Classifier(open_runner(tmp_path, release), release)
    assert embedding_of(model.classify(photo()), release) is None
