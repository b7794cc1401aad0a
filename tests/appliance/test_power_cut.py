"""The power goes while install.sh is at work: from what the disk has by then the machine starts.

A run of install.sh goes to its end here, and its disk is copied at many moments of it; from each
copy the machine starts by itself. What such a copy is, says `OnACard`.
"""

from __future__ import annotations

import contextlib
import random
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.appliance.container import ROOT, Container
from tests.appliance.device import PORT, ask, log_of, wait_until_settled
from tests.appliance.on_a_card import OnACard
from tests.e2e.running import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.power, pytest.mark.timeout(3000)]
PHOTOS = ROOT / "tests" / "data" / "photos" / "vehicle"
SHARP = ("rusty-door", "broken-headlamp", "scratched-door", "cracked-bumper", "undamaged-door")
"""Photos that become cases."""
LOG = "/var/log/edgecase-install.log"
ENDED = "/run/ended"
INSTALL = "/src/install.sh --offline /opt/bundle"
UPGRADE = "/root/newer/install.sh --upgrade --offline /opt/bundle"
VERSIONS = "$(ls /opt/edgecase/versions | wc -l)"
INSTALLING = {
    "dpkg-unpacks": "compgen -G '/var/lib/dpkg/updates/0*'",
    "dpkg-in-mid-package": "grep -qs reinstreq $(ls /var/lib/dpkg/updates/0* | tail -n 1)",
    "dpkg-configures": f"grep -q 'Setting up' {LOG}",
    "packages-are-there": f"grep -q '✓ Debian' {LOG}",
    "half-an-environment": "compgen -G '/opt/edgecase/versions/*/lib/python3*/site-packages/numpy'",
    "environment-is-there": f"grep -q '✓ Python' {LOG}",
    "settings-are-there": f"grep -q '✓ settings' {LOG}",
    "services-are-there": f"grep -q '✓ services' {LOG}",
}
"""Moments of an installation, each with what a shell sees of it."""
UPGRADING = {
    "noted": "test -e /opt/edgecase/.before/version",
    "half-an-environment": f"[ {VERSIONS} = 2 ] && sleep 5",
    "pointed": "[ $(readlink /opt/edgecase/current) != $OLD ]",
    "all-in-place": "test -e /opt/edgecase/.before/complete",
    "judged": f"grep -q '✓ the new version' {LOG}",
}
"""Moments of an upgrade."""
FAILING = {
    "all-in-place": "test -e /opt/edgecase/.before/complete",
    "in-mid-migration": "test -e /var/lib/edgecase/migrating",
    "judged": f"grep -q '✗ the new version' {LOG}",
    "pointed-back": "[ $(readlink /opt/edgecase/current) = $OLD ]",
    "gone-back": f"grep -q '✓ back' {LOG}",
}
"""Moments of an upgrade to a version that migrates and then doesn't start."""
FEW = 3
"""Cases before an upgrade."""
RANDOM = [f"at-random-{n}" for n in (1, 2, 3)]
MIGRATION = """
def _slowly(db):
    import pathlib, time
    db.execute("CREATE TABLE next (x)")
    db.conn.executemany("INSERT INTO next VALUES (?)", [("x" * 1000,) for _ in range(20000)])
    pathlib.Path("/var/lib/edgecase/migrating").touch()
    time.sleep(10)
STEPS['0099_next'] = _slowly
"""
WRITE = """cd /root
for name in unsynced synced late; do
  head -c 60000 /dev/zero | tr '\\0' x >new
  if [ $name = synced ]; then sync new; mv new $name; sync .; else mv new $name; fi
done"""
"""Three new files, each in one move into its place; a shell's words."""


@dataclass(frozen=True)
class Cut:
    """What one moment leaves."""

    image: Path
    """Of the disk."""
    photos: Mapping[str, bytes]
    """Of every case that the device had acknowledged by then, by the case's id."""


