"""Appending to the audit trail."""

from datetime import datetime
from typing import Any

from dutydesk.audit.model import AuditEntry
from dutydesk.db import Session


def record(session: Session, now: datetime, actor: str, action: str, subject: str, **detail: Any) -> None:
    """Append what *actor* did to *subject*, in the caller's transaction.

    *detail* must be JSON: instants as RFC 3339 text, no objects. The sealer chains the row later.
    """
    session.add(AuditEntry(at=now, actor=actor, action=action, subject=subject, detail=detail))
