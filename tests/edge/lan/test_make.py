"""What the settings make of the network."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from edge.config import HttpSettings
from edge.errors import OperatorError
from edge.lan.authority import names_of
from edge.lan.keyring import Keyring
from edge.lan.make import FOLDER, make_lan
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.layout import Layout


@pytest.fixture
async def layout(tmp_path: Path) -> Layout:
    async with opened(tmp_path) as store:
        return store.layout


def test_a_device_on_loopback_makes_no_keys(layout: Layout) -> None:
    lan = make_lan(HttpSettings(), layout)
    assert (lan.tls.port, lan.fingerprint) == (0, b"")
    assert not (layout.root / FOLDER).exists()


def test_a_device_on_the_network_is_certified_for_its_names_and_those_of_the_settings(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Garage")
    allowed = ("Shop.example", "bad name", "10.0.0.9")
    lan = make_lan(HttpSettings(host="0.0.0.0", allowed_hosts=allowed), layout)
    assert lan.tls.context() is not None
    server = Keyring(layout.root / FOLDER).server()
    assert server
    names = names_of(server.certificate)
    assert {"garage.local", "shop.example", "10.0.0.9", "127.0.0.1"} <= names
    assert any(name.startswith("edgecase-") for name in names)
    assert "bad name" not in names


def test_without_mdns_the_name_that_nobody_would_find_is_not_told(layout: Layout) -> None:
    lan = make_lan(HttpSettings(host="0.0.0.0", mdns=False), layout)
    assert not any(name.startswith("edgecase-") for name in lan.names)


def test_keys_that_can_not_be_made_are_said_in_one_sentence(layout: Layout) -> None:
    (layout.root / FOLDER).write_text("in the way")
    with pytest.raises(OperatorError):
        make_lan(HttpSettings(host="0.0.0.0"), layout)


def test_what_is_seldom_needed_is_not_loaded_before() -> None:
    code = "import sys, json, edge.daemon; print(json.dumps(sorted(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"segno", "zeroconf"}
    assert heavy & set(json.loads(said.stdout)) == set()
