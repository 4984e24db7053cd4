"""The forms of leaves: their fields, and what was typed as the actions take it."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from dutydesk.people.lists import LARGEST_ID
from dutydesk.people.rules import Person
from dutydesk.rosters.leaves.actions import Report, Steps
from dutydesk.rosters.leaves.amendments import Itinerary
from dutydesk.rosters.model import LeaveReport
from dutydesk.rosters.rules import Away, LeaveKind
from dutydesk.web import words
from dutydesk.web.forms import Form, Input

Part = tuple[str, Sequence[Input]]

ONCE = Input("once", "", "hidden")
OPINION = Input("opinion", "意见", "lines", hint="退回须写明原因", longest=500)
DECIDED_BY = Input("decided_by", "审批人", hint="代为登记审批结果时，填写作出决定的领导", longest=50)
WHY_CANCELLED = Input("reason", "撤销原因", required=True, longest=200)
RETURNED = Input("returned_at", "返回时间", "moment", required=True)
_AWAY = [("", "请选择"), *words.AWAY.items()]
_CONSENT = (
    Input("consent_by", "同意的分管市领导", longest=50),
    Input("consent_at", "同意时间", "moment"),
)
_REPORTED = (
    Input("written_at", "书面报告送达时间", "moment", hint="市政府总值班室收到的时间"),
    Input("receipt", "回执", hint="收文号或签收人", longest=100),
    Input("filed_at", "市委办公厅报备时间", "moment"),
)


def moment_text(moment: datetime, zone: tzinfo) -> str:
    """Return an instant as a date and time field has it."""
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M:%S}".removesuffix(":00")


def person_words(one: Person) -> str:
    """Return a person as a choice names them."""
    return words.bracketed(one.name, one.title)


def report_inputs(persons: Sequence[Person], deputies: Sequence[Person], *, for_director: bool) -> list[Part]:
    """Return the fields of a new report by part; the director's part is shown where the director may be meant."""
    first = [("", "请选择")] if len(persons) != 1 else []
    chosen = [*first, *((str(one.id), person_words(one)) for one in persons)]
    parts: list[Part] = [
        (
            "外出情况",
            (
                Input("person", "外出人", "choice", required=True, choices=chosen),
                Input("kind", "类别", "choice", required=True, choices=list(words.LEAVE_KINDS.items())),
                Input("away", "去向", "choice", required=True, choices=_AWAY),
                Input("place", "地点", hint="离津、出境的必填", longest=100),
                Input("starts_at", "离开时间", "moment", required=True),
                Input("ends_at", "返回时间", "moment", required=True),
                Input("transport", "交通方式", longest=100),
                Input("reason", "事由", "lines", required=True, longest=500),
                Input("arrangement", "外出期间工作安排", "lines", longest=1000),
                Input(
                    "together_reason",
                    "正副职同期外出的理由",
                    hint="正副职一般不同时外出；确需同时外出的填写",
                    longest=200,
                ),
            ),
        ),
        (
            "紧急情况",
            (
                Input("urgent", "情况紧急，已先电话报告", "tick", hint="一个工作日内补报书面报告"),
                Input("phone_reported_at", "电话报告时间", "moment"),
                Input("phone_reported_to", "接报人", longest=50),
            ),
        ),
    ]
    if for_director:
        acting = [("", "暂未落实"), *((str(one.id), person_words(one)) for one in deputies)]
        delegate = Input(
            "delegate",
            "主持工作的副局长",
            "choice",
            choices=acting,
            hint="局长离津期间委托一名在津的副局长（第五条）",
        )
        parts.append(("局长外出（非局长外出不填）", (delegate, *_CONSENT, *_REPORTED)))
    return parts


def decision_inputs(*, is_director: bool, by_hand: bool) -> list[Input]:
    """Return the fields of a decision: who decided where it is written down by hand, consent for the director."""
    return [*([DECIDED_BY] if by_hand else []), *(_CONSENT if is_director else ()), OPINION]


def steps_inputs(*, is_director: bool) -> list[Input]:
    """Return the fields of the steps that may be noted later."""
    return [*(_CONSENT if is_director else ()), *_REPORTED]


