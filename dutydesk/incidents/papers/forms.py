"""The forms of papers: the text itself, and what is written down when one is moved."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from dutydesk.incidents.papers.facts import TEXTS, Typed
from dutydesk.incidents.papers.rules import Move
from dutydesk.rulebook.papers import PaperPlan
from dutydesk.web.forms import Form, Input
from dutydesk.web.texts import LongText, ShortText, Title

_VERSION = Input("version", "", "hidden")
_WHY = Input("reason", "理由", "lines", required=True, longest=1000)
_AT = Input("at", "时间", "moment", required=True)

TEXT = (
    Input("title", "标题", required=True, longest=200),
    Input(
        "body",
        "正文",
        "lines",
        required=True,
        longest=20_000,
        hint="每段一行；“一、”“（一）”“1.”开头的自动成为各级标题；不清楚的写“待核实”",
    ),
    Input("send_to", "报送", required=True, longest=100),
    Input("copy_to", "抄送", longest=100),
    Input("contact", "联系人", longest=50),
    Input("contact_phone", "联系电话", longest=100),
    Input("kind", "", "hidden"),
    Input("part", "", "hidden"),
    Input("once", "", "hidden"),
    _VERSION,
    # Which button was pressed.
    Input("do", "", "hidden"),
)
REASON = (_WHY, _VERSION)
SENT_BACK = (Input("who", "退回单位", required=True, longest=100), _WHY, _VERSION)
RECEIVE = (
    Input("who", "签收单位和签收人", required=True, longest=100),
    _AT,
    Input("reason", "备注", longest=200),
    _VERSION,
)


class _TypedIn(BaseModel):
    title: Title
    body: Annotated[LongText, StringConstraints(min_length=1)]
    send_to: Annotated[ShortText, StringConstraints(min_length=1)]
    copy_to: ShortText = ""
    contact: ShortText = ""
    contact_phone: ShortText = ""


class _StepIn(BaseModel):
    reason: Annotated[LongText, StringConstraints(max_length=1000)] = ""
    who: ShortText = ""
    to: ShortText = ""
    way: ShortText = ""


def text_values(texts: object) -> dict[str, str]:
    """Return what stands in the form of a text: a paper's, a proposal's or a step's."""
    return {name: getattr(texts, name) for name in TEXTS}


def unchecked_text(form: Form) -> Typed:
    """Return what was typed as it is, for a preview."""
    return Typed(**{name: _plain(form.value(name)) for name in TEXTS})


def typed_text(form: Form) -> Typed | None:
    """Return what was typed, or None with the faults on the form."""
    form.check_required()
    found = form.check(_TypedIn, {name: _plain(form.value(name)) for name in TEXTS})
    return None if form.faults or found is None else Typed(**found.model_dump())


def _plain(text: str) -> str:
    """Browsers end lines with two characters; a text that was not changed must stay the same."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def version_of(form: Form) -> int:
    """Return which version of a paper the form was drawn from; none that ever was, when somebody tampered with it."""
    typed = form.value("version")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


def step_inputs(move: Move, plan: PaperPlan) -> Sequence[Input]:
    """Return what is asked when a paper makes this move."""
    if move == "send":
        return (
            Input("to", "报送单位", required=True, longest=100),
            Input("way", "报送方式", "choice", required=True, choices=tuple((way, way) for way in plan.ways)),
            _AT,
            Input("reason", "备注", hint="例如对方接收人", longest=200),
            _VERSION,
        )
    if move == "receive":
        return RECEIVE
    if move == "sent-back":
        return SENT_BACK
    return REASON


def step_typed(form: Form, zone: tzinfo) -> tuple[str, datetime | None, dict[str, str]] | None:
    """Return the reason, the moment and the rest that was typed; or None with the faults on the form."""
    form.check_required()
    at = form.moment("at", zone)
    found = form.check(_StepIn, {name: _plain(form.value(name)) for name in _StepIn.model_fields})
    if form.faults or found is None:
        return None
    rest = {name: value for name in ("who", "to", "way") if (value := getattr(found, name))}
    return found.reason, at, rest | ({} if at is None else {"at": at.isoformat()})
