"""TwiML, the language Twilio speaks to callers, read into verbs (https://www.twilio.com/docs/voice/twiml)."""

from collections.abc import Iterator
from dataclasses import dataclass

# The documents come from the application under test; entity tricks are refused before parsing.
from xml.etree import ElementTree as ET

MOST_REPEATS = 20
"""``<Say loop="0">`` means "for ever"; here it ends."""


class TwimlError(Exception):
    """The document cannot be carried out; *code* is Twilio's (12100: not XML, 12101: no Response)."""

    def __init__(self, code: int, message: str) -> None:
        """Keep Twilio's code beside the sentence."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text."""

    text: str
    language: str
    voice: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with the document at a URL."""

    url: str
    method: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A verb this exchange does not carry out; Twilio too only warns (12200) and goes on."""

    name: str


@dataclass(frozen=True, slots=True)
class Gather:
    """Listen to the keypad while the prompts are spoken and ``timeout`` seconds beyond.

    ``digits`` is how many keys end it at once (None: any number, ended by ``finish_key``).
    """

    prompts: tuple["Say | Pause | Unknown", ...]
    action: str | None
    method: str
    digits: int | None
    timeout: float
    finish_key: str
    action_on_empty: bool


Verb = Say | Pause | Redirect | Hangup | Gather | Unknown


def parse(document: bytes | str) -> tuple[Verb, ...]:
    """Return the verbs of a TwiML document.

    Raises:
        TwimlError: the document is not XML, or its root is not ``Response``.
    """
    text = document if isinstance(document, bytes) else document.encode()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise TwimlError(12100, "Document parse failure: a document type is not allowed")
    try:
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(12101, f"The root is {root.tag}, not Response")
    return tuple(verb for element in root for verb in _verbs(element))


def _verbs(element: ET.Element) -> Iterator[Verb]:
    match element.tag:
        case "Gather":
            yield _gather(element)
        case "Redirect":
            yield Redirect((element.text or "").strip(), element.get("method", "POST").upper())
        case "Hangup":
            yield Hangup()
        case _:
            yield from _prompts(element)


def _prompts(element: ET.Element) -> Iterator[Say | Pause | Unknown]:
    match element.tag:
        case "Say":
            # A Say may hold SSML; its words are what is heard.
            text = "".join(element.itertext()).strip()
            say = Say(text, element.get("language", "en-US"), element.get("voice", ""))
            loop = int(element.get("loop", "1"))
            yield from [say] * (min(loop, MOST_REPEATS) if loop else MOST_REPEATS)
        case "Pause":
            yield Pause(float(element.get("length", "1")))
        case name:
            yield Unknown(str(name))


def _gather(element: ET.Element) -> Gather:
    digits = element.get("numDigits")
    return Gather(
        prompts=tuple(prompt for child in element for prompt in _prompts(child)),
        action=element.get("action"),
        method=element.get("method", "POST").upper(),
        digits=int(digits) if digits else None,
        timeout=float(element.get("timeout", "5")),
        finish_key=element.get("finishOnKey", "#"),
        action_on_empty=element.get("actionOnEmptyResult", "false").lower() == "true",
    )
