"""The programs of the demo: a broker, the tower and the device, each a process on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import aiohttp

BROKER = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 100000
"""
READY_S = 60.0
USER = "demo"
"""Who signs in on the tower."""


@dataclass(frozen=True)
class Part:
    """A program that runs."""

    name: str
    """For people."""
    process: asyncio.subprocess.Process
    """It."""
    address: str
    """Where it answers HTTP; "" where it doesn't."""
    log: Path
    """What it says."""

    async def ready(self, http: aiohttp.ClientSession) -> None:
        """Wait until its /health says so."""
        for _ in range(int(READY_S / 0.1)):
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get("/health") as answer:
                    if answer.status == 200:
                        return
            if self.process.returncode is not None:
                raise SystemExit(f"{self.name} ended:\n{self.last_words()}")
            await asyncio.sleep(0.1)
        raise SystemExit(f"{self.name} was not ready within {READY_S:.0f} s:\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-20:]
        return "\n".join((f"-- {self.name}", *lines))


async def start_broker(data: Path, port: int) -> Part:
    """Start mosquitto, for this machine alone."""
    places = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    program = shutil.which("mosquitto", path=places)
    if program is None:
        raise SystemExit("mosquitto is missing: apt-get install mosquitto")
    config = data / "mosquitto.conf"
    config.write_text(BROKER.format(port=port))
    return await _start("broker", data, [program, "-c", str(config)], {}, "")


async def start_tower(data: Path, broker_port: int, password: str) -> Part:
    """Start `edgecase-tower run`, where USER signs in with this password."""
    port = free_port(9000)
    settings = {
        "EDGECASE_TOWER_HTTP__PORT": str(port),
        "EDGECASE_TOWER_STORE__DATA_DIR": str(data / "tower"),
        "EDGECASE_TOWER_MQTT__PORT": str(broker_port),
    }
    program = Path(sys.executable).with_name("edgecase-tower")
    adding = await asyncio.create_subprocess_exec(
        *(str(program), "users", "add", USER, "--role", "admin"),
        env={**os.environ, **settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await adding.communicate(f"{password}\n".encode())
    if adding.returncode:
        raise SystemExit("The tower's user could not be added.")
    return await _start("tower", data, [str(program), "run"], settings, f"http://127.0.0.1:{port}")


async def start_device(data: Path, broker_port: int) -> Part:
    """Start `edgecase run` with the folder camera on and the tower's broker set."""
    port = free_port(8000)
    settings = {
        "EDGECASE_HTTP__PORT": str(port),
        "EDGECASE_STORE__DATA_DIR": str(data / "device"),
        "EDGECASE_CAMERA__KIND": "folder",
        "EDGECASE_CAMERA__TRIGGER": "interval",
        "EDGECASE_CAMERA__INTERVAL_S": "0.5",
        "EDGECASE_DEVICE__NAME": "demo",
        "EDGECASE_SYNC__HOST": "127.0.0.1",
        "EDGECASE_SYNC__PORT": str(broker_port),
    }
    program = Path(sys.executable).with_name("edgecase")
    return await _start("device", data, [str(program), "run"], settings, f"http://127.0.0.1:{port}")


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a program as systemd would."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 10)
        if process.returncode is None:
            process.kill()


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else one the system chooses."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise SystemExit("no free port on loopback")


async def _start(
    name: str, data: Path, command: list[str], settings: dict[str, str], address: str
) -> Part:
    """Start a program, its log beside the data."""
    path = data / f"{name}.log"
    with path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **settings}, stdout=log, stderr=log
        )
    return Part(name, process, address, path)
