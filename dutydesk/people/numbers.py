"""Phone numbers as people write them, into the one form that is stored and dialled: E.164."""

import phonenumbers
from phonenumbers import PhoneNumberType as Type

from dutydesk.errors import FieldFault, InvalidInputError
from dutydesk.logs import mask_number
from dutydesk.people.rules import ContactKind, ContactPoint, is_email

_MOBILE = frozenset({Type.MOBILE, Type.FIXED_LINE_OR_MOBILE})


def parse_number(text: str, region: str = "CN", field: str = "number") -> str:
    """Return *text* in E.164 (ITU-T), reading a number without country code as one of *region*.

    Raises:
        InvalidInputError: naming *field*, when no such number can exist or it cannot be dialled as it is.
    """
    return _e164(_parsed(text, region, field))


def parse_address(kind: ContactKind, text: str, field: str = "address") -> str:
    """Return the stored form of a contact: E.164 for numbers, the trimmed text for an e-mail address.

    A landline may not be entered as a mobile: an SMS to it is accepted by the provider and read by nobody.

    Raises:
        InvalidInputError: naming *field*, when the text is no such address or of another kind.
    """
    if kind == "email":
        trimmed = text.strip()
        if not is_email(trimmed):
            raise _fault(field, "is not an e-mail address")
        return trimmed
    number = _parsed(text, "CN", field)
    found = phonenumbers.number_type(number)
    if kind == "mobile" and found not in _MOBILE:
        raise _fault(field, "is not a mobile number; enter it as a landline")
    if kind == "landline" and found == Type.MOBILE:
        raise _fault(field, "is a mobile number; enter it as a mobile")
    return _e164(number)


def shown_address(point: ContactPoint, *, masked: bool) -> str:
    """Return a contact's address as it may be shown; masked, the owner still recognises it."""
    if not masked:
        return point.address
    if point.kind == "email":
        box, _, domain = point.address.partition("@")
        return f"{box[:1]}***@{domain}"
    return mask_number(point.address)


def _parsed(text: str, region: str, field: str) -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise _fault(field, "is not a phone number") from error
    if number.extension:
        raise _fault(field, "has an extension, which cannot be dialled; enter a direct number")
    if not phonenumbers.is_valid_number(number):
        raise _fault(field, "is not a valid phone number")
    return number


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _fault(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(f"{field} {message}", (FieldFault(field, message),))
