"""Fetches Twilio's own OpenAPI document for the tests, out of Twilio's npm package, into .state/."""

from npm import STATE, packed, read

PACKAGE = "@twilio/cli-core@8.3.2"
SHA512 = (
    "a914c0652d798bf9ec78a1eedb36486f5043efc58545539633ae620bd26a8d97"
    "4da73e4a41a884235925b0b7160e2d69c171fd246ea96c55c9ac8898449c3f77"
)
NAME = "twilio_api_v2010.json"


def main() -> None:
    """Do nothing when it is there already."""
    target = STATE / NAME
    if target.exists():
        return
    with packed(PACKAGE, SHA512) as tar:
        content = read(tar, f"package/src/services/twilio-api/{NAME}")
    draft = target.with_suffix(".part")
    draft.write_bytes(content)
    draft.replace(target)
    print(f"Fetched {target.relative_to(STATE.parent)} for the tests.")


if __name__ == "__main__":
    main()
