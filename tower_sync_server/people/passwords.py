"""Passwords: hashed with Argon2id, compared in the same time whether or not the user exists."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tower_sync_server.errors import BadFieldError

SHORTEST = 10
LONGEST = 1000
GENERATED_WORDS = 5
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without what is mistaken for something else."""


def refuse_weak(password: str, name: str) -> None:
    """Refuse a password that would be guessed.

    Raises:
        BadFieldError: saying why.
    """
    hint = f"Take at least {SHORTEST} characters: a few words are easy to keep in mind."
    try:
        password.encode()
    except UnicodeEncodeError as e:
        raise BadFieldError("password: this is not UTF-8", hint) from e
    if len(password) < SHORTEST:
        raise BadFieldError(f"password: shorter than {SHORTEST} characters", hint)
    if len(password) > LONGEST:
        raise BadFieldError(f"password: longer than {LONGEST} characters", hint)
    if len(set(password)) < 4 or password.casefold() in (name, name * 2, "edgecase-tower"):
        raise BadFieldError("password: too easy to guess", hint)


def generated() -> str:
    """A password that nobody guesses: groups of letters, about 99 bits."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(GENERATED_WORDS))
    return "-".join(groups)


class Passwords:
    """Hashes and compares; each takes some 50 ms and 64 MiB on purpose."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Use Argon2id as RFC 9106 recommends for small memory, unless a test wants less."""
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """What to keep in place of a password."""
        return self._hasher.hash(password)

    def fits(self, stored: str | None, password: str) -> bool:
        """Whether it is the one; None: of nobody, which takes just as long."""
        try:
            right = self._hasher.verify(self._nobody if stored is None else stored, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)
