import cv2
import numpy as np
import pytest

from edge.drawing import PALETTE, WHITE, colour_of, draw, to_jpeg
from models.detection import Box, Prediction, Source
from models.preprocess import Image


def grey(width: int = 800, height: int = 600) -> Image:
    return np.full((height, width, 3), 128, np.uint8)


def seen(box: Box, label: str = "dent", confidence: float = 0.9, shown: bool = True) -> Prediction:
    return Prediction(label, confidence, box, Source.DETECTOR, shown=shown)


def changed(image: Image) -> np.ndarray:
    return (image != 128).any(axis=2)


def test_a_box_is_framed_in_its_labels_colour_and_its_inside_stays_as_it_was():
    image = draw(grey(), [seen((100, 100, 300, 300))], 1.0)
    assert tuple(image[200, 100]) == colour_of("dent")
    assert not changed(image)[150:250, 150:250].any()


def test_the_chip_above_the_box_holds_white_letters_on_the_colour():
    image = draw(grey(), [seen((100, 100, 300, 300))], 1.0)
    chip = image[80:95, 104:170].reshape(-1, 3)
    assert (chip == colour_of("dent")).all(axis=1).mean() > 0.4
    assert (chip == WHITE).all(axis=1).any()


def test_boxes_are_in_pixels_of_the_original_and_drawn_at_the_pictures_scale():
    half = draw(grey(), [seen((200, 200, 600, 600))], 0.5)
    assert np.array_equal(half, draw(grey(), [seen((100, 100, 300, 300))], 1.0))


def test_what_is_not_shown_is_not_drawn():
    assert not changed(draw(grey(), [seen((100, 100, 300, 300), shown=False)], 1.0)).any()


def test_a_grade_is_not_drawn_over_the_box_that_it_refines():
    dent = seen((100, 100, 300, 300))
    grade = Prediction("severe", 0.95, dent.box, Source.CLASSIFIER, refines=0)
    assert np.array_equal(draw(grey(), [dent, grade], 1.0), draw(grey(), [dent], 1.0))


def test_a_label_has_the_same_colour_every_time_and_others_have_others():
    assert colour_of("dent") == colour_of("dent") in PALETTE
    shipped = ("dent", "scratch", "rust", "crack", "paint_chip", "broken_lamp")
    assert len({colour_of(label) for label in shipped}) == len(shipped)


def test_chips_of_boxes_at_the_same_place_do_not_cover_each_other():
    box = (300, 300, 500, 500)
    image = draw(grey(), [seen(box, "dent", 0.9), seen(box, "rust", 0.8)], 1.0)
    for label in ("dent", "rust"):
        assert (image == colour_of(label)).all(axis=2).sum() > 400


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 800, 600),
        (0, 0, 5, 5),
        (795, 595, 800, 600),
        (0, 0, 0, 0),
        (800, 600, 800, 600),
        (0, 0, 9000, 9000),
    ],
)
@pytest.mark.parametrize("size", [(800, 600), (40, 30), (1, 1), (1600, 20)])
def test_boxes_and_pictures_of_any_size_can_be_drawn(box: Box, size: tuple[int, int]):
    image = draw(grey(*size), [seen(box, "a very long label that fits nowhere")] * 9, 1.0)
    assert image.shape == (size[1], size[0], 3)
    assert changed(image).any()


@pytest.mark.parametrize("label", ["Größe", "裂缝", "\u202e", "a\nb", "🚗"])
def test_labels_in_any_script_can_be_drawn(label: str):
    assert changed(draw(grey(), [seen((100, 100, 300, 300), label)], 1.0)).any()


def test_the_jpeg_has_the_colours_of_the_array():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:] = (200, 40, 10)
    pixels = cv2.imdecode(np.frombuffer(to_jpeg(image), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert np.abs(pixels.astype(int) - image).max() <= 4
