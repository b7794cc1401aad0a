"""Takes away from the vision worker what it doesn't need, before it sees the first byte of a photo.

Every lock is tried; what the system does not permit is said and not fatal, since a device that
looks at photos with one lock less is better than one that doesn't look at all.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_OOM_SCORE = 500
"""Of -1000..1000: when memory runs out the kernel ends the worker and not the daemon."""


def confine(memory_mb: int) -> tuple[str, ...]:
    """Lock this process in; call it while it has one thread.

    Args:
        memory_mb: address space it may have.

    Returns:
        What the system did not permit, one sentence each.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    locks: tuple[tuple[str, Callable[[], None]], ...] = (
        ("go first when memory runs out", _volunteer),
        ("live without network", lambda: _leave_network(libc)),
        ("write no core dumps", lambda: _limit(resource.RLIMIT_CORE, 0)),
        ("have limited memory", lambda: _limit(resource.RLIMIT_AS, memory_mb * 1024 * 1024)),
        ("gain no privileges", lambda: _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)),
        # Last, since a change of namespaces may clear it.
        ("die with the daemon", lambda: _prctl(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)),
    )
    notes = []
    for name, lock in locks:
        try:
            lock()
        except (OSError, ValueError) as e:
            notes.append(f"The vision worker can't {name}: {e}.")
    return tuple(notes)


def _volunteer() -> None:
    Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE), encoding="utf-8")


def _leave_network(libc: ctypes.CDLL) -> None:
    """Move into an empty network namespace, as root or by way of a user namespace."""
    if libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        return
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(what, (most, most))


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
