"""Keeps mosquitto running, with the fleet's newest list of those shut out.

One that ends is started again. Nothing is lost by that, since nothing depends on the broker's
memory, but everybody has to come back; so a new list is put in force while it runs, and only where
that fails by a new start.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tower_sync_server.archive.files import translated
from tower_sync_server.broker.configuration import DEVICES_ACL, WORKERS_ACL, Plan, write
from tower_sync_server.broker.own_certificates import own_certificates
from tower_sync_server.broker.shutting_out import Canary, reachable, take_over
from tower_sync_server.errors import OperatorError
from tower_sync_server.fleet.certificates import pem, revocations
from tower_sync_server.fleet.fleet import now_utc
from tower_sync_server.fleet.folder import DEVICES, TOWER, put_in_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tower_sync_server.fleet.fleet import Fleet

LOOK_S = 0.1
"""Between two looks at the list and at mosquitto."""
STOP_S = 2.0
"""How long mosquitto may take to end before it is killed."""
START_S = 10.0
"""How long it may take to listen."""
AGAIN_S = 1.0
"""Before it is started again after it ended by itself."""
RELOAD_S = 3.0
"""How long mosquitto may take to go by a new list before it is started again."""
RENEW_S = 12 * 3600.0
"""Between two looks at the broker's own certificate."""
RUNNING = "running.json"
PLACES = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"))

log = logging.getLogger(__name__)


class Keeper:
    """Runs one mosquitto after the other; `run` until `stop`."""

    def __init__(self, fleet: Fleet, plan: Plan, names: Sequence[str]) -> None:
        """Start nothing."""
        self._fleet = fleet
        self._plan = plan
        self._names = names
        self._stopping = threading.Event()
        self._seen = (0, 0)
        self._shut: set[int] = set()
        """Serials on the list that is in force."""

    def run(self) -> None:
        """Keep it running until `stop`.

        Raises:
            OperatorError: there is no mosquitto, it doesn't start, or one is kept here already.
        """
        program = shutil.which("mosquitto", path=PLACES)
        if program is None:
            raise OperatorError("mosquitto is missing.", "sudo apt install mosquitto")
        _allow_connections(self._plan.size.devices)
        folder = self._plan.folder
        with translated():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(folder):
            self._fleet.ensure()
            started = False
            while not self._stopping.is_set():
                self.prepare()
                started |= self._once(program, must_start=not started)
            (folder / RUNNING).unlink(missing_ok=True)

    def stop(self) -> None:
        """End, soon; may be called from a signal's handler."""
        self._stopping.set()

    def prepare(self) -> None:
        """Write everything that mosquitto reads."""
        ours, folder = self._fleet.folder, self._plan.folder
        with ours.locked():
            server, _ = own_certificates(ours, self._names, now_utc())
            self._seen, self._shut = _stamp(ours.revoked), set(ours.revocations())
            files = {
                "server.pem": server.read_text(),
                "devices-ca.pem": ours.certificate(DEVICES).read_text(),
                "tower-ca.pem": ours.certificate(TOWER).read_text(),
                "revoked.pem": ours.revoked.read_text(),
                "devices.acl": DEVICES_ACL,
                "workers.acl": WORKERS_ACL,
                "mosquitto.conf": write(self._plan),
            }
            for name, text in files.items():
                put_in_place(folder / name, text)

    def _once(self, program: str, *, must_start: bool) -> bool:
        """One mosquitto, from its start to its end; gives whether it ever listened."""
        child = subprocess.Popen([program, "-c", str(self._plan.folder / "mosquitto.conf")])  # noqa: S603
        try:
            if not self._listens(child):
                if must_start and not self._stopping.is_set():
                    hint = "The lines above say why. Is another broker on one of its ports?"
                    raise OperatorError("mosquitto didn't start.", hint)
                self._stopping.wait(AGAIN_S)
                return False
            self._tell(child.pid)
            log.info("listening for devices on port %d", self._plan.devices.port)
            self._watch(child)
        finally:
            _end(child)
        return True

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        """Until it ended, or has to."""
        renew_at = time.monotonic() + RENEW_S
        while not self._stopping.wait(LOOK_S):
            if child.poll() is not None:
                log.error("mosquitto ended with %d", child.returncode)
                self._stopping.wait(AGAIN_S)
                return
            if _stamp(self._fleet.folder.revoked) != self._seen and not self._shut_out(child):
                log.warning("the new list is not in force: starting again with it")
                return
            if time.monotonic() > renew_at:
                renew_at = time.monotonic() + RENEW_S
                if self._renewed():
                    log.info("the broker's certificate was renewed: starting again with it")
                    return

    def _shut_out(self, child: subprocess.Popen[bytes]) -> bool:
        """Have the broker that runs go by the newest list; False: only a new start helps."""
        ours, folder, now = self._fleet.folder, self._plan.folder, now_utc()
        with ours.locked():
            self._seen, revoked = _stamp(ours.revoked), ours.revocations()
            by = ours.authority(DEVICES, now)
            names = {p.name for p in ours.passes() if p.serial in revoked.keys() - self._shut}
        canary = Canary(by, folder / "canary.pem", now)
        listed = revocations(by, revoked | {canary.serial: now}, now)
        put_in_place(folder / "revoked.pem", pem(listed))
        child.send_signal(signal.SIGHUP)
        if not canary.is_turned_away(self._plan.devices, RELOAD_S):
            return False
        authority, own = ours.certificate(TOWER), ours.root / "worker.pem"
        for name in sorted(names):
            if not take_over(name, self._plan.workers, authority, own):
                return False
            log.info("%s is shut out", name)
        self._shut = set(revoked)
        self._tell(child.pid)
        return True

    def _renewed(self) -> bool:
        ours = self._fleet.folder
        with ours.locked():
            server, _ = own_certificates(ours, self._names, now_utc())
            return server.read_text() != (self._plan.folder / "server.pem").read_text()

    def _listens(self, child: subprocess.Popen[bytes]) -> bool:
        until = time.monotonic() + START_S
        host = reachable(self._plan.workers.host)
        while time.monotonic() < until and child.poll() is None and not self._stopping.is_set():
            with suppress(OSError):
                socket.create_connection((host, self._plan.workers.port), timeout=1).close()
                return child.poll() is None
            time.sleep(0.02)
        return False

    def _tell(self, pid: int) -> None:
        """Leave word of which list is in force, for `knows`."""
        words = json.dumps({"pid": pid, "shut": sorted(f"{one:x}" for one in self._shut)})
        put_in_place(self._plan.folder / RUNNING, words)


def is_kept(folder: Path) -> bool:
    """Whether somebody keeps a broker running out of this folder now."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def knows(folder: Path, serials: Iterable[int], within_s: float) -> bool:
    """Wait until the broker that runs has shut these out; False: it hasn't."""
    until, wanted = time.monotonic() + within_s, {f"{one:x}" for one in serials}
    while time.monotonic() < until:
        with suppress(OSError, ValueError):
            if wanted <= set(json.loads((folder / RUNNING).read_text())["shut"]):
                return True
        time.sleep(0.02)
    return False


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock on a broker's folder."""
    with translated():
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        hint = "`systemctl status edgecase-broker`, or end the other one."
        raise OperatorError("A broker of this folder is running already.", hint) from None
    finally:
        os.close(handle)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _allow_connections(devices: int) -> None:
    """A connection is a file: allow as many as there may be devices, and some more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * devices + 1024
    if most != resource.RLIM_INFINITY and most < wanted:
        log.warning("only %d connections are allowed here: set LimitNOFILE=%d", most, wanted)
        wanted = most
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
