"""Which models are on the device, which version is active, and what installing them survives."""

from __future__ import annotations

import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.errors import NotFoundError, OperatorError, RefusedModelFileError
from edge.library.library import ModelLibrary, shipped_models
from edge.library.measure import Measurement
from models.admission.admit import admit
from models.answers import Answers, NeedsAnswersError
from models.jsonable import to_json
from models.manifest_writer import write_manifest
from models.release import HeadLayout, read_manifest
from tests.fakes import tiny_models
from tests.fakes.tiny_models import release_of

if TYPE_CHECKING:
    from models.release import ModelRelease

NAMED = {"names": "{0: 'red', 1: 'blue'}"}


def model_folder(folder: Path, version: str, name: str = "tiny") -> ModelRelease:
    weights = tiny_models.v8(folder / "m.onnx")
    release = release_of(weights, head=HeadLayout.V8, id=name, version=version)
    write_manifest(folder, release)
    return release


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    model_folder(tmp_path / "zoo" / "tiny" / "1.0.0", "1.0.0")
    return ModelLibrary(tmp_path / "zoo", tmp_path / "data" / "models")


def refs(library: ModelLibrary) -> list[tuple[str, bool]]:
    return [(model.release.ref, model.active) for model in library.list()]


def install(library: ModelLibrary, tmp_path: Path, version: str) -> ModelRelease:
    model_folder(tmp_path / f"new-{version}", version)
    return library.install(tmp_path / f"new-{version}")


def test_nothing_anywhere_is_an_empty_list(tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "no", tmp_path / "where")
    assert library.list() == ()
    assert library.active("tiny") is None
    assert not (tmp_path / "where").exists()


def test_a_shipped_model_is_active_without_being_chosen(library: ModelLibrary) -> None:
    assert refs(library) == [("tiny@1.0.0", True)]
    active = library.active("tiny")
    assert active is not None
    assert active.shipped


def test_a_list_is_whole_while_another_install_comes_and_goes(library: ModelLibrary) -> None:
    staging = library._models / ".staging-1"
    install_over = threading.Event()

    def come_and_go() -> None:
        while not install_over.is_set():
            (staging / "deeper").mkdir(parents=True)
            shutil.rmtree(staging)

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(come_and_go)
        try:
            assert all(refs(library) == [("tiny@1.0.0", True)] for _ in range(2000))
        finally:
            install_over.set()
        going.result()


def test_the_newest_shipped_version_is_active_by_the_order_of_versions(tmp_path: Path) -> None:
    versions = ["1.9.0", "1.10.0", "1.10.0-rc.2", "1.10.0-rc.10", "0.99.99"]
    for version in versions:
        model_folder(tmp_path / "zoo" / "tiny" / version, version)
    library = ModelLibrary(tmp_path / "zoo", tmp_path / "models")
    found = [model.release.version for model in library.list()]
    assert found == ["1.10.0", "1.10.0-rc.10", "1.10.0-rc.2", "1.9.0", "0.99.99"]
    assert [model.active for model in library.list()] == [True, False, False, False, False]


def test_a_model_new_to_the_device_is_active_at_once(library: ModelLibrary, tmp_path: Path) -> None:
    model_folder(tmp_path / "new", "0.1.0", "other")
    library.install(tmp_path / "new")
    assert refs(library) == [("other@0.1.0", True), ("tiny@1.0.0", True)]


def test_a_new_version_of_a_known_model_waits_until_it_is_activated(
    library: ModelLibrary, tmp_path: Path
) -> None:
    install(library, tmp_path, "1.1.0")
    assert refs(library) == [("tiny@1.1.0", False), ("tiny@1.0.0", True)]
    library.activate("tiny", "1.1.0")
    assert refs(library) == [("tiny@1.1.0", True), ("tiny@1.0.0", False)]


