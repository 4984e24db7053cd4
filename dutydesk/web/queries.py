"""The SQL of remembered answers."""

from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.web.model import IdempotentAnswer


async def remembered_answer(session: Session, caller: str, key: str) -> IdempotentAnswer | None:
    """Return the answer given earlier to this key of this caller."""
    found = await session.exec(
        select(IdempotentAnswer).where(
            col(IdempotentAnswer.caller) == caller, col(IdempotentAnswer.key) == key
        )
    )
    return found.first()
