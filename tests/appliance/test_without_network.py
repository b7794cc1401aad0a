"""On a machine that never had a network: installed from a bundle, all that it takes in it."""

from __future__ import annotations

import json
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.appliance.container import ROOT, Container
from tests.appliance.device import PHOTO, log_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(300)]
ASK = """
import sys, urllib.request as u
photo = open(sys.argv[2], "rb").read() if sys.argv[2:] else None
r = u.Request("http://127.0.0.1:8000" + sys.argv[1], photo)
if photo: r.add_header("Content-Type", "image/jpeg")
sys.stdout.write(u.urlopen(r, timeout=60).read().decode())
"""
"""A program over there that asks its device: from here nobody reaches it."""
SUMMARY = """
timeout 120 bash -c 'until ask /cases/{case} | grep -q "\\"author\\": *\\"llm\\""; do sleep 1; done'
"""


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
    (made.root / "usr/local/bin/ask").write_text(f"#!/usr/bin/python3\n{ASK}")
    (made.root / "usr/local/bin/ask").chmod(0o755)
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
    assert json.loads(alone.run("ask /health"))["ready"]
    case = json.loads(alone.run(f"ask /cases /src/{PHOTO.relative_to(ROOT)}"))
    assert case["predictions"]
    assert [one["id"] for one in json.loads(alone.run("ask /cases"))["cases"]] == [case["id"]]


def test_the_other_binding_of_the_language_model_writes_within_every_lock(alone: Container) -> None:
    alone.run(
        "printf '[writer]\\nengine = \"llama-cpp-python\"\\n' >> /etc/edgecase/edge.toml;"
        "systemctl restart edgecase"
    )
    case = json.loads(alone.run(f"ask /cases /src/{PHOTO.relative_to(ROOT)}"))
    assert case["summary"]["author"] == "template", "which is there at once"
    alone.run(SUMMARY.format(case=case["id"]).strip())
    assert json.loads(alone.run(f"ask /cases/{case['id']}"))["summary"]["verified"]
    assert "writer.child llama-cpp-python" in alone.run("ps -e -ww -o args=")
    assert "writer_less_confined" not in log_of(alone, "edgecase")
