"""Which models are on the device, and which version of each is active.

    models/zoo/ID/VERSION/            shipped
    DATA_DIR/models/ID/VERSION/       installed; wins where both have the same version
    DATA_DIR/models/active.json       chosen versions, and the ones before them
    DATA_DIR/models/signed.json       which of them came as signed releases
    DATA_DIR/models/measured.json     how fast they run here, as the vision worker measured

Nothing chosen means the newest. A folder whose name begins with a dot is half written, or on its
way out, and doesn't count. Nothing is loaded or run here.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import NotFoundError, OperatorError, RefusedModelFileError
from edge.library.measure import Measurement
from edge.library.vouched import FILE as VOUCHED
from edge.library.vouched import fingerprint, read_vouched
from edge.store.failures import translated
from edge.store.files import sync_folder
from models.admission.limits import AdmissionLimits
from models.jsonable import InvalidWordError, from_json, to_json
from models.release import ModelRelease, read_manifest
from models.runner import RefusedModelError
from models.semver import precedence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from models.answers import Answers

    Trial = Callable[[Path, ModelRelease], None]
    """Runs the model in this folder; raises RefusedModelError where it must not serve."""

_ACTIVE, _MEASURED = "active.json", "measured.json"


@dataclass(frozen=True, slots=True)
class Model:
    """One version of one model on this device."""

    release: ModelRelease
    """Its manifest."""
    folder: Path
    """Where its files are."""
    shipped: bool
    """True: it came with EdgeCase."""
    active: bool
    """True: this version serves."""
    measured: Measurement | None = None
    """How fast it runs here; None before it was measured."""
    signed: bool = False
    """True: it came with EdgeCase, or as a release whose signatures were checked."""


Versions = list[Model]
"""Of one model, newest first."""
Folders = list[tuple[Path, bool, ModelRelease | str]]
"""Folder, whether it is a shipped one, its manifest or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one model."""

    version: str
    """The active one."""
    before: tuple[str, ...] = ()
    """The ones that were active before, last one last."""


class ModelLibrary:
    """The models of the device. Any thread and any program may use it at any time."""

    def __init__(self, zoo: Path, models: Path, limits: AdmissionLimits | None = None) -> None:
        """Look into these folders; neither needs to be there.

        Args:
            zoo: the shipped models.
            models: DATA_DIR/models.
            limits: what `install` takes; None: the defaults.
        """
        self._zoo, self._models = zoo, models
        self._limits = limits or AdmissionLimits()
        self._writing = threading.Lock()

    def list(self) -> tuple[Model, ...]:
        """All models by id, the newest version of each first."""
        choices, found = self._choices(), []
        for versions in self._versions().values():
            version = _chosen(versions, choices.get(versions[0].release.id))
            found += [replace(m, active=m.release.version == version) for m in versions]
        return tuple(found)

    def broken(self) -> Mapping[str, str]:
        """Folder → why what lies there is no model."""
        return {str(folder): why for folder, _, why in self._folders() if isinstance(why, str)}

    def active(self, id: str) -> Model | None:  # noqa: A002 - the manifest's own word
        """The version of this model that serves; None where none is installed."""
        return next((m for m in self.list() if m.release.id == id and m.active), None)

    def previous(self, id: str) -> Model | None:  # noqa: A002 - the manifest's own word
        """The version that served before the active one and is still here; None without one."""
        chosen = self._before(id)
        here = {m.release.version: m for m in self.list() if m.release.id == id and not m.active}
        return next((here[v] for v in reversed(chosen) if v in here), None)

    def find(self, id: str, version: str) -> Model:  # noqa: A002 - the manifest's own word
        """This version of this model.

        Raises:
            NotFoundError: it isn't on the device.
        """
        models = [m for m in self.list() if m.release.id == id]
        for model in models:
            if model.release.version == version:
                return model
        known = ", ".join(m.release.version for m in models) or "none"
        raise NotFoundError(f"There is no {id} {version}.", f"Versions on this device: {known}.")

    def install(
        self,
        path: Path,
        answers: Answers | None = None,
        trial: Trial | None = None,
        *,
        signed: bool = False,
    ) -> ModelRelease:
        """Copy a model onto the device: a folder with `model.toml`, or a bare file.

        A model that is new to the device is active at once. Of a known one the active version
        stays, until `activate` says otherwise.

        Args:
            path: the folder or the file.
            answers: for a bare file: what it doesn't tell.
            trial: runs it before it counts; None looks at its files alone.
            signed: it is a release, whose signatures the caller has checked.

        Raises:
            RefusedModelFileError: it can't serve, or this version has other content here already.
            NeedsAnswersError: a bare file doesn't tell everything.
            DiskFullError: no room; nothing was installed.
        """
        # Here and not above: what looks into weights needs numpy, which the daemon does without.
        from edge.library.staging import place, staged

        with self._alone(), _refusing(f"{path.name} is not taken"):
            with staged(self._models, path, answers, self._limits) as (folder, release):
                if trial is not None:
                    trial(folder, release)
                self._keep_active(release.id)
                if signed:  # first, so that what was cut off here is vouched for too
                    vouched = {**read_vouched(self._models), release.ref: fingerprint(folder)}
                    _write(self._models / VOUCHED, vouched)
                place(folder, self._models / release.id / release.version, release)
            return release

    def activate(
        self,
        id: str,  # noqa: A002 - the manifest's own word
        version: str,
        trial: Trial | None = None,
    ) -> Model:
        """Choose this version; what serves changes with the next reload.

        Args:
            id: which model.
            version: which of its versions.
            trial: runs it before it is chosen; None trusts it.

        Raises:
            NotFoundError: it isn't on the device.
            RefusedModelFileError: it failed its trial; nothing has changed.
            DiskFullError: no room; nothing has changed.
        """
        with self._alone():
            model, now = self.find(id, version), self.active(id)
            if trial is not None:
                with _refusing(f"{id} {version} stays off"):
                    trial(model.folder, model.release)
            if now is not None and now.release.version != version:
                before = self._before(id)
                self._choose(id, Choice(version, (*before, now.release.version)[-10:]))
            else:
                self._choose(id, Choice(version, self._before(id)))
            return replace(model, active=True)

    def rollback(
        self,
        id: str,  # noqa: A002 - the manifest's own word
        leave: str = "",
        avoid: Collection[str] = (),
    ) -> Model:
        """Choose the version that was active before; what serves changes with the next reload.

        Args:
            id: which model.
            leave: the version to go back from; where another is active, nothing changes.
            avoid: id@version of what must not be chosen.

        Raises:
            NotFoundError: there is no such model.
            OperatorError: there is no version to go back to.
        """
        with self._alone():
            now = self.active(id)
            if now is None:
                raise NotFoundError(f"There is no model {id}.", "See: edgecase models list")
            if leave not in ("", now.release.version):
                return now
            here = [m.release.version for m in self.list() if m.release.id == id]
            here = [v for v in here if v == now.release.version or f"{id}@{v}" not in avoid]
            before = [v for v in self._before(id) if v in here and v != now.release.version]
            older = here[here.index(now.release.version) + 1 :][:1]
            target = (before or older)[-1:]
            if not target:
                raise OperatorError(
                    f"There is no other version of {id} to go back to.",
                    "Install one: edgecase models install FILE",
                )
            self._choose(id, Choice(target[0], tuple(before[:-1])))
            return self.find(id, target[0])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one writer at a time: of this program's threads, and of all programs."""
        with self._writing, translated(self._models):
            self._models.mkdir(parents=True, exist_ok=True)
            with (self._models / ".lock").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
                yield

    def _versions(self) -> dict[str, Versions]:
        """Id → its versions, newest first."""
        by_ref: dict[str, Model] = {}
        figures = _measured(self._models / _MEASURED)
        signed = read_vouched(self._models)
        for folder, shipped, release in self._folders():
            if isinstance(release, ModelRelease):
                measured = figures.get(f"{release.ref} {release.weights.sha256[:16]}")
                vouched = shipped or signed.get(release.ref) == fingerprint(folder)
                by_ref[release.ref] = Model(release, folder, shipped, False, measured, vouched)
        grouped: dict[str, Versions] = {}
        for model in sorted(by_ref.values(), key=lambda m: precedence(m.release.version)):
            grouped.setdefault(model.release.id, []).insert(0, model)
        return dict(sorted(grouped.items()))

    def _folders(self) -> Folders:
        """Each version's folder, shipped ones first."""
        found: Folders = []
        for root, shipped in ((self._zoo, True), (self._models, False)):
            for of_one_model in _subfolders(root):
                for folder in _subfolders(of_one_model):
                    found.append((folder, shipped, _manifest(folder)))
        return found

    def _choices(self) -> dict[str, Choice]:
        """What was chosen; a file that can't be read counts as nothing chosen."""
        try:
            said = json.loads((self._models / _ACTIVE).read_text(encoding="utf-8"))
            return {str(k): from_json(Choice, v) for k, v in said.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def _before(self, id: str) -> tuple[str, ...]:  # noqa: A002 - the manifest's own word
        choice = self._choices().get(id)
        return choice.before if choice else ()

    def _choose(self, id: str, choice: Choice) -> None:  # noqa: A002 - the manifest's own word
        choices = {**self._choices(), id: choice}
        _write(self._models / _ACTIVE, {k: to_json(v) for k, v in sorted(choices.items())})

    def _keep_active(self, id: str) -> None:  # noqa: A002 - the manifest's own word
        """Before another version comes: what serves becomes chosen.

        It was the newest, or its folder took the place of a chosen one that is gone and may come.
        """
        now = self.active(id)
        choice = self._choices().get(id)
        if now is not None and (choice is None or choice.version != now.release.version):
            self._choose(id, Choice(now.release.version, self._before(id)))


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Say what a refusal was about."""
    try:
        yield
    except RefusedModelError as e:
        raise RefusedModelFileError(f"{what}: {e}", e.hint) from e


def shipped_models() -> Path:
    """The folder of the models that come with EdgeCase."""
    import models.release

    return Path(models.release.__file__).parent / "zoo"


def _subfolders(folder: Path) -> Iterator[Path]:
    """By name, those that count; none where the folder is gone: an install may just clear up."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if not e.name.startswith((".", "_")) and e.is_dir()]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    for name in sorted(names):
        yield folder / name


def _chosen(versions: Versions, choice: Choice | None) -> str:
    here = [model.release.version for model in versions]
    return choice.version if choice is not None and choice.version in here else here[0]


def _manifest(folder: Path) -> ModelRelease | str:
    try:
        release = read_manifest(folder)
    except InvalidWordError as e:
        return str(e)
    if (release.id, release.version) != (folder.parent.name, folder.name):
        return f"{folder}: the manifest says {release.ref}"
    return release


def _measured(path: Path) -> dict[str, Measurement]:
    """What the vision worker measured, by its fingerprints: they begin with what was measured."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        found = {str(k): from_json(Measurement, v) for k, v in said.items()}
    except (OSError, ValueError, AttributeError):  # anything unreadable is measured again
        return {}
    return {" ".join(key.split(" ")[:2]): measurement for key, measurement in found.items()}


def _write(path: Path, value: object) -> None:
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)
