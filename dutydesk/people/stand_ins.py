"""Somebody acts on a post while its holder is away (Art. 5): they are told then, and the holder is not."""

from datetime import datetime

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.people import model


async def appoint(
    session: Session,
    now: datetime,
    actor: str,
    *,
    unit_id: int,
    post: str,
    person_id: int,
    from_at: datetime,
    until_at: datetime,
    cause: str,
) -> model.Post:
    """Let a person act on a post of a unit in [from_at, until_at); *cause* names why (``leave/7``)."""
    row = model.Post(
        unit_id=unit_id,
        post=post,
        person_id=person_id,
        from_at=from_at,
        until_at=until_at,
        acting=True,
        cause=cause,
    )
    session.add(row)
    await session.flush()
    record(
        session,
        now,
        actor,
        "post.acting",
        cause,
        post=post,
        person=person_id,
        from_at=from_at.isoformat(),
        until_at=until_at.isoformat(),
    )
    return row


async def dismiss(session: Session, now: datetime, actor: str, post_id: int, at: datetime) -> None:
    """End acting on a post at *at*; one that ends earlier stays, one that would begin later never begins."""
    row = await session.get(model.Post, post_id)
    if row is None or (row.until_at is not None and row.until_at <= at):
        return
    row.until_at = max(at, row.from_at)
    session.add(row)
    record(
        session, now, actor, "post.acting_ended", row.cause, post=row.post, until_at=row.until_at.isoformat()
    )
