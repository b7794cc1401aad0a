"""Makes certificates out of values: no files, no clock.

There are two authorities, each with one listener of the broker. `devices` signs devices and nothing
else. `tower` signs the broker itself and the tower's workers, and is the one that a device knows;
so what lies on a device, or a device's certificate at the workers' listener, is good for nothing.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    Key = ec.EllipticCurvePrivateKey

AUTHORITY_LIFE = timedelta(days=20 * 365)
"""Nothing that it signs lasts longer; a change of authority means new bundles for everybody."""
OWN_LIFE = timedelta(days=730)
"""Of the broker's and the workers' certificates, which are renewed by themselves."""
EARLIER = timedelta(hours=1)
"""Certificates begin this long ago: the clocks of two machines differ."""
CRITICAL = True


@dataclass(frozen=True, slots=True)
class Authority:
    """Somebody who signs."""

    certificate: x509.Certificate
    """What others know it by."""
    key: Key
    """What it signs with."""


def new_key() -> Key:
    """A key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> str:
    """A key without a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def pem(thing: x509.Certificate | x509.CertificateRevocationList) -> str:
    """As text."""
    return thing.public_bytes(Encoding.PEM).decode()


def new_authority(name: str, now: datetime) -> Authority:
    """An authority that signs certificates of others, but makes no further authorities."""
    key = new_key()
    subject = _subject(name)
    certificate = (
        _builder(subject, subject, key.public_key(), now - EARLIER, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), CRITICAL)
        .add_extension(_usage(authority=True), CRITICAL)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def for_client(
    by: Authority,
    name: str,
    key: CertificatePublicKeyTypes,
    now: datetime,
    life: timedelta = OWN_LIFE,
) -> x509.Certificate:
    """A certificate that says who connects: a device, or the tower's workers."""
    return _signed(by, name, key, now, life, ExtendedKeyUsageOID.CLIENT_AUTH, ())


def for_server(
    by: Authority,
    names: Sequence[str],
    key: CertificatePublicKeyTypes,
    now: datetime,
    life: timedelta = OWN_LIFE,
) -> x509.Certificate:
    """The broker's, for all names and addresses that devices reach it by."""
    purpose = ExtendedKeyUsageOID.SERVER_AUTH
    return _signed(by, "EdgeCase broker", key, now, life, purpose, [_alternative(n) for n in names])


def names_of(certificate: x509.Certificate) -> set[str]:
    """The names and addresses that a server's certificate is good for."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = found.get_values_for_type(x509.IPAddress)
    return {*found.get_values_for_type(x509.DNSName), *map(str, addresses)}


def revocations(
    by: Authority, revoked: Mapping[int, datetime], now: datetime
) -> x509.CertificateRevocationList:
    """The list of everybody shut out, serial → since when.

    It is good for as long as its authority: one that expired would shut out the whole fleet.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(now - EARLIER)
        .next_update(by.certificate.not_valid_after_utc)
    )
    for serial, at in sorted(revoked.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(by.key, hashes.SHA256())


def _signed(
    by: Authority,
    name: str,
    key: CertificatePublicKeyTypes,
    now: datetime,
    life: timedelta,
    purpose: x509.ObjectIdentifier,
    alternatives: Sequence[x509.GeneralName],
) -> x509.Certificate:
    until = min(now + life, by.certificate.not_valid_after_utc)
    issuer = by.certificate.subject
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
    builder = (
        _builder(_subject(name), issuer, key, now - EARLIER, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), CRITICAL)
        .add_extension(_usage(authority=False), CRITICAL)
        .add_extension(x509.ExtendedKeyUsage([purpose]), not CRITICAL)
        .add_extension(authority, not CRITICAL)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), not CRITICAL)
    return builder.sign(by.key, hashes.SHA256())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: CertificatePublicKeyTypes,
    since: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), not CRITICAL)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
