"""A phone-sized Chromium is paired by the address in the QR code, and thrown out again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.e2e.phones import ARGS, CHROMIUM
from tests.e2e.running import ROOT, Device, free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOTS = os.environ.get("EDGECASE_TEST_SHOTS", "")
REBOUND = "--host-resolver-rules=MAP evil.example 127.0.0.1"
"""What a rebound name looks like to the browser: the device's own address."""
FIRST = re.compile(r"Code   (\S{4})-(\S{4})")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
]


class Paired:
    """A daemon that asks for tokens and serves HTTPS, in a process of its own."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.data, self.log, self.tls_port = folder / "data", log, free_port()
        self.settings = {
            "EDGECASE_HTTP__AUTH": "token",
            "EDGECASE_HTTP__TLS_PORT": str(self.tls_port),
        }
        with log.open("wb") as file:
            self.device = Device(self.data, file, **self.settings)
        until(lambda: self.device.ask("/ping")[0] == 200)
        until(lambda: FIRST.search(self.said()))

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def command(self, *words: str) -> str:
        """Run `edgecase` beside the daemon."""
        env = {
            **os.environ,
            **self.settings,
            "EDGECASE_HTTP__PORT": str(self.device.port),
            "EDGECASE_STORE__DATA_DIR": str(self.data),
        }
        ran = [sys.executable, "-m", "edge", *words]
        return subprocess.run(
            ran, cwd=ROOT, env=env, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def invitation(self, *words: str) -> str:
        """Open a window; gives what the QR code holds."""
        told = self.command("pair", *words)
        found = FIRST.search(told)
        assert found
        return "".join(found.groups())

    def good_tokens(self) -> list[str]:
        """Ids of those that open something."""
        phones = json.loads(self.command("phones", "list", "--json"))["phones"]
        return [phone["id"] for phone in phones if phone["revoked"] is None]

    @property
    def plain(self) -> str:
        return f"http://127.0.0.1:{self.device.port}"

    @property
    def secure(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}"

    def authority(self) -> str:
        with urllib.request.urlopen(f"{self.plain}/ca.pem", timeout=10) as answer:
            return str(answer.read().decode())

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority())

    def token(self, *scopes: str) -> dict[str, str]:
        """A token, as `edgecase pair --json` prints it."""
        words = [word for scope in scopes for word in ("--scope", scope)]
        told: dict[str, str] = json.loads(self.command("pair", "--json", *words))
        return told


@contextlib.contextmanager
def a_paired_device(folder: Path) -> Iterator[Paired]:
    paired = Paired(folder, folder / "log")
    try:
        yield paired
    finally:
        paired.device.process.kill()
        paired.device.process.wait()


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paired]:
    with a_paired_device(tmp_path_factory.mktemp("pairing")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(device, tmp_path_factory):
    """A browser that has the device's authority installed, and believes nothing else."""
    home = tmp_path_factory.mktemp("home")
    trust = f"sql:{home}/.pki/nssdb"
    (home / ".pki" / "nssdb").mkdir(parents=True)
    (home / "ca.pem").write_text(device.authority())
    certutil("-N", "-d", trust, "--empty-password")
    certutil("-A", "-d", trust, "-t", "C,,", "-n", "device", "-i", f"{home}/ca.pem")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*ARGS, REBOUND],
            env={**os.environ, "HOME": str(home)},
        )
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="module")
async def phone(browser):
    """A new phone: no cookies, 360 pixels wide."""
    context = await browser.new_context(
        viewport={"width": 360, "height": 740},
        has_touch=True,
        user_agent="Mozilla/5.0 (Linux; Android 15; Pixel 8) Chrome/140 Mobile Safari/537.36",
    )
    yield await context.new_page()
    await context.close()


def certutil(*words: str) -> None:
    subprocess.run(["certutil", *words], check=True, capture_output=True)


