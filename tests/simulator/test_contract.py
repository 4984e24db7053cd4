"""The answers held against Twilio's own OpenAPI document, which ``make`` fetches to ``.state/``."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.simulator.application import ACCOUNT, LI

DOCUMENT = Path(__file__).parents[2] / ".state" / "twilio_api_v2010.json"
ACCOUNTS = "/2010-04-01/Accounts/{AccountSid}"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    assert DOCUMENT.exists(), (
        f"{DOCUMENT} is missing: Twilio's OpenAPI document is fetched by `make test` (tools/fetch_openapi.py)"
    )
    return _as_json_schema(json.loads(DOCUMENT.read_text()))


def _as_json_schema(part: Any) -> Any:
    """OpenAPI 3.0 says ``nullable``; JSON Schema wants null among the types."""
    if isinstance(part, list):
        return [_as_json_schema(item) for item in part]
    if not isinstance(part, dict):
        return part
    converted = {key: _as_json_schema(value) for key, value in part.items()}
    if converted.get("nullable") is True and "type" in converted:
        converted["type"] = [converted["type"], "null"]
    return converted


def check(document: dict[str, Any], path: str, method: str, status: str, answer: dict[str, Any]) -> None:
    """Validate an answer, and that it has every property of the schema and no other."""
    schema = document["paths"][ACCOUNTS + path][method]["responses"][status]["content"]["application/json"][
        "schema"
    ]
    jsonschema.Draft4Validator({**schema, "components": document["components"]}).validate(answer)
    resolved = schema
    if "$ref" in schema:
        resolved = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    assert set(answer) == set(resolved["properties"])


def check_form(document: dict[str, Any], path: str, form: set[str]) -> None:
    """Check that every field of a request is one that Twilio knows."""
    content = document["paths"][ACCOUNTS + path]["post"]["requestBody"]["content"]
    assert form <= set(content["application/x-www-form-urlencoded"]["schema"]["properties"])


def last_answer(world) -> dict[str, Any]:
    return world.twilio.http_client.answers[-1].json()


async def test_messages_look_like_twilios_at_every_stage(world, document):
    created = await world.send(body="【值班】请报🚨")
    check(document, "/Messages.json", "post", "201", last_answer(world))
    for _ in range(4):
        await world.twilio.messages(created.sid).fetch_async()
        check(document, "/Messages/{Sid}.json", "get", "200", last_answer(world))
        await world.pass_time(0.5)
    world.exchange.handset(LI).behave("off")
    created = await world.send()
    await world.pass_time(5)
    await world.twilio.messages(created.sid).fetch_async()
    check(document, "/Messages/{Sid}.json", "get", "200", last_answer(world))


async def test_calls_look_like_twilios_at_every_stage(world, document):
    created = await world.call(machine_detection="Enable")
    check(document, "/Calls.json", "post", "201", last_answer(world))
    for step in (0.2, 2, "answer", 5, "hang_up"):
        if isinstance(step, str):
            await getattr(world.exchange.handset(LI), step)()
        else:
            await world.pass_time(step)
        await world.twilio.calls(created.sid).fetch_async()
        check(document, "/Calls/{Sid}.json", "get", "200", last_answer(world))


async def test_a_cancelled_call_looks_like_twilios(world, document):
    created = await world.call()
    await world.twilio.calls(created.sid).update_async(status="canceled")
    check(document, "/Calls/{Sid}.json", "post", "200", last_answer(world))


async def test_lists_look_like_twilios_also_in_the_middle(world, document):
    for _ in range(3):
        await world.send()
        await world.call()
    for kind in ("Messages", "Calls"):
        for page in (0, 1, 2):
            uri = f"/2010-04-01/Accounts/{ACCOUNT}/{kind}.json"
            await world.twilio.request_async("GET", f"https://api.twilio.com{uri}?PageSize=1&Page={page}")
            check(document, f"/{kind}.json", "get", "200", last_answer(world))


async def test_the_fields_the_exchange_reads_are_twilios(document):
    check_form(document, "/Messages.json", {"To", "From", "Body", "StatusCallback", "MessagingServiceSid"})
    check_form(
        document,
        "/Calls.json",
        {"To", "From", "Url", "Method", "Twiml", "FallbackUrl", "FallbackMethod", "StatusCallback"}
        | {"StatusCallbackEvent", "StatusCallbackMethod", "Timeout", "MachineDetection"},
    )
