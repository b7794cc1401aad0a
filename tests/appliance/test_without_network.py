"""On a machine that never had a network: installed from a bundle, all that it takes in it."""

from __future__ import annotations

import time
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.appliance.container import Container
from tests.appliance.device import PHOTO, ask_alone, log_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(300)]


def wheel_of(name: str, folder: Path) -> None:
    """Make a wheel of what is installed here: the registry has none, and it takes minutes.

    It holds code for this very processor; the container's is the same.
    """
    own = distribution(name)
    tag = next(
        line.removeprefix("Tag: ")
        for line in (own.read_text("WHEEL") or "").splitlines()
        if line.startswith("Tag: ")
    )
    target = folder / f"{name.replace('-', '_')}-{own.version}-{tag}.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for each in own.files or []:
            if ".." not in each.parts and each.suffix != ".pyc":
                packed.write(each.locate(), each.as_posix())


@pytest.fixture(scope="module")
def alone(bundle: Path, release: str) -> Iterator[Container]:
    """A machine that nothing was installed on, with a bundle and no network, from the first on."""
    llama = bundle / "llama-amd64"
    llama.mkdir()
    for name in ("llama-cpp-python", "diskcache"):
        wheel_of(name, llama)
    made = Container({bundle: Path("/opt/bundle")}, release=release, online=False)
    try:
        made.boot()
        yield made
    finally:
        made.remove()


def test_there_is_no_network_and_without_a_bundle_nothing_is_installed(alone: Container) -> None:
    assert [line.split()[0] for line in alone.run("ip -o -br link").splitlines()] == ["lo"]
    alone.run("/src/install.sh --no-start", code=1)
    alone.run("test ! -e /opt/edgecase/current")


def test_from_a_bundle_it_is_installed_and_takes_a_photo(alone: Container) -> None:
    said = alone.run("/src/install.sh --offline /opt/bundle")
    assert "✓ start edgecase.service" in said
    assert alone.run("systemctl is-active edgecase").strip() == "active"
    assert ask_alone(alone, "/health")["ready"]
    case = ask_alone(alone, "/cases", PHOTO)
    assert case["predictions"]
    assert [one["id"] for one in ask_alone(alone, "/cases")["cases"]] == [case["id"]]


def test_the_other_binding_of_the_language_model_writes_within_every_lock(alone: Container) -> None:
    alone.run(
        "printf '[writer]\\nengine = \"llama-cpp-python\"\\n' >> /etc/edgecase/edge.toml;"
        "systemctl restart edgecase"
    )
    case = ask_alone(alone, "/cases", PHOTO)
    assert case["summary"]["author"] == "template", "which is there at once"
    end = time.monotonic() + 120
    while (summary := ask_alone(alone, f"/cases/{case['id']}")["summary"])["author"] != "llm":
        assert time.monotonic() < end, log_of(alone, "edgecase")[-2000:]
        time.sleep(1)
    assert summary["verified"]
    assert "writer.child llama-cpp-python" in alone.run("ps -e -ww -o args=")
    assert "writer_less_confined" not in log_of(alone, "edgecase")
