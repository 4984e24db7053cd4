"""What a line of a list is made of."""

from dataclasses import dataclass, field

from dutydesk.dutylog.model import LogEntry
from dutydesk.incidents.model import Incident, Report
from dutydesk.people.rules import Unit


@dataclass(frozen=True, slots=True)
class FoundIncident:
    """An incident with its unit, its reports, and whether one of them is or was late.

    ``own_unit``: that of the unit contact who reads it, and sees here no more than on the incident's page.
    """

    row: Incident
    unit: Unit
    reports: list[Report]
    late: bool
    own_unit: int | None = None

    @property
    def source(self) -> str:
        """Where the news came from, as the desk wrote it down."""
        return self.row.source if self.own_unit is None else ""

    @property
    def narrative(self) -> str:
        """What happened, as the desk wrote it down."""
        return self.row.narrative if self.own_unit is None else ""

    @property
    def logged_by(self) -> str:
        """Who wrote it down."""
        return self.row.logged_by if self.own_unit is None else ""

    @property
    def told(self) -> list[Report]:
        """The reports whose texts are shown: to a unit contact not those of another unit."""
        if self.own_unit is None:
            return self.reports
        return [one for one in self.reports if one.unit_id in {None, self.own_unit}]

    @property
    def key(self) -> int:
        """What the next page begins behind."""
        return self.row.id or 0


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry of the duty log; ``replaced`` when a later one corrects it."""

    row: LogEntry
    unit: Unit | None
    incident: str
    replaced: bool

    @property
    def key(self) -> int:
        """What the next page begins behind."""
        return self.row.id or 0


@dataclass(frozen=True, slots=True)
class FoundNumber:
    """One number or address somebody is reached by."""

    address: str
    kind: str
    usable: bool = True


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A person, or a unit's duty telephone, with the numbers."""

    key: int
    name: str
    title: str
    unit: Unit
    is_unit: bool = False
    retired: bool = False
    numbers: list[FoundNumber] = field(default_factory=list)


Found = FoundIncident | FoundEntry | FoundPerson
