"""The file that makes a device part of a fleet."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.bundle import MAX_BYTES, Bundle, parse
from sync.errors import BadBundleError, BadNameError, SyncError
from tower_sync_server.fleet.certificates import for_client, key_pem, new_authority, new_key, pem

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def made(name: str = "pi", *, with_key: bool = True) -> Bundle:
    devices, tower, key = new_authority("devices", NOW), new_authority("tower", NOW), new_key()
    certificate = pem(for_client(devices, name, key.public_key(), NOW))
    own = key_pem(key) if with_key else ""
    return Bundle(name, "tower.local", 8883, certificate, pem(tower.certificate), own)


PI = made()
TEXT = PI.text()


@pytest.mark.parametrize("with_key", [True, False])
def test_what_is_written_is_read_again(with_key: bool) -> None:
    bundle = made(with_key=with_key)

    assert parse(bundle.text()) == bundle


def test_it_carries_whose_releases_to_believe() -> None:
    bundle = replace(PI, releases=b'{"signed": {}}')

    assert parse(bundle.text()) == bundle
    with pytest.raises(BadBundleError, match="whose releases"):
        parse(bundle.text().replace("releases: ", "releases: !"))


def test_it_says_until_when_and_what_it_is() -> None:
    assert "until: 2028-11-19" in TEXT
    assert "delete it" in TEXT
    assert "Without a key" in made(with_key=False).text()


def test_words_of_a_later_version_are_skipped() -> None:
    assert parse(TEXT.replace("port: 8883", "port: 8883\ncolour: green\nand so on")) == PI


def test_an_authority_that_is_being_changed_may_be_two() -> None:
    both = PI.authority + made().authority

    assert parse(replace(PI, authority=both).text()).authority == both


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: "", "no bundle"),
        (lambda t: "hello", "no bundle"),
        (lambda t: t + "x" * MAX_BYTES, "no bundle"),
        (lambda t: t.replace("bundle 1", "bundle 2"), "begins with 'EdgeCase bundle 2'"),
        (lambda t: t.replace("name: pi", "name: po"), "another device's"),
        (lambda t: t.replace("host: tower.local", "host: "), "where the tower is"),
        (lambda t: t.replace("host: tower.local", "host: a b"), "where the tower is"),
        (lambda t: t.replace("port: 8883", "port: 0"), "where the tower is"),
        (lambda t: t.replace("port: 8883", "port: x"), "missing"),
        (lambda t: t[: len(t) // 2], "cut short|missing"),
        (lambda t: t.replace(PI.authority, ""), "missing"),
        (lambda t: t.replace(PI.authority, PI.certificate), "no authority"),
        (lambda t: t.replace(PI.key, key_pem(new_key())), "doesn't go with"),
        (lambda t: t.replace(PI.key, PI.key * 2), "missing"),
        (lambda t: re.sub(r"MI[A-Za-z0-9+/]{20}", "AAAA", t), "read|go with"),
    ],
)
def test_what_can_not_work_is_refused(change, words: str) -> None:
    with pytest.raises(BadBundleError, match=words):
        parse(change(TEXT))


def test_a_name_that_can_not_be_a_devices_is_refused() -> None:
    with pytest.raises(BadNameError):
        parse(TEXT.replace("name: pi", "name: +/#"))


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.integers(0, len(TEXT) - 1), st.characters(codec="ascii"))
def test_a_damaged_one_is_refused_or_read_and_nothing_else(at: int, sign: str) -> None:
    with contextlib.suppress(SyncError):
        parse(TEXT[:at] + sign + TEXT[at + 1 :])
