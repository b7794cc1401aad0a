from __future__ import annotations

from edge.errors import VisionFailedError


async def test_a_case_can_be_had_as_a_pdf(client, keep):
    case = await keep()
    answer = await client.get(f"/cases/{case['id']}/report.pdf")
    assert (answer.status, answer.content_type) == (200, "application/pdf")
    assert (await answer.read()).startswith(b"%PDF-")
    assert f"case-{case['seq']}.pdf" in answer.headers["Content-Disposition"]


async def test_where_nobody_can_draw_the_thumbnail_is_in_it(client, keep, device, monkeypatch):
    case = await keep()

    async def tired(*_):
        raise VisionFailedError("The vision worker is not running.")

    monkeypatch.setattr(device.vision, "annotate", tired)
    answer = await client.get(f"/cases/{case['id']}/report.pdf")
    assert (answer.status, b"/Image" in await answer.read()) == (200, True)


async def test_a_case_that_is_none_has_no_pdf(client):
    answer = await client.get("/cases/00000000-0000-0000-0000-000000000000/report.pdf")
    assert answer.status == 404
