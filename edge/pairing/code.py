"""One-time codes: short enough to type, long enough for ten guesses to find none in 2^40."""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32: nothing that looks like something else."""
LENGTH = 8
ALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
"""What people read in their place."""


def new_code() -> str:
    """A code that nobody can guess: 40 random bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def shown(code: str) -> str:
    """The code as it is written for people: in two halves."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def tidy(typed: str) -> str:
    """What somebody typed, as codes are made: no dashes and spaces, no letter that isn't one."""
    return "".join(c for c in typed.upper() if c.isalnum()).translate(ALIKE)


def hash_of(typed: str) -> str:
    """What is kept of a code for its five minutes, in a file that is the device's own."""
    return hashlib.sha256(tidy(typed).encode("utf-8", "surrogateescape")).hexdigest()
