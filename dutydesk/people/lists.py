"""What the lists and bodies of the API share: ids and instants in a sane range, ``limit`` and ``cursor``."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime, Field

# The largest id a column can hold; more is malformed and must not reach a database driver.
LARGEST_ID = 2**31 - 1

_FIRST_YEAR, _LAST_YEAR = 1970, 2199


def _in_utc(moment: datetime) -> datetime:
    """Bounded first: at the ends of the calendar, arithmetic and other zones overflow."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        message = f"must lie between {_FIRST_YEAR} and {_LAST_YEAR}"
        raise ValueError(message)
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
# A day of somebody's working life.
Day = Annotated[date, Field(ge=date(_FIRST_YEAR - 40, 1, 1), le=date(_LAST_YEAR, 12, 31))]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=500, description="How many items at most.")]
Cursor = Annotated[int | None, Query(ge=0, le=LARGEST_ID, description="`next_cursor` of the answer before.")]


def next_cursor(ids: list[int], limit: int) -> str | None:
    """Return the cursor behind the last of *limit* items, when one more than that was found."""
    return str(ids[limit - 1]) if len(ids) > limit else None