class Cuts(dict[str, Cut]):
    """Of one run that goes to its end, by the moment."""

    def __init__(self, card: OnACard, seed: int, begin: str) -> None:
        """Keep the parts; `begin` tells the copies of one run from another's."""
        super().__init__()
        self._card = card
        self._begin = begin
        self._chance = random.Random(seed)
        self._photos: dict[str, bytes] = {}
        self.before = ""

    def make(self, command: str, moments: Mapping[str, str]) -> None:
        """Run it, and copy the disk at each moment and some seconds after some of them."""
        self.before = old = self._card.run("readlink /opt/edgecase/current", check=False).strip()
        soon = dict(zip(self._chance.sample(list(moments), len(RANDOM)), RANDOM, strict=True))
        whole = f"(OLD={old}; {command}; echo $? >{ENDED}) >/run/said 2>&1"
        self._card.run(f"rm -f {ENDED}; : >{LOG}; {whole} </dev/null &")
        for name, seen in moments.items():
            self._card.run(f"OLD={old}; until {seen} || [ -e {ENDED} ]; do sleep 0.02; done")
            self._cut(name)
            if name in soon:
                time.sleep(self._chance.uniform(0, 6))
                self._cut(soon[name])
        self._card.run(f"until [ -e {ENDED} ]; do sleep 0.2; done; sync")
        self._cut("end")

    def add_case(self) -> None:
        """Send one more photo; where no service is, nothing comes of it."""
        photo = PHOTOS / f"{SHARP[len(self._photos) % len(SHARP)]}.jpg"
        with contextlib.suppress(OSError):
            self._photos[ask("/cases", photo)["id"]] = photo.read_bytes()

    def start_from(self, name: str) -> None:
        """Boot a copy."""
        self._card.put_in(self[name].image)
        self._card.boot()

    def look_for_cases(self, name: str) -> None:
        """What was acknowledged by then is there, each photo byte for byte."""
        assert len(self[name].photos) >= FEW
        assert {one["id"] for one in ask("/cases?limit=100")["cases"]} >= set(self[name].photos)
        for case, photo in self[name].photos.items():
            url = f"http://127.0.0.1:{PORT}/cases/{case}/image?variant=original"
            with urllib.request.urlopen(url, timeout=30) as answer:
                assert answer.read() == photo

    def _cut(self, name: str) -> None:
        self.add_case()
        photos = dict(self._photos)
        self[name] = Cut(self._card.cut(f"{self._begin}-{name}"), photos)


@pytest.fixture(scope="module")
def bundle(release: str) -> Iterator[Path]:
    """Of packages: to look each up in the registry is most of what a run does."""
    made = Container({}, release=release)
    try:
        made.boot()
        made.run("apt-get update -q && apt-get install -q -y python3-venv")
        made.run("/src/scripts/make-offline-bundle /root/bundle")
        made.power_off()
        yield made.root / "root" / "bundle"
    finally:
        made.remove()


@pytest.fixture(scope="module")
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--seed"))


@pytest.fixture(scope="module")
def card(bundle: Path, release: str) -> Iterator[OnACard]:
    made = OnACard({bundle: Path("/opt/bundle")}, {"EDGECASE_HTTP__PORT": str(PORT)}, release)
    try:
        made.boot()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def installing(card: OnACard, seed: int) -> Cuts:
    cuts = Cuts(card, seed, "install")
    cuts.make(INSTALL, INSTALLING)
    return cuts


def upgraded(card: OnACard, installing: Cuts, cuts: Cuts) -> None:
    """Start from what was installed, with cases and a version that lies there."""
    installing.start_from("end")
    wait_until_settled(card)
    for _ in range(FEW):
        cuts.add_case()
    card.run("cp -r /src /root/newer && echo '# newer' >>/root/newer/edge/logs.py && sync")


@pytest.fixture(scope="module")
def upgrading(card: OnACard, installing: Cuts, seed: int) -> Cuts:
    cuts = Cuts(card, seed, "upgrade")
    upgraded(card, installing, cuts)
    cuts.make(UPGRADE, UPGRADING)
    return cuts