async def shot(page, name: str) -> None:
    if not SHOTS:
        return
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.wait_for_timeout(400)  # until its colours have come over
        await page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}.png", full_page=True)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_phone_scans_goes_on_over_https_pairs_and_is_thrown_out(device, phone):
    found = FIRST.search(device.said())
    pin = re.search(r"authority:\s+([0-9A-F:]{95})", device.said())
    assert found
    assert pin
    # the first phone, by the code that the log shows at the first start
    await phone.goto(f"{device.plain}/pair#{''.join(found.groups())}")
    await expect(phone.get_by_text(pin[1])).to_be_visible()
    await shot(phone, "pair-plain")
    await phone.get_by_role("button", name="Trust it").click()
    await expect(phone.get_by_role("button", name="Download the certificate")).to_be_visible()
    await shot(phone, "trust")
    await phone.go_back()
    await phone.get_by_role("button", name="Go on").click()
    await phone.wait_for_url(f"{device.secure}/pair")
    await expect(phone.get_by_label("Code")).to_have_value("".join(found.groups()))
    await expect(phone.get_by_label("Name of this phone")).to_have_value("Android phone")
    await shot(phone, "pair-secure")
    assert await phone.evaluate("document.documentElement.scrollWidth") <= 360
    assert "#" not in phone.url
    await phone.get_by_label("Name of this phone").fill("Ada's phone")
    await phone.get_by_role("button", name="Pair").click()
    await phone.wait_for_url(f"{device.secure}/")
    cookie = await phone.context.cookies(device.secure)
    assert [(c["httpOnly"], c["secure"], c["sameSite"]) for c in cookie] == [(True, True, "Strict")]
    assert await phone.evaluate("document.cookie") == ""

    # it is an admin's, and opens the window for another one
    await phone.goto(f"{device.secure}/paired")
    await expect(phone.get_by_text("Ada's phone")).to_be_visible()
    await shot(phone, "phones")
    await phone.get_by_label("Whose phone is it?").fill("Bo")
    await phone.get_by_role("button", name="Show a QR code").click()
    await expect(phone.locator(".qr svg")).to_be_visible()
    await expect(phone.locator("#left")).to_contain_text("min")
    await shot(phone, "window")
    code = await phone.locator(".code").text_content()
    request = urllib.request.Request(
        f"{device.secure}/pair",
        json.dumps({"code": code}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10, context=device.trusting()) as answer:
        other = json.load(answer)
    assert other["name"] == "Bo"

    # and takes it back: a stream that was open ends within a second
    stream = urllib.request.urlopen(
        urllib.request.Request(f"{device.secure}/events", headers=bearer(other["token"])),
        timeout=10,
        context=device.trusting(),
    )
    with stream:
        assert stream.readline() == b"retry: 2000\n"
        await expect(phone.get_by_text("Bo", exact=True)).to_be_visible(timeout=10_000)
        await expect(phone.locator("li", has_text="Bo").locator("small")).to_contain_text(
            "take photos, too"
        )
        await phone.evaluate("window.confirm = () => true")
        await phone.get_by_role("button", name="Revoke Bo").click()
        await expect(phone.get_by_text("revoked")).to_be_visible()
        seen = time.monotonic()
        with contextlib.suppress(OSError):  # cut, and not ended
            while stream.readline():
                pass
        assert time.monotonic() - seen < 1.5

    # no token was ever written down
    assert other["token"] not in device.said()
    assert cookie[0]["value"] not in device.said()
    assert code.replace("-", "") not in device.said().replace("-", "")
    kept = [p for p in device.data.rglob("*") if p.is_file()]
    tokens = (other["token"].encode(), cookie[0]["value"].encode())
    assert [p for p in kept if any(t in p.read_bytes() for t in tokens)] == []


async def test_a_wrong_code_is_said_and_ten_of_them_lock_the_window(device, phone):
    code = device.invitation()
    await phone.goto(f"{device.secure}/pair#WRONG123")
    for _ in range(9):
        await phone.get_by_role("button", name="Pair").click()
        await expect(phone.locator("#said")).to_contain_text("This is not the code.")
        await phone.evaluate("document.getElementById('said').textContent = ''")
    await phone.get_by_role("button", name="Pair").click()
    await expect(phone.locator("#said")).to_contain_text("Locked after 10 wrong codes")
    await phone.get_by_label("Code").fill(code)
    await phone.get_by_role("button", name="Pair").click()
    await expect(phone.locator("#said")).to_contain_text("Locked after 10 wrong codes")
    await shot(phone, "locked")


async def test_a_german_phone_is_told_in_german_what_is_wrong_with_its_code(device, browser):
    context = await browser.new_context(locale="de-DE")
    phone = await context.new_page()
    device.invitation()
    await phone.goto(f"{device.secure}/pair#WRONG123")
    await phone.get_by_role("button", name="Koppeln").click()
    await expect(phone.locator("#said")).to_contain_text("Das ist nicht der Code.")
    await phone.goto(f"{device.secure}/session")
    await phone.get_by_label("Token").fill("wrong")
    await phone.get_by_role("button", name="Anmelden").click()
    await expect(phone.get_by_role("alert")).to_contain_text("Dieses Token ist hier nicht bekannt.")
    await context.close()


async def test_the_page_says_when_it_is_another_device_than_the_one_that_showed_the_code(
    device, phone
):
    await phone.goto(f"{device.secure}/pair#K7Q2M9XF.{'A' * 43}")
    await expect(phone.get_by_text("This is not the device that showed the code")).to_be_visible()


async def test_nothing_is_wider_than_a_small_phone(device, phone):
    for path in ("/pair", "/trust"):
        for base in (device.plain, device.secure):
            await phone.goto(base + path)
            assert await phone.evaluate("document.documentElement.scrollWidth") <= 360, path


async def test_a_name_that_was_rebound_to_the_device_shows_nothing_of_it(device, phone):
    answer = await phone.goto(f"http://evil.example:{device.device.port}/trust")
    assert answer.status == 421
    assert "Download the certificate" not in await phone.content()


async def test_a_page_of_another_origin_can_neither_pair_nor_revoke(device, phone):
    admin = device.token("admin")["token"]
    # Another port of the same address is the same site: the browser sends the cookie along.
    cookie = {"name": "edgecase_token", "value": admin, "url": device.plain}
    await phone.context.add_cookies([cookie])
    before = device.good_tokens()
    evil = free_port()
    page = f"""<form method=post enctype=text/plain action="{device.plain}/pairing/window"><button>
        </button></form><script>document.querySelector("form").submit()</script>"""
    await phone.route(
        f"http://127.0.0.1:{evil}/", lambda r: r.fulfill(body=page, content_type="text/html")
    )
    async with phone.expect_response(f"{device.plain}/pairing/window") as forged:
        await phone.goto(f"http://127.0.0.1:{evil}/")
    answer = await forged.value
    assert answer.status == 403
    assert "not for a page of another site." in await phone.content()
    assert device.good_tokens() == before


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
async def test_the_chain_ends_with_the_authority_whose_fingerprint_is_printed(device):
    ran = subprocess.run(
        ["openssl", "s_client", "-showcerts", "-connect", f"127.0.0.1:{device.tls_port}"],
        input=b"",
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert ran.stdout.count(b"BEGIN CERTIFICATE") == 2