def test_rolling_back_goes_to_what_was_active_before_and_further(
    library: ModelLibrary, tmp_path: Path
) -> None:
    for version in ("1.1.0", "1.2.0"):
        install(library, tmp_path, version)
        library.activate("tiny", version)
    assert library.rollback("tiny").release.version == "1.1.0"
    assert library.rollback("tiny").release.version == "1.0.0"
    with pytest.raises(OperatorError, match="no other version"):
        library.rollback("tiny")


def test_rolling_back_without_a_history_goes_to_the_next_older_version(tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        model_folder(tmp_path / "zoo" / "tiny" / version, version)
    library = ModelLibrary(tmp_path / "zoo", tmp_path / "models")
    assert library.rollback("tiny").release.version == "1.1.0"


def test_rolling_back_passes_over_what_is_to_be_avoided(
    library: ModelLibrary, tmp_path: Path
) -> None:
    for version in ("1.1.0", "1.2.0"):
        install(library, tmp_path, version)
        library.activate("tiny", version)
    assert library.rollback("tiny", avoid={"tiny@1.1.0"}).release.version == "1.0.0"


def test_going_back_twice_from_one_version_is_going_back_once(
    library: ModelLibrary, tmp_path: Path
) -> None:
    for version in ("1.1.0", "1.2.0"):
        install(library, tmp_path, version)
        library.activate("tiny", version)
    for _ in range(2):
        assert library.rollback("tiny", leave="1.2.0").release.version == "1.1.0"


def test_a_chosen_version_that_is_gone_does_not_serve_as_soon_as_it_comes_again(
    library: ModelLibrary, tmp_path: Path
) -> None:
    install(library, tmp_path, "1.1.0")
    library.activate("tiny", "1.1.0")
    shutil.rmtree(tmp_path / "data" / "models" / "tiny" / "1.1.0")
    library.install(tmp_path / "new-1.1.0")
    assert refs(library) == [("tiny@1.1.0", False), ("tiny@1.0.0", True)]


def test_the_choice_outlives_the_process(library: ModelLibrary, tmp_path: Path) -> None:
    install(library, tmp_path, "1.1.0")
    library.activate("tiny", "1.1.0")
    again = ModelLibrary(tmp_path / "zoo", tmp_path / "data" / "models")
    assert refs(again) == refs(library)
    assert again.rollback("tiny").release.version == "1.0.0"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tiny": 3}', '{"tiny": {"version": 1}}', "\0"])
def test_a_damaged_choice_counts_as_none(library: ModelLibrary, tmp_path: Path, text: str) -> None:
    (tmp_path / "data" / "models").mkdir(parents=True)
    (tmp_path / "data" / "models" / "active.json").write_text(text)
    assert refs(library) == [("tiny@1.0.0", True)]


def test_a_chosen_version_that_is_gone_leaves_the_newest_active(
    library: ModelLibrary, tmp_path: Path
) -> None:
    (tmp_path / "data" / "models").mkdir(parents=True)
    choice = {"tiny": {"version": "7.0.0", "before": []}}
    (tmp_path / "data" / "models" / "active.json").write_text(json.dumps(choice))
    assert refs(library) == [("tiny@1.0.0", True)]


def test_what_is_not_there_can_not_be_activated(library: ModelLibrary) -> None:
    with pytest.raises(NotFoundError) as error:
        library.activate("tiny", "9.9.9")
    assert "1.0.0" in error.value.hint
    with pytest.raises(NotFoundError):
        library.rollback("nothing")


def test_half_written_folders_do_not_count(library: ModelLibrary, tmp_path: Path) -> None:
    model_folder(tmp_path / "data" / "models" / ".staging-1" / "2.0.0", "2.0.0")
    model_folder(tmp_path / "data" / "models" / "tiny" / ".2.0.0", "2.0.0")
    assert refs(library) == [("tiny@1.0.0", True)]
    assert not library.broken()


def test_a_folder_that_is_no_model_is_reported_and_hurts_nobody(
    library: ModelLibrary, tmp_path: Path
) -> None:
    models = tmp_path / "data" / "models" / "tiny"
    (models / "3.0.0").mkdir(parents=True)
    (models / "3.0.0" / "model.toml").write_text("id = 3")
    model_folder(models / "4.0.0", "4.0.1")  # in the folder of another version
    assert refs(library) == [("tiny@1.0.0", True)]
    assert len(library.broken()) == 2


def test_a_bare_file_is_installed_with_a_manifest_and_can_serve(
    library: ModelLibrary, tmp_path: Path
) -> None:
    path = tiny_models.v8(tmp_path / "Scratch Finder-2.1.0.onnx", metadata=NAMED)
    release = library.install(path)
    assert release.ref == "scratch-finder@2.1.0"
    model = library.active("scratch-finder")
    assert model is not None
    assert read_manifest(model.folder) == release
    assert admit(model.folder).model is not None


def test_a_bare_file_that_does_not_tell_its_labels_asks_for_them(
    library: ModelLibrary, tmp_path: Path
) -> None:
    path = tiny_models.v8(tmp_path / "silent.onnx")
    with pytest.raises(NeedsAnswersError) as asked:
        library.install(path)
    assert [question.key for question in asked.value.questions] == ["labels"]
    release = library.install(path, Answers(labels=("red", "blue")))
    assert release.labels == ("red", "blue")


def test_installing_the_same_twice_is_installing_it_once(
    library: ModelLibrary, tmp_path: Path
) -> None:
    first = install(library, tmp_path, "1.1.0")
    assert library.install(tmp_path / "new-1.1.0") == first
    assert [ref for ref, _ in refs(library)] == ["tiny@1.1.0", "tiny@1.0.0"]


def test_the_same_version_with_other_content_is_refused(
    library: ModelLibrary, tmp_path: Path
) -> None:
    install(library, tmp_path, "1.1.0")
    other = tmp_path / "other"
    weights = tiny_models.raw(other / "m.onnx")
    write_manifest(other, release_of(weights, version="1.1.0"))
    with pytest.raises(RefusedModelFileError) as refusal:
        library.install(other)
    assert "other content" in refusal.value.message
    assert "another version" in refusal.value.hint


BAD = {
    "nothing there": lambda folder: folder / "missing",
    "an empty folder": lambda folder: folder,
    "no model": lambda folder: _written(folder / "m.onnx", b"no model"),
    "another kind of file": lambda folder: _written(folder / "m.pt", b"PK"),
    "a manifest alone": lambda folder: _written(folder / "model.toml", b"id = 1"),
}


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_serve_is_refused_and_leaves_nothing_behind(
    name: str, library: ModelLibrary, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(RefusedModelFileError) as refusal:
        library.install(BAD[name](tmp_path / "in"))
    assert refusal.value.hint
    assert [p.name for p in (tmp_path / "data" / "models").iterdir()] == [".lock"]


def test_a_file_that_was_changed_after_its_manifest_is_refused(
    library: ModelLibrary, tmp_path: Path
) -> None:
    model_folder(tmp_path / "new", "1.1.0")
    data = bytearray((tmp_path / "new" / "m.onnx").read_bytes())
    data[-1] ^= 1
    (tmp_path / "new" / "m.onnx").write_bytes(data)
    with pytest.raises(RefusedModelFileError, match="SHA-256"):
        library.install(tmp_path / "new")
    assert refs(library) == [("tiny@1.0.0", True)]


def test_an_installation_that_was_cut_off_leaves_the_old_state_and_is_cleared_by_the_next(
    library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "data" / "models"
    model_folder(models / ".staging-dead", "1.1.0")
    install(library, tmp_path, "1.1.0")
    assert not list(models.glob(".staging-*"))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edge.library.staging.place", die)
    model_folder(tmp_path / "later", "1.2.0")
    with pytest.raises(KeyboardInterrupt):
        library.install(tmp_path / "later")
    assert [ref for ref, _ in refs(library)] == ["tiny@1.1.0", "tiny@1.0.0"]


def test_everything_is_on_the_disk_before_it_has_its_name(
    library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def noting(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", noting)
    install(library, tmp_path, "1.1.0")
    names = [path.rsplit("/", 1)[-1] for path in synced]
    last = names.index("tiny")  # the folder that holds the new name
    assert {"m.onnx", ".model.toml.new"} <= set(names[:last])
    assert any(name.startswith(".staging-") for name in names[:last])


def test_a_full_disk_is_said_and_nothing_is_installed(
    library: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge.errors import DiskFullError

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    model_folder(tmp_path / "new", "1.1.0")
    monkeypatch.setattr("edge.library.staging.shutil.copyfileobj", full)
    with pytest.raises(DiskFullError):
        library.install(tmp_path / "new")
    assert refs(library) == [("tiny@1.0.0", True)]


def test_what_the_vision_worker_measured_is_told(library: ModelLibrary, tmp_path: Path) -> None:
    model = library.active("tiny")
    assert model is not None
    assert model.measured is None
    measured = Measurement(1, 2.5, 3.5, "onnxruntime 1")
    file = tmp_path / "data" / "models" / "measured.json"
    file.parent.mkdir(parents=True)
    of_it = f"tiny@1.0.0 {model.release.weights.sha256[:16]} onnxruntime 1 x86_64 x2 0"
    of_another = f"tiny@1.0.0 {'0' * 16} onnxruntime 1 x86_64 x2 0"
    other = Measurement(2, 9.0, 9.0, "onnxruntime 1")
    file.write_text(json.dumps({of_it: to_json(measured), of_another: to_json(other)}))
    assert [m.measured for m in library.list()] == [measured]
    file.write_text("{")
    assert [m.measured for m in library.list()] == [None]


def test_two_programs_that_install_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Each clears away what was cut off before it begins; that must not be the other's copy."""
    refs = [f"tiny{i}@1.0.0" for i in range(6)]
    for i in range(6):
        model_folder(tmp_path / f"new-{i}", "1.0.0", f"tiny{i}")

    def work(i: int) -> None:
        library = ModelLibrary(tmp_path / "zoo", tmp_path / "models")  # as another program has it
        library.install(tmp_path / f"new-{i}")
        library.activate(f"tiny{i}", "1.0.0")

    with ThreadPoolExecutor(6) as programs:
        list(programs.map(work, range(6)))
    library = ModelLibrary(tmp_path / "zoo", tmp_path / "models")
    assert [m.release.ref for m in library.list()] == refs
    assert len(json.loads((tmp_path / "models" / "active.json").read_text())) == 6


def test_every_shipped_model_is_whole() -> None:
    library = ModelLibrary(shipped_models(), shipped_models() / "none")
    assert not library.broken()
    for model in library.list():
        admit(model.folder, model.release)


def test_what_came_without_signatures_is_marked_as_such(
    library: ModelLibrary, tmp_path: Path
) -> None:
    def signed() -> dict[str, bool]:
        found = {model.release.version: model.signed for model in library.list()}
        assert found.pop("1.0.0"), "it came with EdgeCase"
        return found

    for version in ("1.1.0", "1.2.0"):
        model_folder(tmp_path / version, version)
    library.install(tmp_path / "1.1.0")
    library.install(tmp_path / "1.2.0", signed=True)
    assert signed() == {"1.2.0": True, "1.1.0": False}
    library.install(tmp_path / "1.1.0", signed=True)
    assert signed()["1.1.0"], "the same files, vouched for later"
    manifest = tmp_path / "data" / "models" / "tiny" / "1.2.0" / "model.toml"
    manifest.write_text(manifest.read_text() + "# other\n")
    assert not signed()["1.2.0"], "nobody signed this content"
