"""A version that can't serve at the start makes way for the one before."""

from __future__ import annotations

import pytest

from edge.adapters.vision.messages import Start
from edge.adapters.vision.pool import VisionLimits, WorkerVision
from edge.errors import RefusedModelFileError
from edge.events import EventKind, Events
from edge.library.library import ModelLibrary
from edge.ports import VisionStatus
from edge.updates.fallback import Fallback
from edge.updates.outcomes import Outcomes
from models.rollout import Result
from tests.fakes.vision_models import FINDS, detector


class Eyes:
    """Have left out one version; may be unable to start another."""

    def __init__(self, refused: dict[str, str], can_reload: bool = True) -> None:
        self.refused, self.can_reload, self.reloads = refused, can_reload, 0

    async def ready(self) -> VisionStatus:
        return VisionStatus(True, "", 1, 0, 0, refused=self.refused)

    async def reload(self) -> VisionStatus:
        self.reloads += 1
        if not self.can_reload:
            raise RefusedModelFileError("neither can this one")
        return VisionStatus(True, "", 1, 0, 0)


@pytest.fixture
def library(tmp_path) -> ModelLibrary:
    made = ModelLibrary(tmp_path / "no-zoo", tmp_path / "models")
    for version in ("1.0.0", "1.1.0"):
        (tmp_path / version).mkdir()
        made.install(detector(tmp_path / version, version=version))
    made.activate("tiny", "1.1.0")
    return made


def active(library: ModelLibrary) -> str:
    model = library.active("tiny")
    return model.release.version if model else ""


@pytest.mark.parametrize("key", ["tiny@1.1.0", "tiny"])
async def test_the_version_before_serves_and_it_is_noted(library, tmp_path, key):
    outcomes, eyes, events = Outcomes(tmp_path / "models"), Eyes({key: "it rotted"}), Events()
    async with events.listen() as heard:
        await Fallback(eyes, library, outcomes, events).look()
        assert (await heard.next(1)).kind is EventKind.MODEL_SWAPPED
    assert (active(library), eyes.reloads) == ("1.0.0", 1)
    assert outcomes.failed() == {"tiny@1.1.0": "it rotted"}


async def test_where_the_one_before_does_not_serve_either_the_choice_stays(library, tmp_path):
    outcomes, eyes = Outcomes(tmp_path / "models"), Eyes({"tiny": "no"}, can_reload=False)
    await Fallback(eyes, library, outcomes, Events()).look()
    assert (active(library), eyes.reloads, outcomes.all()) == ("1.1.0", 1, ())


async def test_where_there_is_no_other_version_it_is_told_and_nothing_ends(tmp_path, caplog):
    library = ModelLibrary(tmp_path / "no-zoo", tmp_path / "models")
    (tmp_path / "one").mkdir()
    library.install(detector(tmp_path / "one"))
    eyes = Eyes({"tiny@1.0.0": "no"})
    await Fallback(eyes, library, Outcomes(tmp_path / "models"), Events()).look()
    assert eyes.reloads == 0
    assert "no other version" in caplog.text


async def test_a_version_that_failed_before_is_passed_over(library, tmp_path):
    (tmp_path / "1.2.0").mkdir()
    library.install(detector(tmp_path / "1.2.0", version="1.2.0"))
    library.activate("tiny", "1.2.0")
    outcomes = Outcomes(tmp_path / "models")
    outcomes.note("tiny", "1.1.0", Result.WORSE, "slow")
    await Fallback(Eyes({"tiny@1.2.0": "no"}), library, outcomes, Events()).look()
    assert active(library) == "1.0.0"


async def test_where_all_is_well_nothing_happens(library, tmp_path):
    eyes = Eyes({})
    await Fallback(eyes, library, Outcomes(tmp_path / "models"), Events()).look()
    assert (active(library), eyes.reloads) == ("1.1.0", 0)


@pytest.mark.slow
async def test_a_real_worker_with_rotten_weights_comes_back_to_the_version_before(
    library, tmp_path
):
    weights = tmp_path / "models" / "tiny" / "1.1.0" / "weights.onnx"
    weights.write_bytes(bytes(weights.stat().st_size))

    def plan() -> Start:
        model = library.active("tiny")
        return Start((FINDS,), {"tiny": str(model.folder)} if model else {}, threads=1)

    eyes = WorkerVision(plan, VisionLimits())
    await eyes.start()
    try:
        await Fallback(eyes, library, Outcomes(tmp_path / "models"), Events()).look()
        assert [model.ref for model in eyes.status().models] == ["tiny@1.0.0"]
    finally:
        await eyes.close()
