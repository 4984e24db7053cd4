"""Structured logs with phone numbers masked: a log file is not a directory of leaders' mobiles."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_NUMBER = re.compile(r"\+?\d{7,15}")
_KEEP_HEAD, _KEEP_TAIL = 6, 2


def mask_number(number: str) -> str:
    """Return a phone number with its middle replaced, e.g. ``+86138******02``.

    Short numbers keep only their last two digits.
    """
    if len(number) <= _KEEP_HEAD + _KEEP_TAIL:
        return "*" * max(0, len(number) - _KEEP_TAIL) + number[-_KEEP_TAIL:]
    hidden = len(number) - _KEEP_HEAD - _KEEP_TAIL
    return number[:_KEEP_HEAD] + "*" * hidden + number[-_KEEP_TAIL:]


def mask_text(text: str) -> str:
    """Mask everything in *text* that looks like a phone number."""
    return _NUMBER.sub(lambda found: mask_number(found.group()), text)


def _mask_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask numbers in every string value of a log event (structlog processor)."""
    for key, value in event.items():
        if isinstance(value, str) and key not in {"timestamp", "level", "event"}:
            event[key] = mask_text(value)
    return event


def configure_logs(*, json: bool = False, level: str = "INFO") -> None:
    """Send logs to standard error, as text for people or JSON for machines."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask_event,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # The Twilio SDK and httpx2 log whole URLs, which carry attempt tokens.
    for noisy in ("httpx2", "httpcore2", "dutydesk.twilio", "apscheduler"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def log(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger that carries *name* as its ``part``."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(part=name)
    return bound
