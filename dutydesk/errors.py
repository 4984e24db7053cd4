"""Errors that a user may read: each carries an HTTP status, a stable code and a sentence.

422 is kept for malformed input; 404, 409 and 403 mean what RFC 9110 says. ``web.problems`` renders
all of them as RFC 9457 problem details.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One thing wrong with one field of what was sent (field path, sentence)."""

    field: str
    message: str


class DutydeskError(Exception):
    """Something was asked that cannot be done; the message is fit for the user."""

    status = 400
    code = "bad_request"
    title = "Bad request"

    def __init__(self, detail: str, faults: tuple[FieldFault, ...] = ()) -> None:
        """Keep the sentence and, where there are any, the faults field by field."""
        super().__init__(detail)
        self.detail = detail
        self.faults = faults


class InvalidInputError(DutydeskError):
    """The input is malformed or contradicts itself."""

    status = 422
    code = "invalid_input"
    title = "Invalid input"


class NotFoundError(DutydeskError):
    """What was named does not exist."""

    status = 404
    code = "not_found"
    title = "Not found"


class ConflictError(DutydeskError):
    """The state of the thing does not allow this now."""

    status = 409
    code = "conflict"
    title = "Conflict"


class NotAllowedError(DutydeskError):
    """The caller is known but may not do this."""

    status = 403
    code = "not_allowed"
    title = "Not allowed"


class NotSignedInError(DutydeskError):
    """The caller gave no valid credentials."""

    status = 401
    code = "not_signed_in"
    title = "Not signed in"
    page = "/signin"


class NobodyYetError(NotSignedInError):
    """Nobody has an account: the first one has to be made."""

    page = "/setup"


class PasswordDueError(NotSignedInError):
    """The caller signed in with a password that somebody else chose, and must choose one first."""

    page = "/account/password"


class RefusedToStartError(Exception):
    """The process must not start; the message says everything that is wrong and what to do."""
