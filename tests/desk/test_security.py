"""Requests from elsewhere do nothing here."""

import httpx2
import pytest
from starlette.datastructures import Headers

from dutydesk.web.security import is_loopback_host, is_same_origin

FORM = {"X-Live": "1"}


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:8000", True),
        ("localhost", True),
        ("[::1]:8000", True),
        ("127.0.0.1.evil.example", False),
        ("evil.example:8000", False),
        ("localhost.evil.example", False),
        ("0.0.0.0", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_names_of_this_machine_are_its_own(host, own):
    assert is_loopback_host(host) is own


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8000"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://127.0.0.1:8000"}, True),
        ({"origin": "http://127.0.0.1:9000"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_our_own_pages_send_forms(headers, own):
    assert is_same_origin(Headers({"host": "127.0.0.1:8000", **headers})) is own


async def test_a_form_of_another_site_changes_nothing(browser, fire, work):
    await work()
    del browser.headers["Sec-Fetch-Site"]
    for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await browser.post(
            f"/incidents/{fire.number}/withdraw", data={"reason": "x"}, headers=headers
        )
        assert answer.status_code == 403
        assert "已拒绝" in answer.text
    assert "处置中" in (await browser.get(f"/incidents/{fire.number}")).text


async def test_another_name_for_this_machine_is_refused(app, bureau):
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://evil.example") as stranger:
        assert (await stranger.get("/desk")).status_code == 403
        refused = await stranger.get("/api/v1/units")
        assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
        # A provider reaches the webhooks under the public name, and proves itself by its signature.
        assert "本机" not in (await stranger.post("/webhooks/twilio/voice/x")).text


async def test_pages_carry_a_strict_policy_and_are_never_kept(browser, bureau):
    answer = await browser.get("/desk")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_pages_have_nothing_inline_and_nothing_from_elsewhere(browser, fire):
    for address in ("/desk", "/incidents/new", f"/incidents/{fire.number}", "/incidents/none"):
        page = (await browser.get(address)).text
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick" not in page
        assert "<script>" not in page
        assert "//cdn" not in page
        assert "https://" not in page
