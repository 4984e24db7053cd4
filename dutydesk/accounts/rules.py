"""Roles and what each may do (design §8). Pure data and one question."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Role = Literal["operator", "leader", "office", "unit", "inspector", "administrator", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

Permission = Literal[
    "directory:read",
    "directory:write",
    "roster:read",
    "roster:write",
    "incident:read",
    "incident:write",
    "report:file",
    "obligation:decide",
    "alert:read",
    "alert:acknowledge",
    "numbers:read",
    "clock:confirm",
    "audit:read",
    "desk:use",
    "public",
    "provider",
]

_READ: frozenset[Permission] = frozenset({"directory:read", "roster:read", "incident:read", "alert:read"})
_OPERATE: frozenset[Permission] = _READ | {
    "incident:write",
    "report:file",
    "alert:acknowledge",
    "numbers:read",
    "clock:confirm",
    "desk:use",
    "obligation:decide",
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    "operator": _OPERATE,
    "leader": _READ | {"alert:acknowledge", "obligation:decide", "numbers:read", "desk:use"},
    "office": _READ | {"directory:write", "roster:write", "numbers:read"},
    # A unit contact sees and reports for its own unit only; queries take the unit from the actor.
    "unit": frozenset({"incident:read", "report:file", "roster:read", "directory:read"}),
    "inspector": _READ,
    "administrator": _OPERATE | {"directory:write", "roster:write"},
    "auditor": _READ | {"audit:read"},
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: shown in the audit trail as ``name``; a unit contact carries its own unit."""

    name: str
    role: Role
    unit_id: int | None = None
    token_id: int | None = None

    @property
    def caller(self) -> str:
        """Return what tells one caller's Idempotency-Keys from another's: names of tokens are not unique."""
        return f"{self.name}#{self.token_id}"

    def may(self, permission: Permission) -> bool:
        """Tell whether the actor's role holds the permission."""
        return permission in ("public", "provider") or permission in PERMISSIONS[self.role]

    def sees_unit(self, unit_id: int) -> bool:
        """Tell whether the actor may see what belongs to this unit: a unit contact sees its own only."""
        return self.role != "unit" or self.unit_id == unit_id


def token_faults(
    now: datetime, name: str, role: str, unit_id: int | None, expires_at: datetime | None
) -> list[str]:
    """Return everything that is wrong with a token that is asked for."""
    checks = (
        (role not in ROLES, f"role must be one of {', '.join(ROLES)}"),
        (not name.strip(), "a token needs a name, which the audit trail shows"),
        (role == "unit" and unit_id is None, "the role unit needs a unit"),
        # Somebody who gives an operator a unit expects a limit that would not be there.
        (role in ROLES and role != "unit" and unit_id is not None, f"the role {role} is not bound to a unit"),
        (expires_at is not None and expires_at <= now, "expires_at must be in the future"),
    )
    return [sentence for wrong, sentence in checks if wrong]


def is_valid_token(expires_at: datetime | None, revoked_at: datetime | None, now: datetime) -> bool:
    """Tell whether a token is neither revoked nor expired at *now*."""
    return revoked_at is None and (expires_at is None or now < expires_at)