@pytest.fixture(scope="module")
def failing(card: OnACard, installing: Cuts, seed: int) -> Cuts:
    cuts = Cuts(card, seed, "failing")
    upgraded(card, installing, cuts)
    end = "sed -i 's/    log.info(\"store open/    raise SystemExit  # /' edge/daemon.py"
    card.run(
        f"cd /root/newer && {end} && cat >>edge/store/migrations.py <<'EOF'\n{MIGRATION}EOF\nsync"
    )
    cuts.make(UPGRADE, FAILING)
    return cuts


def test_what_nobody_synced_is_lost_and_what_was_synced_is_not(card: OnACard) -> None:
    card.run(WRITE)
    there = "cat /root/{unsynced,late} 2>/dev/null | wc -c; wc -c </root/synced"
    assert card.run(there).split() == ["120000", "60000"]
    card.put_in(card.cut("control"))
    card.boot()
    assert card.run(there).split() == ["0", "60000"]


def test_without_its_syncs_an_installation_would_be_lost(card: OnACard, installing: Cuts) -> None:
    installing.start_from("packages-are-there")
    card.run("ln -s /bin/true /usr/local/bin/sync")
    card.run(f"{INSTALL} --no-start")
    there = "systemctl cat edgecase | grep -c ExecStart=; edgecase --help | grep -c doctor"
    assert card.run(there).split() == ["1", "1"]
    card.put_in(card.cut("no-syncs"))
    card.boot()
    assert card.run(f"({there}) 2>/dev/null", check=False).split() != ["1", "1"]


@pytest.mark.parametrize("moment", [*INSTALLING, *RANDOM])
def test_an_installation_that_was_cut_goes_on_to_its_end(
    card: OnACard, installing: Cuts, moment: str
) -> None:
    installing.start_from(moment)
    said = card.run(INSTALL, check=False)
    assert "Done." in said, said + log_of(card, "edgecase")[-3000:]
    assert ask("/health")["ready"]
    assert card.run("dpkg --audit") == ""
    assert "Nothing was broken." in card.run(f"{INSTALL} --repair")


@pytest.mark.parametrize("moment", [*UPGRADING, *RANDOM])
def test_a_cut_upgrade_comes_up_old_or_new(card: OnACard, upgrading: Cuts, moment: str) -> None:
    upgrading.start_from(moment)
    wait_until_settled(card)
    assert ask("/health")["ready"]
    upgrading.look_for_cases(moment)
    card.run("test -e /opt/edgecase/current/.whole")


@pytest.mark.parametrize("moment", [*FAILING, *RANDOM])
def test_a_cut_upgrade_that_migrated_and_is_broken_comes_up_old(
    card: OnACard, failing: Cuts, moment: str
) -> None:
    failing.start_from(moment)
    wait_until_settled(card)
    assert ask("/health")["ready"]
    failing.look_for_cases(moment)
    assert card.run("readlink /opt/edgecase/current").strip() == failing.before


def test_a_tower_s_broken_version_is_gone_back_from_by_the_next_start(release: str) -> None:
    tower = Container({}, release=release)
    settings = "[http]\nport = {}\n[broker]\nport = {}\nworkers_port = {}\n"
    (tower.root / "etc/edgecase").mkdir()
    (tower.root / "etc/edgecase/tower.toml").write_text(
        settings.format(free_port(), free_port(), free_port())
    )
    home = "/opt/edgecase-tower"
    end = "s/^def run(.*/&\\n    raise SystemExit(1)/"
    try:
        tower.boot()
        tower.run("/src/install.sh --tower")
        before = tower.run(f"readlink {home}/current")
        tower.run(f"cp -r /src /root/newer; sed -i '{end}' /root/newer/tower_sync_server/server.py")
        upgrade = "/root/newer/install.sh --tower --upgrade >/dev/null 2>&1"
        tower.run(f"{upgrade} & until test -e {home}/.before/complete; do sleep 0.1; done")
        tower.kill()
        tower.boot()
        tower.run(f"timeout 240 bash -c 'while test -e {home}/.before; do sleep 1; done'; sleep 10")
        assert tower.run(f"readlink {home}/current") == before
        tower.run("systemctl is-active edgecase-broker && systemctl is-active edgecase-tower")
        assert "edgecase-tower.service did not stay up" in log_of(tower, "edgecase-tower-settle")
    finally:
        tower.remove()
