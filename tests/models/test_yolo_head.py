"""Which layout a file has, from shapes alone; and that nothing is guessed where two fit."""

from __future__ import annotations

import pytest

from models.release import HeadLayout, Input, Output
from models.runner import RefusedModelError, TensorSpec
from models.yolo_head import AmbiguousHeadError, cells, resolve

AT_640 = Input(640, 640)
Shape = tuple[int | None, ...]


def table(*shape: int | None) -> tuple[TensorSpec, ...]:
    return (TensorSpec("output0", shape, "float32"),)


def maps(**shapes: Shape) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(name, shape, "float32") for name, shape in shapes.items())


def test_640_pixels_have_8400_cells() -> None:
    assert cells(AT_640) == 8400


KNOWN = [
    ("the common v8 export of 80 classes", (1, 84, 8400), 80, HeadLayout.V8, True),
    ("the same, transposed", (1, 8400, 84), 80, HeadLayout.V8, False),
    ("the common v5 export of 80 classes", (1, 25200, 85), 80, HeadLayout.V5, False),
    ("an end-to-end export", (1, 300, 6), 80, HeadLayout.END_TO_END, False),
    ("one class, v8", (1, 5, 8400), 1, HeadLayout.V8, True),
    ("one class, v5, six columns", (1, 25200, 6), 1, HeadLayout.V5, False),
    ("one class, end to end, six columns", (1, 300, 6), 1, HeadLayout.END_TO_END, False),
    ("two classes, v8 transposed, six columns", (1, 8400, 6), 2, HeadLayout.V8, False),
    ("two classes, v8", (1, 6, 8400), 2, HeadLayout.V8, True),
    ("two classes, end to end", (1, 100, 6), 2, HeadLayout.END_TO_END, False),
    ("an unknown number of boxes", (1, 84, None), 80, HeadLayout.V8, True),
    ("an unknown batch", (None, 84, 8400), 80, HeadLayout.V8, True),
    ("four strides, v5", (1, 102000 // 4, 7), 2, HeadLayout.V5, False),
]


@pytest.mark.parametrize(("name", "shape", "classes", "layout", "last"), KNOWN)
def test_common_exports_are_recognised(
    name: str, shape: Shape, classes: int, layout: HeadLayout, last: bool
) -> None:
    head = resolve(table(*shape), classes, AT_640, Output())
    assert (head.layout, head.boxes_last) == (layout, last), name


AMBIGUOUS = [
    ("v5 or end to end, number of boxes unknown", (1, None, 6), 1),
    ("v5 or end to end, an odd number of boxes", (1, 5000, 6), 1),
    ("v8 transposed or end to end", (1, None, 6), 2),
    ("v8 either way round", (1, 84, 84), 80),
]


@pytest.mark.parametrize(("name", "shape", "classes"), AMBIGUOUS)
def test_what_could_be_two_layouts_is_refused_with_the_question(
    name: str, shape: Shape, classes: int
) -> None:
    with pytest.raises(AmbiguousHeadError, match="could be") as refusal:
        resolve(table(*shape), classes, AT_640, Output())
    assert "model.toml" in refusal.value.hint, name


def test_the_manifest_settles_what_the_shapes_leave_open() -> None:
    for layout in (HeadLayout.V5, HeadLayout.END_TO_END):
        head = resolve(table(1, None, 6), 1, AT_640, Output(head=layout))
        assert head.layout is layout


@pytest.mark.parametrize("shape", [(1, 85, 8400), (1, 8400, 85), (1, 83, 8400), (1, 84)])
def test_shapes_that_fit_nothing_are_refused(shape: Shape) -> None:
    with pytest.raises(RefusedModelError):
        resolve(table(*shape), 80, AT_640, Output(head=HeadLayout.V8))


def test_a_transposed_v8_with_the_boxes_of_a_v5_is_no_v8() -> None:
    """[1, 25200, 84] with 80 labels is a v5 of 79 classes, wrongly labelled."""
    with pytest.raises(RefusedModelError, match="80 labels"):
        resolve(table(1, 25200, 84), 80, AT_640, Output())


def test_two_tables_are_refused() -> None:
    with pytest.raises(RefusedModelError, match="one output of three dimensions"):
        resolve((*table(1, 84, 8400), *table(1, 84, 8400)), 80, AT_640, Output())


def test_raw_heads_are_found_by_their_names() -> None:
    specs = maps(
        box_8=(1, 4, 40, 40), cls_8=(1, 3, 40, 40), box_16=(1, 4, 20, 20), cls_16=(1, 3, 20, 20)
    )
    head = resolve(specs, 3, Input(320, 320), Output(strides=(8, 16)))
    assert head.layout is HeadLayout.RAW
    assert [(m.stride, m.box, m.scores) for m in head.maps] == [
        (8, "box_8", "cls_8"),
        (16, "box_16", "cls_16"),
    ]


def test_raw_heads_of_any_name_are_found_by_their_shapes() -> None:
    specs = maps(a=(1, 3, 40, 40), b=(1, 4, 40, 40), c=(1, 64, 20, 20), d=(1, 3, 20, 20))
    head = resolve(specs, 3, Input(320, 320), Output())
    assert [(m.stride, m.box, m.scores, m.bins) for m in head.maps] == [
        (8, "b", "a", 1),
        (16, "c", "d", 16),
    ]
    joint = resolve(maps(a=(1, 40, 40, 7)), 3, Input(320, 320, "NHWC"), Output())
    assert (joint.maps[0].box, joint.maps[0].scores, joint.maps[0].channels_last) == (
        "a",
        "a",
        True,
    )


def test_named_boxes_may_have_any_number_of_bins() -> None:
    specs = maps(box_8=(1, 32, 40, 40), cls_8=(1, 3, 40, 40))
    assert resolve(specs, 3, Input(320, 320), Output()).maps[0].bins == 8
    joint = maps(head_8=(1, 35, 40, 40))
    assert resolve(joint, 3, Input(320, 320), Output()).maps[0].bins == 8


BAD_MAPS = [
    ("boxes of no whole number of bins", maps(box_8=(1, 6, 40, 40), cls_8=(1, 3, 40, 40)), 3),
    ("four classes look like a box", maps(a=(1, 4, 40, 40), b=(1, 4, 40, 40)), 4),
    ("a box without scores", maps(box_8=(1, 4, 40, 40)), 3),
    ("two boxes of one stride", maps(a=(1, 4, 40, 40), b=(1, 4, 40, 40)), 3),
    ("another number of classes", maps(box_8=(1, 4, 40, 40), cls_8=(1, 5, 40, 40)), 3),
    ("another grid", maps(box_8=(1, 4, 40, 40), cls_8=(1, 3, 20, 20)), 3),
    ("a grid that doesn't divide the canvas", maps(a=(1, 4, 33, 33), b=(1, 3, 33, 33)), 3),
    ("nothing with four dimensions", table(1, 84, 8400), 80),
]


@pytest.mark.parametrize(("name", "specs", "classes"), BAD_MAPS)
def test_raw_heads_that_do_not_fit_are_refused(
    name: str, specs: tuple[TensorSpec, ...], classes: int
) -> None:
    with pytest.raises(RefusedModelError):
        resolve(specs, classes, Input(320, 320), Output(head=HeadLayout.RAW))


def test_other_strides_than_the_manifests_are_refused() -> None:
    specs = maps(box_8=(1, 4, 40, 40), cls_8=(1, 3, 40, 40))
    with pytest.raises(RefusedModelError, match="strides"):
        resolve(specs, 3, Input(320, 320), Output(strides=(8, 16)))
