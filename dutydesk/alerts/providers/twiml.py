"""What a call says and asks, as TwiML (Twilio: <Gather>, <Say>, <Hangup>)."""

from twilio.twiml.voice_response import Gather, VoiceResponse

LANGUAGE = "zh-CN"
VOICE = "Polly.Zhiyu"


def asking(parts: list[str], action_url: str, seconds: int, digits: int = 1) -> str:
    """Say *parts*, wait *seconds* for that many keys, and report them, or their absence, to *action_url*."""
    answer = VoiceResponse()
    gather = Gather(
        num_digits=digits,
        input="dtmf",
        action=action_url,
        method="POST",
        timeout=seconds,
        action_on_empty_result=True,
        language=LANGUAGE,
    )
    for part in parts:
        gather.say(part, language=LANGUAGE, voice=VOICE)
    answer.append(gather)
    return str(answer)


def saying(parts: list[str]) -> str:
    """Say *parts* and hang up."""
    answer = VoiceResponse()
    for part in parts:
        answer.say(part, language=LANGUAGE, voice=VOICE)
    answer.hangup()
    return str(answer)
