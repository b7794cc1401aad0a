"""Any manifest that can be made can be written and read back, whatever its texts and numbers."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from models.manifest_writer import manifest_text, write_manifest
from models.release import (
    Calibration,
    File,
    Format,
    Golden,
    HeadLayout,
    Input,
    ModelRelease,
    Output,
    Preprocess,
    Provenance,
    Task,
    read_manifest,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
word = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
number = st.floats(allow_nan=False)
positive = st.floats(min_value=1e-6, max_value=1e6)
file = st.builds(
    File,
    st.sampled_from(["m.onnx", "a/b.bin", "golden é.png", "'\"\\".replace("\\", "")]),
    st.just("0" * 64),
    st.integers(0, 1 << 40),
    st.just("weights"),
)
golden = st.builds(
    Golden,
    text,
    st.lists(st.tuples(text, number, st.tuples(number, number, number, number)), max_size=3).map(
        tuple
    ),
    number,
    number,
)
release = st.builds(
    ModelRelease,
    id=st.just("m"),
    version=st.sampled_from(["1.0.0", "0.1.2-rc.1"]),
    task=st.just(Task.DETECT),
    format=st.sampled_from(Format),
    files=st.lists(file, min_size=1, max_size=3).map(tuple),
    labels=st.lists(word, min_size=1, max_size=5, unique=True).map(tuple),
    input=st.none() | st.just(Input(640, 480, "NHWC", "BGR")),
    preprocess=st.builds(Preprocess, scale=number, mean=st.tuples(number, number, number)),
    output=st.builds(
        Output, st.none() | st.sampled_from(HeadLayout), st.just((8, 16)), st.booleans()
    ),
    calibration=st.builds(
        Calibration, positive, st.dictionaries(text, number, max_size=3), st.none() | number
    ),
    golden=st.lists(golden, max_size=2).map(tuple),
    provenance=st.builds(Provenance, text, text, text, st.none() | st.integers(0, 9)),
    figures=st.dictionaries(
        text, st.dictionaries(text, number, min_size=1, max_size=3), max_size=3
    ),
    licence=text,
    requires=st.dictionaries(text, text, max_size=2),
    description=text,
)


@settings(max_examples=80, deadline=None)
@given(release)
def test_what_is_written_is_what_is_read(release: ModelRelease) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_manifest(Path(folder), release)
        assert read_manifest(Path(folder)) == release


def test_a_manifest_reads_like_one_that_a_person_wrote() -> None:
    made = ModelRelease(
        "scratches", "1.0.0", Task.DETECT, Format.ONNX, (File("m.onnx", "0" * 64, 9),),
        labels=("scratch", "dent"), output=Output(head=HeadLayout.V8),
        calibration=Calibration(temperature_per_label={"deep dent": 1.5}),
    )  # fmt: skip
    lines = manifest_text(made).splitlines()
    assert lines[:5] == [
        'id = "scratches"',
        'version = "1.0.0"',
        'task = "detect"',
        'format = "onnx"',
        'labels = ["scratch", "dent"]',
    ]
    assert "[[files]]" in lines
    assert "[calibration.temperature_per_label]" in lines
    assert '"deep dent" = 1.5' in lines
