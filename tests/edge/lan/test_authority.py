"""The certificates as OpenSSL sees them: what they prove, and what they can't."""

from __future__ import annotations

import errno
import os
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from edge.errors import OperatorError
from edge.lan.authority import (
    AUTHORITY_LIFE,
    BEGIN,
    SOON,
    allowed,
    names_of,
    new_authority,
    new_server,
    why_renew,
)
from edge.lan.keyring import AUTHORITY, SERVER, Keyring
from edge.lan.local_tls import LocalTls

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAMES = ("edgecase-3f9a.local", "garage.local", "garage.example", "192.168.1.7", "fd00::7")


@pytest.fixture(scope="module")
def authority():
    return new_authority("edgecase-3f9a", NAMES)


def handshake(server_pem: Path, authority_pem: str, name: str) -> None:
    """A handshake in memory; raises what the client finds wrong."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server_pem)
    asking = ssl.create_default_context(cadata=authority_pem)
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    a_in, a_out, b_in, b_out = (ssl.MemoryBIO() for _ in range(4))
    client = asking.wrap_bio(a_in, a_out, server_hostname=name)
    server = serving.wrap_bio(b_in, b_out, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                if side is client:
                    raise
            b_in.write(a_out.read())
            a_in.write(b_out.read())
    assert client.version() is not None
    client.getpeercert()


def pem(signed) -> str:
    return ssl.DER_cert_to_PEM_cert(signed.der)


@pytest.mark.parametrize("name", [*NAMES, "127.0.0.1", "localhost"])
def test_a_client_that_trusts_the_authority_believes_every_name_of_the_device(
    authority, tmp_path, name
):
    made = new_server(authority, (*NAMES, "127.0.0.1", "localhost"), datetime.now(UTC))
    (tmp_path / "s.pem").write_bytes(made.pem)
    handshake(tmp_path / "s.pem", pem(authority), name)


@pytest.mark.parametrize("name", ["bank.example", "example", "evilgarage.example", "local.example"])
def test_a_stolen_authority_vouches_for_no_other_site(authority, tmp_path, name):
    made = new_server(authority, (name,), datetime.now(UTC))
    (tmp_path / "s.pem").write_bytes(made.pem)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        handshake(tmp_path / "s.pem", pem(authority), name)


def test_another_name_than_the_devices_is_not_believed(authority, tmp_path):
    made = new_server(authority, NAMES, datetime.now(UTC))
    (tmp_path / "s.pem").write_bytes(made.pem)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path / "s.pem", pem(authority), "other.local")


def test_another_devices_authority_is_not_believed(authority, tmp_path):
    made = new_server(new_authority("edgecase-3f9a", NAMES), NAMES, datetime.now(UTC))
    (tmp_path / "s.pem").write_bytes(made.pem)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path / "s.pem", pem(authority), "garage.local")


def test_a_certificate_lasts_no_longer_than_ios_takes(authority):
    made = new_server(authority, NAMES, NOW).certificate
    life = made.not_valid_after_utc - made.not_valid_before_utc
    assert timedelta(days=365) < life <= timedelta(days=398)
    assert made.not_valid_before_utc < NOW


def test_the_authority_is_good_whatever_the_clock_says(authority):
    certificate = authority.certificate
    assert certificate.not_valid_before_utc == BEGIN
    assert certificate.not_valid_after_utc == BEGIN + AUTHORITY_LIFE


def test_only_what_the_authority_may_sign_is_asked_of_it(authority):
    asked = ("x.local", "other.example", "10.0.0.1", "www.garage.example", "x.local")
    assert allowed(authority.certificate, asked) == ("x.local", "10.0.0.1", "www.garage.example")


def test_a_new_address_an_end_that_nears_and_a_wrong_clock_are_reasons_to_renew(authority):
    made = new_server(authority, NAMES, NOW).certificate
    assert why_renew(made, NAMES, NOW) == ""
    assert why_renew(made, NAMES[:2], NOW) == ""
    assert "10.0.0.9" in why_renew(made, (*NAMES, "10.0.0.9"), NOW)
    late = made.not_valid_after_utc - SOON + timedelta(hours=1)
    assert why_renew(made, NAMES, late) == "it ends soon"
    assert "clock" in why_renew(made, NAMES, NOW - timedelta(days=30))


@pytest.fixture
def keyring(tmp_path):
    return Keyring(tmp_path / "tls")


def make(keyring, names=NAMES, now=NOW):
    tls = LocalTls(8443, keyring, names, lambda: now)
    tls.context()
    return tls


def test_the_keys_are_their_owners_alone(keyring, tmp_path):
    make(keyring)
    folder = tmp_path / "tls"
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {p.name: p.stat().st_mode & 0o777 for p in folder.iterdir()}
    assert modes == {AUTHORITY: 0o600, SERVER: 0o600}


def test_the_authority_stays_the_same_over_restarts_and_renewals(keyring):
    first, second = make(keyring), make(keyring, now=NOW + timedelta(days=390))
    assert first.authority == second.authority
    assert keyring.server().certificate.not_valid_after_utc > NOW + timedelta(days=700)


def test_a_new_address_comes_into_the_certificate_and_into_the_context_that_serves(keyring):
    tls = make(keyring)
    context, before = tls.context(), keyring.server().der
    assert not tls.renew(("192.168.1.7",))
    assert tls.renew(("192.168.9.9",))
    assert tls.context() is context
    assert "192.168.9.9" in names_of(keyring.server().certificate)
    assert keyring.server().der != before


def test_of_two_processes_that_make_an_authority_one_wins(keyring):
    one, two = new_authority("a", ()), new_authority("b", ())
    assert keyring.add_authority(one).der == keyring.add_authority(two).der == one.der


@pytest.mark.parametrize("damage", [b"", b"no key", None])
def test_a_damaged_certificate_is_made_again_and_a_damaged_authority_is_said(
    keyring, tmp_path, damage
):
    make(keyring)
    other = new_authority("x", ()).pem
    (tmp_path / "tls" / SERVER).write_bytes(other if damage is None else damage)
    make(keyring)
    assert names_of(keyring.server().certificate) >= set(NAMES)
    if damage is not None:
        (tmp_path / "tls" / AUTHORITY).write_bytes(damage)
        with pytest.raises(OperatorError, match="can't be read"):
            make(keyring)


def test_names_that_came_later_are_left_out(keyring):
    make(keyring)
    make(keyring, (*NAMES, "later.example"))
    assert "later.example" not in names_of(keyring.server().certificate)


def test_with_the_disk_full_the_old_certificate_serves_on(keyring, monkeypatch):
    make(keyring)
    monkeypatch.setattr(Keyring, "put_server", full)
    tls = make(keyring, (*NAMES, "later.local"))
    assert tls.context() is not None
    with pytest.raises(OSError, match="No space"):
        tls.renew(())


def test_without_any_certificate_nothing_is_served(keyring, monkeypatch):
    monkeypatch.setattr(Keyring, "put_server", full)
    with pytest.raises(OSError, match="No space"):
        make(keyring)


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
