"""Twilio's way of saying no: an HTTP status, an error code and a link (https://www.twilio.com/docs/api/errors)."""

from typing import Any, Final

from fastapi import Request
from fastapi.responses import JSONResponse

WORDS: Final = {
    20001: (400, "Unsupported parameter or value"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url is not a valid URL"),
    21210: (400, "The source phone number is not yet verified for this account"),
    21211: (400, "The 'To' number is not a valid phone number"),
    21212: (400, "The 'From' number is not a valid phone number"),
    21213: (400, "Caller phone number is required"),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid, SMS-capable number of this account"),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}


class TwilioRefusal(Exception):  # noqa: N818 (a refusal is the wanted answer here, not an error of ours)
    """The request is refused in Twilio's words."""

    def __init__(self, code: int, message: str | None = None, status: int | None = None) -> None:
        """Refuse with Twilio's *code*; its usual status and sentence unless others are given."""
        usual_status, usual_message = WORDS.get(code, (400, "Refused"))
        super().__init__(message or usual_message)
        self.code = code
        self.status = status or usual_status

    def body(self) -> dict[str, Any]:
        """Return the JSON that Twilio answers with."""
        return {
            "code": self.code,
            "message": str(self),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


async def render_refusal(_request: Request, error: Exception) -> JSONResponse:
    """Answer a refused request (FastAPI's exception handler)."""
    if not isinstance(error, TwilioRefusal):
        raise error
    headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.status == 401 else None
    return JSONResponse(error.body(), error.status, headers)
