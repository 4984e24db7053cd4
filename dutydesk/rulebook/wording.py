"""What the texts of ``config/wording.*.toml`` must be able to say, and how long they may get."""

from dutydesk.rulebook.types import Wording

# One UCS-2 message; longer ones are split and may arrive in parts (3GPP TS 23.040).
SMS_UNITS = 70
SHORT_NAME_UNITS = 10
# A rule's title is said in an SMS.
TITLE_UNITS = 8

# Every placeholder with the longest value it can take.
_LONGEST = {
    "number": "演练-2026-0000",
    "unit": "十" * SHORT_NAME_UNITS,
    "owed": "十" * TITLE_UNITS,
    "due": "00:00",
    "name": "十" * 10,
    "count": "99",
    "numbers": "演练-2026-0000、演练-2026-0000",
    "phone": "02200000000",
    "seat": "带班领导",
    "minutes": "1440",
    "title": "十" * 10,
    "place": "十" * 10,
    "code": "A0A0",
    "day": "12月31日",
    "time": "00:00",
}
PLACEHOLDERS = frozenset(_LONGEST)

REASONS = frozenset(
    {
        "FIRST_RUNG",
        "RUNG_DUE",
        "NO_KEY_PRESSED",
        "PASSED_ON",
        "SEAT_EMPTY",
        "NO_USABLE_NUMBER",
        "CHANNEL_FAILED",
        "PROVIDER_FAILED",
        "LATE_START",
        "OPENED_LATE",
        "DUE_MOVED",
        "QUOTA_SPENT",
        "LAST_RESORT",
        "NO_SCREEN",
        "REPEATED",
        "TAKE_OVER_CHECK",
        "ROW_FAILED",
        "STUCK",
        "CLOCK_STEPPED",
        "CALLBACK_UNREACHABLE",
        "NUMBER_UNUSABLE",
        "OFF_SEAT_KEY",
        "CALLED_OUT_BY_HAND",
        "BACKLOG",
        "ALREADY_REPORTED",
        "WITHDRAWN",
        "ENDED",
        "MERGED",
        "WAIVED",
        "ACKNOWLEDGED",
        "TAKEN_OVER",
        "SUPERSEDED",
        "REGRADED",
        "SPOKEN_TOGETHER",
        "RECONCILED",
        "RESENT",
        "OWN_TEST",
        "SHIFT_REMINDER",
        "SHIFT_OVER",
        "NUMBER_CHECK",
        "SEAT_FILLED",
    }
)

REQUIRED_TEXTS = frozenset(
    {
        "signature",
        "drill.sms",
        "drill.voice",
        "sms.merged",
        "sms.fixed",
        "sms.resent",
        "sms.test",
        "sms.last_resort",
        "voice.greeting",
        "voice.greeting_unnumbered",
        "voice.menu",
        "voice.confirmed",
        "voice.after_details",
        "voice.passed_on",
        "voice.settled",
        "voice.goodbye",
        "voice.fixed",
        "voice.last_resort",
        "screen.fixed",
        "screen.gap",
        "screen.last_resort",
        "screen.provider_fault",
        "screen.clock_stepped",
        "screen.callback_unreachable",
        "screen.number_unusable",
        "screen.off_seat",
        "screen.backlog",
        "screen.quota",
        "screen.stuck",
        "screen.clock_drift",
        "screen.no_screen",
        "voice.no_screen",
        # What a call-out says before the due time, where a ladder has no words for that.
        "sms.warning",
        "voice.warning",
        "screen.warning",
        "sms.shift_published",
        "sms.shift_changed",
        "sms.change_refused",
        "sms.shift_tomorrow",
        "sms.shift_soon",
        "voice.shift_soon",
        "sms.number_check",
        "voice.number_check",
        "screen.roster_fault",
        "screen.shift_unanswered",
        "voice.number_code",
        "voice.number_right",
        "voice.number_wrong",
        "voice.number_closed",
    }
    | {f"reason.{name}" for name in REASONS}
)


def utf16_units(text: str) -> int:
    """Return how many UTF-16 code units *text* takes in an SMS (an emoji or rare Han takes two)."""
    return len(text.encode("utf-16-le")) // 2


def clip(text: str, units: int) -> str:
    """Return the longest beginning of *text* within *units*, never cutting a character in two."""
    kept = ""
    for character in text:
        if utf16_units(kept + character) > units:
            break
        kept += character
    return kept


def longest_sms(wording: Wording, key: str) -> int:
    """Return the length in UTF-16 units that the SMS *key* can grow to, with everything around it."""
    text = wording.text(key).format(**_LONGEST)
    marks = wording.texts.get("drill.sms", "") + wording.texts.get("sms.resent", "")
    code = 5
    return utf16_units(f"【{wording.text('signature')}】{marks}{text}") + code
