"""The one file that makes a device part of a fleet: a few words, then PEM.

What the tower writes and the device reads. The words stand before the first PEM block, where
everything that reads PEM skips them, so the file itself serves as certificate, key and authority:
it is put in place by one rename, and certificate and key can't come apart.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from sync.errors import BadBundleError
from sync.topics import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

FIRST_LINE = "EdgeCase bundle 1"
"""Of every bundle of this version."""
MAX_BYTES = 64 * 1024
"""More is no bundle."""
BEGIN, END = "-----BEGIN ", "-----END "
FOREIGN = (
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What else than a `ValueError` reading a strange certificate may raise."""
WARNING = {
    True: "The key below makes whoever has it this device: hand it over, then delete it.",
    False: "Without a key: it lies on the device that asked for this.",
}


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything a device needs to reach its tower, and be known there."""

    name: str
    """The device's, as its certificate says."""
    host: str
    """The tower's broker, name or address."""
    port: int
    """Its port."""
    certificate: str
    """The device's own, PEM."""
    authority: str
    """Certificate of who signs the broker's, PEM; more than one while the authority changes."""
    key: str = ""
    """The device's, PEM; "" where it is on the device already."""
    releases: bytes = b""
    """The first root of the tower's release repository, JSON; b"" where there is none yet."""

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        check_name(self.name)
        if not self.host or any(c.isspace() for c in self.host) or not 0 < self.port < 65536:
            raise BadBundleError("it doesn't say where the tower is")
        try:
            self._need_papers()
        except BadBundleError:
            raise
        except (ValueError, *FOREIGN) as e:
            raise BadBundleError(f"its certificates can't be read: {e}") from e

    def _need_papers(self) -> None:
        if common_name(self.issued) != self.name:
            raise BadBundleError("its certificate is another device's")
        if not authorities(self.authority):
            raise BadBundleError("it has no authority's certificate")
        if self.key and not fits(self.key, self.issued.public_key()):
            raise BadBundleError("its key doesn't go with its certificate")

    @property
    def issued(self) -> x509.Certificate:
        """The device's certificate, read."""
        return _certificates(self.certificate)[0]

    @property
    def since(self) -> datetime:
        """The certificate's beginning: a moment that has passed, since the tower signed it."""
        return self.issued.not_valid_before_utc

    @property
    def until(self) -> datetime:
        """The certificate's end."""
        return self.issued.not_valid_after_utc

    def text(self) -> str:
        """The file."""
        words = [FIRST_LINE, f"name: {self.name}", f"host: {self.host}", f"port: {self.port}"]
        words += [f"until: {self.until:%Y-%m-%d}", f"note: {WARNING[bool(self.key)]}"]
        words += [f"releases: {b64encode(self.releases).decode()}"] * bool(self.releases) + [""]
        return "\n".join(words) + "\n" + self.key + self.certificate + self.authority


def parse(text: str) -> Bundle:
    """Read a bundle; words that aren't known here are a later version's, and skipped.

    Raises:
        BadBundleError: it is none, or can't work.
        BadNameError: its name can't be a device's.
    """
    head, begin, pem = text.partition(BEGIN)
    lines = head.splitlines()
    if not begin or not lines or len(text) > MAX_BYTES:
        raise BadBundleError("it is no bundle")
    if lines[0].strip() != FIRST_LINE:
        raise BadBundleError(f"it begins with {lines[0][:40]!r} and not with {FIRST_LINE!r}")
    words = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    blocks = _blocks(begin + pem)
    keys = [block for kind, block in blocks if "PRIVATE KEY" in kind]
    certificates = [block for kind, block in blocks if kind == "CERTIFICATE"]
    port = words.get("port", "").strip()
    if len(keys) > 1 or len(certificates) < 2 or not port.isdecimal():
        raise BadBundleError("something is missing in it")
    return Bundle(
        name=words.get("name", "").strip(),
        host=words.get("host", "").strip(),
        port=int(port),
        certificate=certificates[0],
        authority="".join(certificates[1:]),
        key="".join(keys),
        releases=_root(words.get("releases", "")),
    )


def authorities(pem: str) -> Sequence[x509.Certificate]:
    """The authorities among these certificates.

    Raises:
        BadBundleError: they can't be read.
    """
    return [one for one in _certificates(pem) if is_authority(one)]


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether others may be signed with its key."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError, *FOREIGN):
        return False
    return extension.value.ca


def common_name(certificate: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """Whose it is; "" where it doesn't say, or says it twice."""
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def fits(key: str, public: PublicKeyTypes) -> bool:
    """Whether this private key, PEM, is the other half."""
    try:
        own = load_pem_private_key(key.encode(), None).public_key()
    except (ValueError, TypeError, *FOREIGN):  # TypeError: it asks for a passphrase
        return False
    wanted = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return own.public_bytes(*wanted) == public.public_bytes(*wanted)


def _certificates(pem: str) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, *FOREIGN) as e:
        raise BadBundleError(f"its certificates can't be read: {e}") from e


def _root(word: str) -> bytes:
    try:
        return b64decode(word.strip(), validate=True)
    except ValueError as e:
        raise BadBundleError("whose releases to believe can't be read") from e


def _blocks(pem: str) -> list[tuple[str, str]]:
    """The PEM blocks: kind and text."""
    found = []
    for part in pem.split(BEGIN)[1:]:
        kind = part.partition("-----")[0]
        body, end, _ = part.partition(f"{END}{kind}-----")
        if not end:
            raise BadBundleError("it was cut short")
        found.append((kind, f"{BEGIN}{body}{END}{kind}-----\n"))
    return found
