"""The fleet: lets devices in, renews them, shuts them out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sync.bundle import FOREIGN, Bundle, common_name
from sync.errors import BadBundleError, BadNameError
from sync.topics import check_name
from tower_sync_server.errors import BadRequestError, NotFoundError
from tower_sync_server.fleet.certificates import for_client, key_pem, new_key, pem, revocations
from tower_sync_server.fleet.folder import DEVICES, TOWER, FleetFolder, put_in_place
from tower_sync_server.fleet.words import DEVICE_LIFE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from tower_sync_server.fleet.words import Pass


class Before(Enum):
    """What becomes of the certificates that a device already has."""

    NONE = "there must be none that is good"
    STAYS = "they stay good: the device is the same"
    GOES = "they are revoked: the device was lost"


@dataclass(frozen=True, slots=True)
class Address:
    """Where devices reach the broker."""

    host: str
    """Name or address."""
    port: int
    """Port."""


def now_utc() -> datetime:
    """The system's clock: a tower has a right one."""
    return datetime.now(UTC)


class Fleet:
    """Everybody who may speak to the broker."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = now_utc) -> None:
        """Nothing is touched before it is asked for."""
        self.folder = FleetFolder(folder)
        self._now = now

    def enroll(
        self,
        name: str,
        at: Address,
        before: Before = Before.NONE,
        life: timedelta = DEVICE_LIFE,
        request: str = "",
    ) -> Bundle:
        """Give a device a certificate.

        Args:
            name: its name, which becomes part of its topics.
            at: where it finds the broker.
            before: what becomes of certificates of the same name.
            life: how long it lasts.
            request: a request that the device made, PEM; its key then never leaves it. "": a key is
                made here, and lies in the bundle and nowhere else.

        Raises:
            BadRequestError: the name, or the request, can't be taken.
        """
        try:
            check_name(name)
        except BadNameError as e:
            raise BadRequestError(str(e), "Choose another name.") from e
        own = None if request else new_key()
        public = _requested(request, name) if own is None else own.public_key()
        with self.folder.locked():
            self._settle(name, before)
            by = self.folder.authority(DEVICES, self._now())
            known = self.folder.authority(TOWER, self._now()).certificate
            certificate = for_client(by, name, public, self._now(), life)
            key = "" if own is None else key_pem(own)
            try:
                bundle = Bundle(name, at.host, at.port, pem(certificate), pem(known), key)
            except BadBundleError as e:
                raise BadRequestError(f"No bundle can be made: {e}.", "Look at --host.") from e
            self.folder.keep(certificate, name)
        return bundle

    def revoke(self, name: str) -> list[Pass]:
        """Shut a device out, with everything it was ever given; gives what was still good.

        Raises:
            NotFoundError: there is no such device, or nothing of it is good any more.
        """
        with self.folder.locked():
            good = self._good(name)
            if not good:
                hint = "`edgecase-tower devices list` shows who was let in."
                raise NotFoundError(f"{name} has no certificate that is good.", hint)
            self._list(good)
        return good

    def passes(self) -> list[Pass]:
        """Everything that was ever issued."""
        return self.folder.passes()

    def ensure(self) -> None:
        """Make the authorities and the list of revocations where there are none yet."""
        with self.folder.locked():
            self.folder.authority(TOWER, self._now())
            self.folder.authority(DEVICES, self._now())
            if not self.folder.revoked.exists():
                self._list([])

    def _settle(self, name: str, before: Before) -> None:
        good = self._good(name)
        if good and before is Before.NONE:
            hint = (
                f"The same device goes on: `edgecase-tower devices renew {name}`.\n"
                f"It was lost or replaced: `edgecase-tower devices enroll {name} --replace`."
            )
            raise BadRequestError(f"{name} is enrolled already.", hint)
        if good and before is Before.GOES:
            self._list(good)
        if not good and before is Before.STAYS:
            hint = f"Let it in: `edgecase-tower devices enroll {name}`."
            raise NotFoundError(f"{name} has no certificate to renew.", hint)

    def _good(self, name: str) -> list[Pass]:
        now = self._now()
        return [one for one in self.folder.passes() if one.name == name and one.admits(now)]

    def _list(self, more: list[Pass]) -> None:
        now = self._now()
        revoked = self.folder.revocations() | {one.serial: now for one in more}
        listed = revocations(self.folder.authority(DEVICES, now), revoked, now)
        put_in_place(self.folder.revoked, pem(listed))


def _requested(request: str, name: str) -> CertificatePublicKeyTypes:
    """The key that a device wants to have signed."""
    hint = "Make it on the device: `edgecase sync request NAME`."
    try:
        found = x509.load_pem_x509_csr(request.encode())
        key, own = found.public_key(), found.is_signature_valid
    except (ValueError, *FOREIGN) as e:
        raise BadRequestError("This is no certificate request.", hint) from e
    if not own:
        raise BadRequestError("The request is not signed with its own key.", hint)
    if common_name(found) != name:
        raise BadRequestError(f"The request is {common_name(found)[:80]!r}'s, not {name}'s.", hint)
    if isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return key
    raise BadRequestError("The request's key is of a kind that is too weak or unknown.", hint)
