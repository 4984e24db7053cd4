"""What the directory's forms share: the reason, and what somebody saw when the form was drawn."""

import hashlib

from dutydesk.errors import ConflictError
from dutydesk.people.rules import Person, Unit
from dutydesk.web.forms import Form, Input

SEEN = Input("seen", "", "hidden")


def reason_input(label: str, hint: str = "") -> Input:
    """Return the field that asks why."""
    return Input("reason", label, "lines", required=True, hint=hint, longest=1000)


def seen_of(one: Unit | Person) -> str:
    """Return what a thing is now, short enough for a hidden field."""
    return hashlib.sha256(repr(one).encode()).hexdigest()[:24]


def as_seen(one: Unit | Person, form: Form) -> None:
    """See to it that a thing is still what it was when the form was drawn.

    Raises:
        ConflictError: somebody else changed it meanwhile.
    """
    if form.value("seen") != seen_of(one):
        raise ConflictError("您填写期间，这一项已由别人修改；请返回核对后重新修改")
