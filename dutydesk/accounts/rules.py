"""Roles and what each may do, and who may have an account, sign in and stay signed in (design §8). Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

Role = Literal["operator", "leader", "office", "unit", "inspector", "administrator", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

Permission = Literal[
    "directory:read",
    "directory:write",
    "roster:read",
    "roster:write",
    # A unit's own roster, and whatever somebody asks for: a swap, a leave, a sign-in.
    "roster:file",
    "roster:ask",
    "roster:approve",
    "leave:approve",
    "calendar:write",
    "incident:read",
    "incident:write",
    "report:file",
    "paper:read",
    "paper:draft",
    "paper:check",
    "paper:sign",
    "log:read",
    "log:write",
    "obligation:decide",
    "alert:read",
    "alert:acknowledge",
    "numbers:read",
    "clock:confirm",
    "audit:read",
    "board:read",
    "desk:use",
    "calls:own",
    "settings:read",
    "accounts:manage",
    "account:own",
    "public",
    "provider",
]

_READ: frozenset[Permission] = frozenset(
    {
        "directory:read",
        "roster:read",
        "incident:read",
        "alert:read",
        "paper:read",
        "log:read",
        "board:read",
        "settings:read",
        "account:own",
    }
)
_OPERATE: frozenset[Permission] = _READ | {
    "incident:write",
    "report:file",
    "paper:draft",
    "paper:check",
    "log:write",
    "alert:acknowledge",
    "numbers:read",
    "clock:confirm",
    # The desk's screen: a message counts as shown there, and a click ends its siren.
    "desk:use",
    "obligation:decide",
    "calls:own",
    "roster:ask",
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    "operator": _OPERATE,
    "leader": _READ
    | {
        "alert:acknowledge",
        "obligation:decide",
        "numbers:read",
        "paper:sign",
        "calls:own",
        "roster:ask",
        "roster:approve",
        "leave:approve",
    },
    "office": _READ
    | {
        "directory:write",
        "roster:write",
        "roster:file",
        "roster:ask",
        "roster:approve",
        "calendar:write",
        "numbers:read",
        "paper:draft",
        "paper:check",
    },
    # A unit contact sees and reports for its own unit only; queries take the unit from the actor.
    "unit": frozenset(
        {
            "incident:read",
            "report:file",
            "roster:read",
            "roster:file",
            "roster:ask",
            "directory:read",
            "account:own",
        }
    ),
    "inspector": _READ,
    "administrator": _OPERATE
    | {
        "directory:write",
        "roster:write",
        "roster:file",
        "roster:approve",
        "leave:approve",
        "calendar:write",
        "accounts:manage",
    },
    "auditor": _READ | {"audit:read"},
}

# One watches the other: whoever holds one of these never gets the other, and neither resets the other's password.
_APART: frozenset[Role] = frozenset({"administrator", "auditor"})

LONGEST_NAME = 50
LEAST_PASSWORD = 10
LONGEST_PASSWORD = 200
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
# What is tried first; NIST SP 800-63B §3.1.1.2 asks for such a list, and for nothing about kinds of characters.
_COMMON = (
    "password",
    "qwerty",
    "1234567",
    "7654321",
    "admin",
    "dutydesk",
    "zhibanshi",
    "abcdef",
    "11111",
    "00000",
)

_LONGEST_RETURN = 2000

WINDOW = timedelta(minutes=15)
_FREE_TRIES = 5
_FIRST_WAIT = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(minutes=10)
# An office shares one address behind its router: many people may mistype in the same quarter of an hour.
_TRIES_PER_ADDRESS = 40


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: shown in the audit trail as ``name``; a unit contact carries its own unit."""

    name: str
    role: Role
    unit_id: int | None = None
    token_id: int | None = None
    account_id: int | None = None
    person_id: int | None = None
    sign_in_id: int | None = None

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
        (
            not name.isprintable() or len(name) > LONGEST_NAME,
            f"a token's name has at most {LONGEST_NAME} characters and no control characters",
        ),
        (role == "unit" and unit_id is None, "the role unit needs a unit"),
        # Somebody who gives an operator a unit expects a limit that would not be there.
        (role in ROLES and role != "unit" and unit_id is not None, f"the role {role} is not bound to a unit"),
        (expires_at is not None and expires_at <= now, "expires_at must be in the future"),
    )
    return [sentence for wrong, sentence in checks if wrong]


def is_valid_token(expires_at: datetime | None, revoked_at: datetime | None, now: datetime) -> bool:
    """Tell whether a token is neither revoked nor expired at *now*."""
    return revoked_at is None and (expires_at is None or now < expires_at)


@dataclass(frozen=True, slots=True)
class Holder:
    """An account that exists already, as far as it matters for another one."""

    login: str
    name: str
    role: Role
    person_id: int | None
    is_open: bool = True


def may_give(giver: Actor | None, role: str) -> bool:
    """Tell whether somebody may hand out a role, with an account or a token; None is who sits at the machine.

    Never the auditor's: whoever holds its first password or its token reads the trail that watches him.
    """
    return giver is None or (giver.role == "administrator" and role != "auditor")


