"""How long the simulated network and its people take, in seconds of the clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Every delay of the exchange, in seconds; the defaults suit tests, where time is moved by hand."""

    sms_sending: float = 0.1
    """From the creation of a message to ``sending``."""
    sms_sent: float = 0.2
    """From ``sending`` to ``sent``, when the carrier has taken it."""
    sms_delivered: float = 0.7
    """From ``sent`` to ``delivered`` or ``undelivered``, when the carrier's receipt comes back."""
    call_initiated: float = 0.1
    """From the creation of a call until it is dialled."""
    call_ringing: float = 0.9
    """From dialling until the handset rings, or the network says that it cannot."""
    pick_up: float = 3.0
    """How long somebody who answers by himself lets it ring."""
    reaction: float = 2.0
    """From the moment the keypad is listened to until such a person presses the key."""
    voicemail_picks_up: float = 15.0
    """How long a voicemail lets it ring."""
    voicemail_lasts: float = 30.0
    """How long a voicemail listens before it hangs up."""
    speech_per_character: float = 0.0
    """How long a spoken character takes; nothing in tests, where only the words matter."""


LIVE = Timings(sms_sending=0.3, sms_sent=0.5, sms_delivered=1.2, call_ringing=1.5, speech_per_character=0.18)
"""Timings for people to watch: a sentence takes as long as it takes to say it."""
