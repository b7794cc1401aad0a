"""Each floor installs alone, from its lock file, as a wheel, without the other's dependencies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def environment(folder: Path, extra: str) -> Path:
    """Make a virtual environment holding `extra` from its lock, and EdgeCase itself."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    lock = ROOT / "requirements" / f"{extra}.lock"
    subprocess.run([*pip, "--require-hashes", "-r", lock], check=True)
    shutil.rmtree(ROOT / "build", ignore_errors=True)  # an earlier build's files would go along
    subprocess.run([*pip, "--no-deps", ROOT], check=True)
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    return python


def importable(python: Path, *modules: str) -> set[str]:
    """Which of `modules` that environment can import, run away from the checkout."""
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try: importlib.import_module(name); print(name)\n"
        "    except ImportError: pass\n"
    )
    answer = subprocess.run(
        [python, "-I", "-c", code, *modules],
        check=True,
        capture_output=True,
        text=True,
        cwd=python.parent,
    )
    return set(answer.stdout.split())


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("edge") / "venv", "edge")


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("tower") / "venv", "tower")


def test_the_edge_installs_without_what_only_the_tower_needs(edge: Path) -> None:
    never = {"sqlalchemy", "torch", "alembic", "llama_cpp", "picamera2"}

    assert importable(edge, "edge.daemon", "edge.inspection", *never) == {
        "edge.daemon",
        "edge.inspection",
    }


def test_the_edge_carries_its_profiles_pages_and_models(edge: Path) -> None:
    program = edge.with_name("edgecase")
    photo = next((ROOT / "tests/data/photos/vehicle").glob("*.jpg"))

    done = subprocess.run(
        [program, "check", "--json", photo], capture_output=True, text=True, cwd=edge.parent
    )

    assert '"status"' in done.stdout, done.stderr
    assert "vehicle-damage-detector@" in done.stdout


def test_the_tower_installs_without_a_camera_an_engine_or_a_language_model(tower: Path) -> None:
    never = {"onnxruntime", "cv2", "torch", "xllamacpp", "llama_cpp", "ai_edge_litert"}

    wanted = {"tower_sync_server.server", "tower_sync_server.worker_process", "models.case"}

    assert importable(tower, *wanted, *never) == wanted


def test_the_tower_carries_its_migrations(tower: Path, tmp_path: Path) -> None:
    code = (
        "from tower_sync_server.database.engine import connect\n"
        "from tower_sync_server.migrations.upgrade import migrate\n"
        "migrate(connect('sqlite:///archive.db'))\n"
    )

    subprocess.run([tower, "-I", "-c", code], check=True, cwd=tmp_path)

    assert (tmp_path / "archive.db").stat().st_size > 0


def test_the_tower_carries_its_pages(tower: Path) -> None:
    code = (
        "from tower_sync_server.api.render import WEB\n"
        "print(*sorted(str(p.relative_to(WEB)) for p in WEB.rglob('*.*')))"
    )

    done = subprocess.run([tower, "-I", "-c", code], check=True, capture_output=True, text=True)

    here = ROOT / "tower_sync_server" / "web"
    assert done.stdout.split() == sorted(str(p.relative_to(here)) for p in here.rglob("*.*"))
