"""Makes the device's certificates out of values: no files, no clock.

The authority is trusted by phones, so what it may sign is bound: no names but the device's own and
those under `.local`. Whoever steals its key can't pretend to be a bank.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Key = ec.EllipticCurvePrivateKey

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""An authority begins before the first device was made: it may be made while the clock is wrong."""
AUTHORITY_LIFE = timedelta(days=25 * 365)
LIFE = timedelta(days=397)
"""Of a certificate, its start in the past included; iOS takes none of more than 398 days."""
EARLIER = timedelta(days=1)
"""Certificates begin this long ago: the clocks of two machines differ."""
SOON = timedelta(days=60)
"""Left of its life, from which on a certificate is renewed."""
ALWAYS = ("localhost", "127.0.0.1", "::1")
"""How a device is called from itself."""
CRITICAL = True


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate and its key."""

    certificate: x509.Certificate
    """What others know it by."""
    key: Key
    """What proves it."""

    @property
    def pem(self) -> bytes:
        """Both, the key first."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)


def new_authority(name: str, names: Iterable[str]) -> Signed:
    """An authority for a device called `name` that may sign for `names` and `.local` alone."""
    key = _new_key()
    subject = _subject(f"EdgeCase {name}")
    allowed = sorted({"local", "localhost", *(n for n in names if not _is_ip(n))})
    bounds = x509.NameConstraints([x509.DNSName(each) for each in allowed], None)
    certificate = (
        _builder(subject, subject, key, BEGIN, BEGIN + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), CRITICAL)
        .add_extension(_usage(authority=True), CRITICAL)
        .add_extension(bounds, CRITICAL)
        .sign(key, hashes.SHA256())
    )
    return Signed(certificate, key)


def new_server(by: Signed, names: Sequence[str], now: datetime) -> Signed:
    """A certificate for HTTPS under these names and addresses, which the authority has to allow."""
    key, begin = _new_key(), max(now - EARLIER, BEGIN)
    until = min(begin + LIFE, by.certificate.not_valid_after_utc)
    alternatives = x509.SubjectAlternativeName([_alternative(each) for each in names])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
    certificate = (
        _builder(_subject("EdgeCase"), by.certificate.subject, key, begin, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), CRITICAL)
        .add_extension(_usage(authority=False), CRITICAL)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), not CRITICAL)
        .add_extension(identifier, not CRITICAL)
        .add_extension(alternatives, not CRITICAL)
        .sign(by.key, hashes.SHA256())
    )
    return Signed(certificate, key)


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """The names and addresses that a server's certificate is good for."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = found.get_values_for_type(x509.IPAddress)
    return frozenset({*found.get_values_for_type(x509.DNSName), *map(str, addresses)})


def allowed(authority: x509.Certificate, names: Iterable[str]) -> tuple[str, ...]:
    """Of the names and addresses those that the authority may sign for."""
    bounds = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    roots = [tree.value for tree in bounds.permitted_subtrees or ()]
    fits = (n for n in names if _is_ip(n) or any(n == r or n.endswith(f".{r}") for r in roots))
    return tuple(dict.fromkeys(fits))


def why_renew(certificate: x509.Certificate, names: Iterable[str], now: datetime) -> str:
    """Why it is time for another certificate; "" where it isn't.

    An address that is gone is no reason: Wi-Fi comes and goes, and each renewal is a write.
    """
    missing = sorted(set(names) - names_of(certificate))
    if missing:
        return f"it lacks {', '.join(missing)}"
    if now < certificate.not_valid_before_utc:
        return "it begins later: the clock was wrong"
    if now > certificate.not_valid_after_utc - SOON:
        return "it ends soon"
    return ""


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, begin: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), not CRITICAL)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    parts = [(NameOID.ORGANIZATION_NAME, "EdgeCase"), (NameOID.COMMON_NAME, name[:64])]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def _new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _alternative(text: str) -> x509.GeneralName:
    if _is_ip(text):
        return x509.IPAddress(ipaddress.ip_address(text))
    return x509.DNSName(text)