def itinerary_inputs() -> list[Input]:
    """Return the fields of a change of a leave."""
    return [
        Input("away", "去向", "choice", required=True, choices=_AWAY),
        Input("place", "地点", hint="离津、出境的必填", longest=100),
        Input("starts_at", "离开时间", "moment", required=True),
        Input("ends_at", "返回时间", "moment", required=True),
        Input("transport", "交通方式", longest=100),
        Input("reason", "变更原因", "lines", required=True, longest=500),
    ]


def delegate_inputs(deputies: Sequence[Person]) -> list[Input]:
    """Return the field that names who runs the bureau."""
    choices = [("", "请选择"), *((str(one.id), person_words(one)) for one in deputies)]
    return [Input("delegate", "主持工作的副局长", "choice", required=True, choices=choices)]


def identity(form: Form, name: str) -> int | None:
    """Return the id that was chosen; one that cannot be is a fault."""
    value = form.value(name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= LARGEST_ID):
        form.fault(name, "请选择")
        return None
    return int(value)


def report_of(form: Form, zone: tzinfo) -> Report | None:
    """Return what was typed as a report, or None with what is wrong noted beside the fields."""
    form.check_required()
    kind, away = _kind(form), _away(form)
    starts_at, ends_at = form.moment("starts_at", zone), form.moment("ends_at", zone)
    phoned = form.moment("phone_reported_at", zone)
    person_id, delegate_id = identity(form, "person"), identity(form, "delegate")
    if form.faults or kind is None or away is None or starts_at is None or ends_at is None:
        return None
    return Report(
        person_id=person_id or 0,
        kind=kind,
        away=away,
        reason=form.value("reason"),
        starts_at=starts_at,
        ends_at=ends_at,
        place=form.value("place"),
        transport=form.value("transport"),
        arrangement=form.value("arrangement"),
        together_reason=form.value("together_reason"),
        urgent=form.ticked("urgent"),
        phone_reported_at=phoned if form.ticked("urgent") else None,
        phone_reported_to=form.value("phone_reported_to") if form.ticked("urgent") else "",
        delegate_id=delegate_id,
    )


def steps_of(form: Form, zone: tzinfo) -> Steps:
    """Return the steps that were typed; what is wrong with a time is noted beside it."""
    return Steps(
        consent_by=form.value("consent_by"),
        consent_at=form.moment("consent_at", zone),
        written_at=form.moment("written_at", zone),
        receipt=form.value("receipt"),
        filed_at=form.moment("filed_at", zone),
    )


def itinerary_of(form: Form, zone: tzinfo) -> Itinerary | None:
    """Return what was typed as a change, or None with what is wrong noted beside the fields."""
    form.check_required()
    away = _away(form)
    starts_at, ends_at = form.moment("starts_at", zone), form.moment("ends_at", zone)
    if form.faults or away is None or starts_at is None or ends_at is None:
        return None
    return Itinerary(
        away=away,
        place=form.value("place"),
        transport=form.value("transport"),
        starts_at=starts_at,
        ends_at=ends_at,
        reason=form.value("reason"),
    )


def itinerary_values(row: LeaveReport, zone: tzinfo) -> dict[str, str]:
    """Return a leave's itinerary as the form of a change begins with it."""
    return {
        "away": row.away,
        "place": row.place,
        "transport": row.transport,
        "starts_at": moment_text(row.starts_at, zone),
        "ends_at": moment_text(row.ends_at, zone),
    }


def _kind(form: Form) -> LeaveKind | None:
    found: dict[str, LeaveKind] = {"leave": "leave", "trip": "trip", "study": "study", "other": "other"}
    if form.value("kind") not in found:
        form.fault("kind", "请选择")
    return found.get(form.value("kind"))


def _away(form: Form) -> Away | None:
    found: dict[str, Away] = {"post": "post", "city": "city", "abroad": "abroad"}
    if form.value("away") not in found:
        form.fault("away", "请选择")
    return found.get(form.value("away"))
