"""Letting devices in, renewing them, shutting them out."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sync.bundle import parse
from tower_sync_server.errors import BadRequestError, NotFoundError, OperatorError
from tower_sync_server.fleet.fleet import Address, Before, Fleet
from tower_sync_server.fleet.folder import DEVICES, TOWER
from tower_sync_server.fleet.words import Standing

if TYPE_CHECKING:
    from pathlib import Path

AT = Address("tower.local", 8883)
DAY = timedelta(days=1)


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def fleet(tmp_path: Path, time: Time) -> Fleet:
    return Fleet(tmp_path / "fleet", time)


def standings(fleet: Fleet, time: Time) -> list[tuple[str, Standing]]:
    return [(one.name, one.standing(time.now)) for one in fleet.passes()]


def asked(name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return request.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_a_bundle_holds_everything_and_lasts_two_years(fleet: Fleet, time: Time) -> None:
    bundle = parse(fleet.enroll("pi-7", AT).text())

    assert (bundle.name, bundle.host, bundle.port) == ("pi-7", "tower.local", 8883)
    assert bundle.key != ""
    assert bundle.until - time.now == timedelta(days=730)
    assert bundle.since < time.now


def test_the_key_of_a_device_stays_nowhere_on_the_tower(fleet: Fleet) -> None:
    bundle = fleet.enroll("pi", AT)

    files = [path for path in fleet.folder.root.rglob("*") if path.is_file()]
    assert len(files) > 4
    middle = bundle.key.splitlines()[1]
    assert [path for path in files if middle in path.read_text()] == []


def test_the_folder_is_nobody_elses_to_read(fleet: Fleet) -> None:
    fleet.enroll("pi", AT)
    fleet.ensure()

    root = fleet.folder.root
    modes = {stat.S_IMODE(p.stat().st_mode) for p in root.rglob("*") if p.is_file()}
    folders = {stat.S_IMODE(p.stat().st_mode) for p in (root, *root.rglob("*")) if p.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_the_authorities_are_made_once(fleet: Fleet, time: Time) -> None:
    first, second = fleet.enroll("a", AT), fleet.enroll("b", AT)

    assert first.authority == second.authority
    devices = fleet.folder.authority(DEVICES, time.now).certificate
    first.issued.verify_directly_issued_by(devices)
    second.issued.verify_directly_issued_by(devices)


def test_what_signs_devices_is_not_what_a_device_knows_the_broker_by(
    fleet: Fleet, time: Time
) -> None:
    bundle = fleet.enroll("pi", AT)

    tower = fleet.folder.authority(TOWER, time.now).certificate
    known = x509.load_pem_x509_certificate(bundle.authority.encode())
    assert known == tower
    with pytest.raises(ValueError, match=".*"):
        bundle.issued.verify_directly_issued_by(tower)


def test_half_an_authority_is_said_and_not_replaced(fleet: Fleet) -> None:
    fleet.enroll("a", AT)
    (fleet.folder.root / "devices-ca.key").unlink()

    with pytest.raises(OperatorError, match="devices-ca.key") as e:
        fleet.enroll("b", AT)
    assert "backup" in e.value.hint


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "-x", "a b", "x" * 65, "ä", "$SYS"])
def test_a_name_that_fits_no_topic_is_refused(fleet: Fleet, name: str) -> None:
    with pytest.raises(BadRequestError, match="topic"):
        fleet.enroll(name, AT)
    assert not fleet.folder.root.exists()


def test_a_name_is_given_once(fleet: Fleet) -> None:
    fleet.enroll("pi", AT)

    with pytest.raises(BadRequestError, match="enrolled already") as e:
        fleet.enroll("pi", AT)
    assert "renew" in e.value.hint
    assert "--replace" in e.value.hint


def test_a_device_that_is_renewed_has_two_certificates_that_are_good(
    fleet: Fleet, time: Time
) -> None:
    fleet.enroll("pi", AT)
    time.now += 700 * DAY
    assert standings(fleet, time) == [("pi", Standing.ENDING)]
    fleet.enroll("pi", AT, Before.STAYS)
    assert standings(fleet, time) == [("pi", Standing.ENDING), ("pi", Standing.GOOD)]
    time.now += 31 * DAY
    assert standings(fleet, time) == [("pi", Standing.EXPIRED), ("pi", Standing.GOOD)]


def test_only_who_is_in_can_be_renewed(fleet: Fleet) -> None:
    with pytest.raises(NotFoundError, match="no certificate to renew"):
        fleet.enroll("pi", AT, Before.STAYS)


def test_a_name_whose_certificate_has_expired_can_be_given_again(fleet: Fleet, time: Time) -> None:
    fleet.enroll("pi", AT, life=DAY)
    time.now += 2 * DAY
    fleet.enroll("pi", AT)
    assert standings(fleet, time) == [("pi", Standing.EXPIRED), ("pi", Standing.GOOD)]


def test_of_a_lost_device_everything_is_revoked_and_its_successor_is_good(
    fleet: Fleet, time: Time
) -> None:
    fleet.enroll("pi", AT)
    time.now += DAY
    fleet.enroll("pi", AT, Before.STAYS)
    time.now += DAY
    fleet.enroll("pi", AT, Before.GOES)

    assert [standing for _, standing in standings(fleet, time)] == [
        Standing.REVOKED,
        Standing.REVOKED,
        Standing.GOOD,
    ]


def test_who_is_revoked_stays_on_the_list(fleet: Fleet, time: Time) -> None:
    for name in ("a", "b", "c"):
        fleet.enroll(name, AT)
    (first,) = fleet.revoke("a")
    time.now += DAY
    fleet.revoke("b")

    listed = x509.load_pem_x509_crl(fleet.folder.revoked.read_bytes())
    devices = fleet.folder.authority(DEVICES, time.now).certificate
    assert listed.is_signature_valid(devices.public_key())  # type: ignore[arg-type]
    assert len(list(listed)) == 2
    assert first.serial in fleet.folder.revocations()
    assert dict(standings(fleet, time))["c"] is Standing.GOOD


def test_the_list_of_those_shut_out_never_expires_before_its_authority(
    fleet: Fleet, time: Time
) -> None:
    fleet.ensure()
    listed = x509.load_pem_x509_crl(fleet.folder.revoked.read_bytes())
    devices = fleet.folder.authority(DEVICES, time.now).certificate
    assert listed.next_update_utc == devices.not_valid_after_utc


def test_who_is_not_in_can_not_be_shut_out(fleet: Fleet) -> None:
    fleet.enroll("pi", AT)
    fleet.revoke("pi")
    for name in ("pi", "nobody", "../issued"):
        with pytest.raises(NotFoundError):
            fleet.revoke(name)


def test_a_device_may_keep_its_key_to_itself(fleet: Fleet) -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    bundle = fleet.enroll("pi", AT, request=asked("pi", key))

    assert bundle.key == ""
    assert bundle.issued.public_key() == key.public_key()


def test_nothing_of_a_request_is_signed_but_its_key(fleet: Fleet) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pi")])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )

    bundle = fleet.enroll("pi", AT, request=request.public_bytes(Encoding.PEM).decode())

    found = bundle.issued.extensions.get_extension_for_class(x509.BasicConstraints)
    assert not found.value.ca


def test_a_request_that_can_not_be_signed_is_refused(fleet: Fleet) -> None:
    good = asked("pi", ec.generate_private_key(ec.SECP256R1()))
    weak = asked("pi", rsa.generate_private_key(65537, 1024))
    other = asked("po", ec.generate_private_key(ec.SECP256R1()))
    broken = good.replace(good.splitlines()[-2], "A" * len(good.splitlines()[-2]))
    for request in (weak, other, broken, "no request"):
        with pytest.raises(BadRequestError):
            fleet.enroll("pi", AT, request=request)
    assert fleet.enroll("pi", AT, request=good).key == ""


def test_no_certificate_outlives_its_authority(fleet: Fleet, time: Time) -> None:
    bundle = fleet.enroll("pi", AT, life=30 * 365 * DAY)

    devices = fleet.folder.authority(DEVICES, time.now).certificate
    assert bundle.until == devices.not_valid_after_utc


@pytest.mark.root
def test_what_root_makes_belongs_to_who_owns_the_folder(tmp_path: Path, time: Time) -> None:
    os.chown(tmp_path, 65534, 65534)
    fleet = Fleet(tmp_path / "fleet", time)
    fleet.enroll("pi", AT)
    fleet.revoke("pi")

    owners = {p.relative_to(tmp_path): p.stat().st_uid for p in tmp_path.rglob("*")}
    assert len(owners) > 8
    assert set(owners.values()) == {65534}
