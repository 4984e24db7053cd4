"""What the API says about incidents, obligations and reports."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from dutydesk.incidents.model import Attachment, Casualties, Incident, OccurredKind, Report, ReportKind
from dutydesk.incidents.rules import MOST_COUNTED
from dutydesk.obligations.model import Obligation, Verdict
from dutydesk.people.lists import Moment
from dutydesk.rulebook.types import Category, Grade
from dutydesk.web.texts import Code, LongText, Name, Reason, ShortText, Title

# The names of rules.WRITTEN: what has no column of its own.
ElementName = Literal[
    "nature",
    "cause",
    "scope",
    "property",
    "trend",
    "leaders",
    "measures",
    "next_steps",
    "requests",
    "on_site",
]
Count = Annotated[int, Field(ge=0, le=MOST_COUNTED)]


class ReportIn(BaseModel):
    """A report; what a unit contact files counts when the server receives it."""

    kind: ReportKind
    reported_at: Moment | None = None
    reporter: ShortText = ""
    reporter_phone: ShortText = ""
    content: LongText = ""


class IncidentIn(BaseModel):
    """An incident with the reports that come with it."""

    title: Title
    category: Category
    grade: Grade = "ungraded"
    grade_confirmed: bool = False
    suspected: bool = False
    sensitive: bool = False
    unit: Code
    occurred_at: Moment | None = None
    occurred_at_kind: OccurredKind = "exact"
    learned_at: Moment | None = None
    received_at: Moment | None = None
    place: ShortText = ""
    source: ShortText = ""
    narrative: LongText = ""
    drill: bool = False
    reports: Annotated[list[ReportIn], Field(max_length=20)] = []


class CorrectIn(BaseModel):
    """Only the fields that were wrong, and why."""

    reason: Reason
    title: Title | None = None
    category: Category | None = None
    unit: Code | None = None
    occurred_at: Moment | None = None
    occurred_at_kind: OccurredKind | None = None
    learned_at: Moment | None = None
    received_at: Moment | None = None
    place: ShortText | None = None
    source: ShortText | None = None
    narrative: LongText | None = None
    elements: dict[ElementName, LongText] | None = None


class CasualtiesIn(BaseModel):
    """How many people were harmed as known at one moment; a correction is sent as another count."""

    as_of: Moment
    dead: Count = 0
    missing: Count = 0
    trapped: Count = 0
    badly_injured: Count = 0
    slightly_injured: Count = 0
    evacuated: Count = 0
    affected: Count = 0
    note: ShortText = ""


class RegradeIn(BaseModel):
    """Another grade or other flags; ``leader`` is needed where a clock stops."""

    grade: Grade
    suspected: bool | None = None
    sensitive: bool | None = None
    confirmed: bool = False
    leader: ShortText = ""
    reason: Reason


class ReasonIn(BaseModel):
    """Why."""

    reason: Reason


class MergeIn(BaseModel):
    """The number of the incident that survives."""

    into: ShortText
    reason: Reason


class TakeOverIn(BaseModel):
    """Who answers for it now, and when they will look again."""

    who: Name
    reason: Reason
    next_check_at: Moment


class FulfilIn(BaseModel):
    """How it was done where no report and no key can prove it."""

    at: Moment
    reason: Reason


class CompleteIn(BaseModel):
    """Who called, from which number."""

    reporter: Name
    reporter_phone: Annotated[ShortText, Field(min_length=1)]


class VerdictOut(BaseModel):
    """The latest version of a verdict."""

    version: int
    value: str
    late_seconds: int
    provisional: bool
    cause: str


class ObligationOut(BaseModel):
    """A duty with its clock.

    ``incident`` is null where no incident brings it; then ``subject`` says what it is about
    (``gap/3/leader/2026-12-01T00:30``, ``leave/7``), ``number`` what messages call it, and ``person``
    who in particular owes it.
    """

    id: int
    rule: str
    incident: str | None
    number: str
    subject: str
    person: int | None
    sequence: int
    title: str
    article: str
    words: str
    label: str
    hard: bool
    state: str
    base: str
    base_at: datetime
    base_certain: bool
    due_at: datetime | None
    due_version: int
    occurrence_due_at: datetime | None
    evidence: str
    evidence_at: datetime | None
    closed_at: datetime | None
    taken_over_by: str | None
    next_check_at: datetime | None
    verdict: VerdictOut | None


class ReportOut(BaseModel):
    """A report as it was logged."""

    id: int
    kind: str
    sequence: int
    reported_at: datetime
    logged_at: datetime
    logged_by: str
    reporter: str
    reporter_phone: str
    content: str
    late_entry: bool
    checked_at: datetime | None
    checked_by: str | None
    voided_at: datetime | None
    void_reason: str | None


class CasualtiesOut(BaseModel):
    """One count of people."""

    id: int
    as_of: datetime
    dead: int
    missing: int
    trapped: int
    badly_injured: int
    slightly_injured: int
    evacuated: int
    affected: int
    note: str
    logged_at: datetime
    logged_by: str


class AttachmentOut(BaseModel):
    """A file of an incident; its bytes are on the incident's page."""

    id: int
    name: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    added_by: str
    voided_at: datetime | None
    void_reason: str | None


