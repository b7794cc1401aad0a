"""Every letter can be read, by day and by night: the contrast that WCAG 2 asks for (AA)."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from edge.store.tokens import Scope
from tests.e2e.phones import a_phone
from tests.fakes.vision import blurred_picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
# What lies over a picture or a gradient is left out.
FAINT = """() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = (top, under, a) => top.map((value, i) => value * a + under[i] * (1 - a));
  const luminance = (rgb) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((value) => linear(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const style = getComputedStyle(element);
    if (style.backgroundImage !== "none" || element.matches(".stage, svg, .finder")) return null;
    const [r, g, b, a] = parse(style.backgroundColor);
    if (a === 1) return [r, g, b];
    const under = ground(element.parentElement);
    return under && over([r, g, b], under, a);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const said = walker.currentNode.data.trim();
    if (!said || !element.checkVisibility() || element.closest("[disabled]")) continue;
    const style = getComputedStyle(element), under = ground(element);
    if (!under) continue;
    let [r, g, b, a] = parse(style.color);
    for (let each = element; each; each = each.parentElement) {
      a *= Number(getComputedStyle(each).opacity);
    }
    const both = [luminance(over([r, g, b], under, a)), luminance(under)];
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${said}: ${ratio.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_letter_can_be_read(browser, device, scheme):
    for name in ("Ada", "Bo"):
        _, token = await device.store.create_token(name, [Scope.VIEW])
    await device.store.revoke_token(token.id)
    blurred = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": blurred_picture()}
    async with a_phone(browser, device, color_scheme=scheme) as phone:
        page = phone.page
        await phone.open()
        await page.set_input_files("#image", files=[blurred])
        await phone.sees("Take it again")
        await readable(page, "retake")
        await phone.take("dented-door")
        await phone.sees("Usable")
        await readable(page, "verdict")
        await page.locator("button[name=keep]").click()
        await phone.sees("Kept as case 1")
        await readable(page, "kept")
        await page.get_by_role("button", name="Open the case").click()
        await expect(page.locator("#case")).to_be_visible()
        await page.locator("details").evaluate_all("all => all.forEach(each => each.open = true)")
        await readable(page, "case")
        for path in ("/", "/history", "/device", "/paired", "/session", "/pair", "/trust"):
            await phone.open(path)
            await readable(page, path)


async def test_the_letters_that_can_not_be_read_are_found(phone):
    await phone.open("/history")
    await phone.page.evaluate("document.querySelector('h1').style.opacity = 0.3")
    assert [each.split(":")[0] for each in await phone.page.evaluate(FAINT)] == ["History"]


async def readable(page, where):
    await page.wait_for_timeout(300)  # until colours have come over
    assert await page.evaluate(FAINT) == [], where