def account_faults(
    login: str, name: str, role: str, unit_id: int | None, person_id: int | None, others: Sequence[Holder]
) -> list[tuple[str, str]]:
    """Return (field, what is wrong) for an account that is asked for."""
    name = name.strip()
    same = [
        one for one in others if one.name == name or (person_id is not None and one.person_id == person_id)
    ]
    checks = (
        (not _LOGIN.fullmatch(login), "login", "2至32位小写字母、数字、点、横线，以字母或数字开头"),
        (any(one.login == login for one in others), "login", "这个用户名已被使用"),
        (not name, "name", "请填写"),
        # Evidence shows the name: nothing in it may turn the text around it.
        (not name.isprintable() or len(name) > LONGEST_NAME, "name", "最多50个字，不含控制字符"),
        (role not in ROLES, "role", "请选择"),
        (role == "unit" and unit_id is None, "unit", "单位联系人须选定单位"),
        (role in ROLES and role != "unit" and unit_id is not None, "unit", "只有单位联系人限定单位"),
        (
            role in _APART and any(one.role in _APART and one.role != role for one in same),
            "role",
            "管理员与审计员须是不同的人",
        ),
        (any(one.name == name for one in same), "name", "已有同名账号，请加部门以示区分"),
        (
            person_id is not None and any(one.person_id == person_id and one.is_open for one in others),
            "person",
            "此人已有账号",
        ),
    )
    return [(field, sentence) for wrong, field, sentence in checks if wrong]


def link_fault(role: Role, person_id: int | None, others: Sequence[Holder]) -> str | None:
    """Return why an account of that role may not belong to this person, or None.

    Who signs in with it confirms calls as that person: nobody else may have an account that does.
    """
    same = [one for one in others if person_id is not None and one.person_id == person_id]
    if role in _APART and any(one.role in _APART and one.role != role for one in same):
        return "管理员与审计员须是不同的人"
    if any(one.is_open for one in same):
        return "此人已有账号"
    return None


def password_fault(password: str, login: str, name: str) -> str | None:
    """Return what is wrong with a password somebody chose, or None (NIST SP 800-63B: long, not guessable)."""
    folded = password.casefold()
    if len(password) < LEAST_PASSWORD:
        return "至少10个字符"
    if len(password) > LONGEST_PASSWORD:
        return "最多200个字符"
    if len(set(folded)) <= 3:
        return "不同的字符太少"
    if (login and login in folded) or (len(name) > 1 and name.casefold() in folded):
        return "不能包含用户名或姓名"
    if any(word in folded for word in _COMMON):
        return "过于常见，请换一个"
    return None


def may_manage(actor: Actor, target: Role, *, own: bool) -> bool:
    """Tell whether an administrator may reset, disable or sign out an account of this role.

    Never one's own (the last administrator would lock everybody out), and never an auditor's: who
    can become the auditor has nobody to watch him. An auditor's password is reset at the machine.
    """
    return actor.role == "administrator" and not own and target != "auditor"


def wait_until(
    by_login: Sequence[datetime], by_address: Sequence[datetime], now: datetime
) -> datetime | None:
    """Return until when a sign-in has to wait after the failures of the last :data:`WINDOW`, or None.

    Five free tries; then each failure doubles the wait from 15 s to at most 10 min, so that a guesser
    gets some dozens a day while a person who mistyped waits seconds. *by_login* are the failures of
    this login from this address: a stranger elsewhere cannot lock the desk out.
    """
    recent = sorted(moment for moment in by_login if moment > now - WINDOW)
    waits: list[datetime] = []
    if len(recent) >= _FREE_TRIES:
        wait = min(_FIRST_WAIT * 2 ** (len(recent) - _FREE_TRIES), _LONGEST_WAIT)
        waits.append(recent[-1] + wait)
    from_here = sorted(moment for moment in by_address if moment > now - WINDOW)
    # Whoever types it right at once is not made to wait for what others behind the same router did.
    if recent and len(from_here) >= _TRIES_PER_ADDRESS:
        waits.append(from_here[-_TRIES_PER_ADDRESS] + WINDOW)
    until = max(waits, default=now)
    return until if until > now else None


def is_live_sign_in(
    at: datetime,
    seen_at: datetime,
    ended_at: datetime | None,
    now: datetime,
    idle: timedelta,
    longest: timedelta,
) -> bool:
    """Tell whether a sign-in still counts: not ended, not idle for too long, not too old."""
    return ended_at is None and now - seen_at < idle and now - at < longest


def browser_name(agent: str) -> str:
    """Return a browser as its owner knows it (Chrome 126 · Windows); an unknown one is cut, not guessed."""
    kinds = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
    )
    systems = ("Windows", "Android", "iPhone", "iPad", "Mac OS X", "Linux")
    for mark, name in kinds:
        version = re.search(re.escape(mark) + r"(\d+)", agent)
        if version:
            return " · ".join([f"{name} {version[1]}", *[one for one in systems if one in agent][:1]])
    return agent[:40]


def safe_return(target: str) -> str:
    """Return where to go after signing in: a path of this site and nothing that leads elsewhere."""
    plain = target.startswith("/") and not target.startswith("//") and len(target) <= _LONGEST_RETURN
    return target if plain and not re.search(r"[\\\x00-\x20\x7f]", target) else "/"