class IncidentOut(BaseModel):
    """An incident with everything that belongs to it; a unit contact gets what is its own."""

    number: str
    title: str
    category: str
    grade: str
    grade_confirmed: bool
    suspected: bool
    sensitive: bool
    unit: str
    state: str
    occurred_at: datetime | None
    occurred_at_kind: str
    learned_at: datetime | None
    received_at: datetime
    place: str
    source: str
    narrative: str
    drill: bool
    merged_into: str | None
    ended_at: datetime | None
    logged_at: datetime
    logged_by: str
    obligations: list[ObligationOut]
    reports: list[ReportOut]
    elements: dict[str, str] = {}
    casualties: list[CasualtiesOut] = []
    attachments: list[AttachmentOut] = []


class IncidentList(BaseModel):
    """A page of incidents."""

    items: list[IncidentOut]
    next_cursor: str | None


class ObligationList(BaseModel):
    """A page of obligations."""

    items: list[ObligationOut]
    next_cursor: str | None


class LineOut(BaseModel):
    """One line of a timeline."""

    at: datetime
    kind: str
    text: str
    detail: str


class Timeline(BaseModel):
    """Everything that happened, in order."""

    items: list[LineOut]
    next_cursor: str | None = None


def verdict_out(row: Verdict | None) -> VerdictOut | None:
    """Return a verdict for the API."""
    if row is None:
        return None
    return VerdictOut(
        version=row.version,
        value=row.value,
        late_seconds=row.late_seconds,
        provisional=row.provisional,
        cause=row.cause,
    )


def obligation_out(row: Obligation, verdict: Verdict | None) -> ObligationOut:
    """Return an obligation for the API."""
    return ObligationOut(
        rule=row.rule_id,
        incident=None if row.incident_id is None else row.number,
        person=row.person_id,
        base=row.base_kind,
        verdict=verdict_out(verdict),
        **_same(row, ObligationOut, {"rule", "incident", "person", "base", "verdict"}),
    )


def _same(row: Any, view: type[BaseModel], but: set[str]) -> dict[str, Any]:
    """Return the fields a row and a view have under one name."""
    return {name: getattr(row, name) for name in view.model_fields if name not in but}


def report_out(row: Report) -> ReportOut:
    """Return a report for the API."""
    return ReportOut(**_same(row, ReportOut, set()))


def casualties_out(row: Casualties) -> CasualtiesOut:
    """Return a count of people for the API."""
    return CasualtiesOut(**_same(row, CasualtiesOut, set()))


def incident_out(
    row: Incident,
    unit_code: str,
    merged_into: str | None,
    obligations: Sequence[Obligation],
    verdicts: Mapping[int, Verdict],
    reports: Sequence[Report],
    casualties: Sequence[Casualties],
    attachments: Sequence[Attachment],
) -> IncidentOut:
    """Return an incident for the API."""
    made: dict[str, Any] = {
        "unit": unit_code,
        "merged_into": merged_into,
        "obligations": [obligation_out(one, verdicts.get(one.id or 0)) for one in obligations],
        "reports": [report_out(one) for one in reports],
        "casualties": [casualties_out(one) for one in casualties],
        "attachments": [AttachmentOut(**_same(one, AttachmentOut, set())) for one in attachments],
    }
    return IncidentOut(**made, **_same(row, IncidentOut, set(made)))


def for_unit(shown: IncidentOut) -> IncidentOut:
    """Return what a unit contact gets: the event and its own clocks, not what the desk gathered about them."""
    return shown.model_copy(
        update={"source": "", "narrative": "", "elements": {}, "casualties": [], "logged_by": ""}
    )
