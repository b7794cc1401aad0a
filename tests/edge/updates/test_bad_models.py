"""Signed, and still bad: each is out before it serves, with a reason, and isn't fetched again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.adapters.trial import trial_with
from edge.config import VisionSettings, WriterSettings
from edge.errors import EdgeError
from edge.library.library import ModelLibrary
from edge.updates.device import device_of
from edge.updates.outcomes import Outcomes
from edge.updates.pull import Puller
from edge.updates.source import FolderSource
from models.offer import Ring
from models.rollout import Result
from tests.fakes import bad_models
from tests.fakes.vision_models import FINDS
from tower_sync_server.releases import admission

if TYPE_CHECKING:
    from pathlib import Path

    from edge.updates.trusted import TrustedMetadata
    from tests.fakes.release_tower import ReleaseTower

pytestmark = pytest.mark.slow

TRIAL = trial_with(VisionSettings(), WriterSettings())


@pytest.fixture
def library(tower: ReleaseTower, tmp_path: Path) -> ModelLibrary:
    made = ModelLibrary(tmp_path / "no-zoo", tmp_path / "device" / "models")
    made.install(tmp_path / "model")
    return made


@pytest.fixture
def puller(library, seen: TrustedMetadata, tower: ReleaseTower, tmp_path: Path) -> Puller:
    models = tmp_path / "device" / "models"
    outcomes = Outcomes(models)

    def device():
        return device_of(library, {"finds": FINDS}, Ring.ALL, outcomes.failed())

    return Puller(library, models, seen, outcomes, device, lambda: tower.now, 0)


@pytest.mark.parametrize("kind", bad_models.KINDS)
def test_a_bad_model_is_out_before_it_serves(
    puller: Puller, library, tower: ReleaseTower, tmp_path: Path, monkeypatch, kind
):
    # The tower would refuse it too: whoever signs it here has looked away.
    monkeypatch.setattr(admission, "can_try", lambda _: False)
    monkeypatch.setattr(admission, "check_graph", lambda *_: None)
    tower.add(bad_models.KINDS[kind](tmp_path / "bad"))
    source = FolderSource(tower.folder)
    found = puller.look(source)
    (offer,) = found.choice.take
    with pytest.raises(EdgeError) as refused:
        puller.install(found, offer, source, TRIAL, lambda *_: None)
    assert refused.value.message
    outcome = Outcomes(tmp_path / "device" / "models").of("tiny", "1.1.0")
    assert outcome is not None
    assert outcome.result is Result.REFUSED
    assert [model.release.version for model in library.list()] == ["1.0.0"]
    again = puller.look(source)
    assert again.choice.take == ()
    assert again.choice.leave == {"tiny@1.1.0": outcome.reason}


def test_one_that_is_over_the_profiles_budget_is_refused(puller, library, tower, tmp_path):
    tower.add(bad_models.spoilt(tmp_path / "good", "1.1.0"))
    source = FolderSource(tower.folder)
    found = puller.look(source)
    trial = trial_with(VisionSettings(), WriterSettings(), {"tiny": 0.001})
    with pytest.raises(EdgeError, match="allowed a photo"):
        puller.install(found, found.choice.take[0], source, trial, lambda *_: None)
    assert [model.release.version for model in library.list()] == ["1.0.0"]


def test_the_same_model_unspoilt_is_installed(puller, library, tower, tmp_path):
    """The control."""
    tower.add(bad_models.spoilt(tmp_path / "good", "1.1.0"))
    source = FolderSource(tower.folder)
    found = puller.look(source)
    puller.install(found, found.choice.take[0], source, TRIAL, lambda *_: None)
    assert [model.release.version for model in library.list()] == ["1.1.0", "1.0.0"]
