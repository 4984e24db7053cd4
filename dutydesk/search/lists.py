"""Every list that can be had as a workbook: what somebody searched, and the lists of other pages as they stand there."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Protocol
from urllib.parse import urlencode

from dutydesk.accounts import rules as accounts
from dutydesk.accounts.model import Account, ApiToken
from dutydesk.accounts.permissions import lifetime
from dutydesk.accounts.rules import Actor, Permission
from dutydesk.accounts.trail import FILTERS, shown, wanted_of
from dutydesk.audit.model import AuditEntry
from dutydesk.calendars.rules import day_bounds
from dutydesk.db import Session
from dutydesk.documents.sheets import Cell, Column
from dutydesk.dutylog.queries import Wanted
from dutydesk.errors import InvalidInputError, NotAllowedError
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.reading import without_numbers
from dutydesk.search import columns, list_queries, queries
from dutydesk.search.forms import KIND_NAMES
from dutydesk.search.found import FoundEntry
from dutydesk.search.list_queries import Named, PaperLine, SignInLine
from dutydesk.search.rules import Filters, Scope
from dutydesk.web import words
from dutydesk.web.forms import Form
from dutydesk.web.languages import say
from dutydesk.web.site import Site

Batches = AsyncGenerator[list[Any]]
Headings = tuple[tuple[str, float | None], ...]


class Listing(Protocol):
    """One list as it was asked for: what an export writes, line by line."""

    kind: str
    name: str
    back: str

    @property
    def permission(self) -> Permission:
        """Who may have it."""

    def columns(self) -> list[Column]:
        """Return the headings."""

    def asked(self) -> dict[str, str]:
        """Return the filters, for the audit trail."""

    async def count(self, session: Session, most: int) -> int:
        """Return how many lines there are; beyond *most* the answer is one more than that."""

    def batches(self, session: Session) -> Batches:
        """Yield the lines, some at a time."""

    def cells(self, one: Any) -> Sequence[Cell]:
        """Return a line's cells."""


class Searched:
    """A list of the search page."""

    permission: Permission = "incident:read"

    def __init__(self, site: Site, scope: Scope, filters: Filters) -> None:
        """Take what was asked for."""
        self._zone, self._scope, self._filters = site.zone, scope, filters
        self.kind: str = filters.kind
        self.name = KIND_NAMES[filters.kind]
        self.back = f"/search?{filters.query()}"

    def columns(self) -> list[Column]:
        """Return the headings."""
        return columns.columns(self._filters.kind)

    def asked(self) -> dict[str, str]:
        """Return the filters, for the audit trail."""
        return dict(self._filters.pairs())

    async def count(self, session: Session, most: int) -> int:
        """Return how many lines there are; beyond *most* the answer is one more than that."""
        return await queries.count(session, self._filters, self._scope, self._zone, most=most)

    def batches(self, session: Session) -> Batches:
        """Yield the lines, some at a time."""
        return queries.batches(session, self._filters, self._scope, self._zone)

    def cells(self, one: Any) -> Sequence[Cell]:
        """Return a line's cells."""
        return columns.cells(one, masked=not self._scope.numbers)


# ---------------------------------------------------------------------------------------------------------------------
# The lists of other pages


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list's lines depend on besides the database: its page's filters, and who asks when."""

    filters: Mapping[str, str]
    actor: Actor
    site: Site
    now: datetime

    @property
    def masked(self) -> bool:
        """Tell whether numbers are hidden from them."""
        return not self.actor.may("numbers:read")


@dataclass(frozen=True, slots=True)
class Kind:
    """A page's list: who may have it, where it stands, its filters, its headings, its lines and their cells."""

    name: str
    permission: Permission
    page: str
    filters: tuple[str, ...]
    headings: Headings
    batches: Callable[[Session, Asked], Batches]
    cells: Callable[[Any, Asked], Sequence[Cell]]


class OfPage:
    """The list of another page, with the filters set there."""

    def __init__(self, kind: str, asked: Asked) -> None:
        """Take what was asked for."""
        self.kind, self._of, self._asked = kind, KINDS[kind], asked
        self.name, self.permission = self._of.name, self._of.permission
        query = urlencode(asked.filters)
        self.back = f"{self._of.page}?{query}" if query else self._of.page

    def columns(self) -> list[Column]:
        """Return the headings."""
        return [Column(say(heading), width) for heading, width in self._of.headings]

    def asked(self) -> dict[str, str]:
        """Return the filters, for the audit trail."""
        return {"kind": self.kind, **self._asked.filters}

    async def count(self, session: Session, most: int) -> int:
        """Return how many lines there are; beyond *most* the answer is one more than that."""
        found = 0
        async for batch in self.batches(session):
            found += len(batch)
            if found > most:
                return most + 1
        return found

    def batches(self, session: Session) -> Batches:
        """Yield the lines, some at a time."""
        return self._of.batches(session, self._asked)

    def cells(self, one: Any) -> Sequence[Cell]:
        """Return a line's cells."""
        return self._of.cells(one, self._asked)


def of_page(site: Site, actor: Actor, values: Mapping[str, str]) -> OfPage:
    """Return the list of another page that is asked for.

    Raises:
        NotAllowedError: it is not for this role.
        InvalidInputError: a filter is wrong.
    """
    kind = values["kind"]
    if not actor.may(KINDS[kind].permission):
        raise NotAllowedError("没有这个列表，或无权查看")
    kept = {name: values[name] for name in KINDS[kind].filters if values.get(name)}
    found = OfPage(kind, Asked(kept, actor, site, site.clock.now()))
    if kind == "audit":
        _trail_wanted(Asked(kept, actor, site, site.clock.now()))
    return found


def _papers(session: Session, asked: Asked) -> Batches:
    state = asked.filters.get("state", "")
    return list_queries.papers(session, state if state in paper_rules.STATES else "")


def _paper(one: PaperLine, asked: Asked) -> Sequence[Cell]:
    row, text = one.row, columns.plain(masked=asked.masked)
    part = paper_rules.PARTS.get(row.stage, row.stage)
    return [
        say(paper_rules.KINDS[row.kind]),
        words.report("follow_up", row.sequence) if row.stage == "follow_up" else say(part),
        say(paper_rules.STATES[row.state]),
        text(row.title),
        row.issue,
        one.number,
        say("是") if one.drill else "",
        text(row.send_to),
        text(row.copy_to),
        words.actor(row.drafter),
        row.checker,
        row.signer,
        row.created_at,
        row.signed_at,
        row.sent_at,
        row.received_at,
    ]


def _entries(session: Session, asked: Asked) -> Batches:
    filters = asked.filters
    bounds: tuple[datetime | None, datetime | None] = (None, None)
    with suppress(ValueError, OverflowError):  # as on the page: what is no day shows all days
        day = date.fromisoformat(filters.get("day", ""))
        starts = time() if filters.get("by") == "calendar" else asked.site.rulebook.rosters.duty_starts
        bounds = day_bounds(day, asked.site.zone, starts)
    since, until = bounds
    wanted = Wanted(
        filters.get("type", ""), None, filters.get("text", "")[:100], since, until, masked=asked.masked
    )
    return list_queries.entries(session, wanted, filters.get("unit", ""))


def _entry(one: FoundEntry, asked: Asked) -> Sequence[Cell]:
    return columns.cells(one, masked=asked.masked)


def _trail_wanted(asked: Asked) -> Any:
    form = Form(FILTERS, dict(asked.filters))
    wanted = wanted_of(form, asked.site.zone)
    if form.faults:
        raise InvalidInputError(next(iter(form.faults.values()))[0])
    return wanted


def _trail(session: Session, asked: Asked) -> Batches:
    return list_queries.trail(session, _trail_wanted(asked))


def _done(row: AuditEntry, _asked: Asked) -> Sequence[Cell]:
    one = shown(row)
    said = (say("{name}：{value}", name=name, value=without_numbers(value)) for name, value in one.detail)
    return [row.seal_number, row.at, words.actor(row.actor), one.action, one.subject, say("；").join(said)]


def _account(one: Named[Account], _asked: Asked) -> Sequence[Cell]:
    row = one.row
    state = "已停用" if row.disabled_at else "待本人设密码" if row.must_change else "正常"
    return [
        row.name,
        row.login,
        say(words.ROLES[row.role]),
        one.unit,
        one.person,
        say(state),
        one.seen_at,
        row.created_at,
        words.actor(row.created_by),
        row.disabled_at,
    ]


def _sign_ins(session: Session, asked: Asked) -> Batches:
    life = lifetime(asked.site)

    def live(at: datetime, seen_at: datetime) -> bool:
        return accounts.is_live_sign_in(at, seen_at, None, asked.now, life.idle, life.longest)

    return list_queries.sign_ins(session, live)


def _sign_in(one: SignInLine, _asked: Asked) -> Sequence[Cell]:
    row, account = one.row, one.account
    browser = accounts.browser_name(row.browser)
    return [account.name, say(words.ROLES[account.role]), browser, row.address, row.at, row.seen_at]


def _token(one: Named[ApiToken], asked: Asked) -> Sequence[Cell]:
    row = one.row
    valid = accounts.is_valid_token(row.expires_at, row.revoked_at, asked.now)
    state = "已撤销" if row.revoked_at else "有效" if valid else "已到期"
    return [
        row.id,
        row.name,
        say(words.ROLES[row.role]),
        one.unit,
        row.created_at,
        row.expires_at,
        row.revoked_at,
        say(state),
    ]


def _plain(*headings: str) -> Headings:
    return tuple((heading, None) for heading in headings)


KINDS: dict[str, Kind] = {
    "papers": Kind(
        "信息报送",
        "paper:read",
        "/papers",
        ("state",),
        (
            *_plain("种类", "首续终", "状态"),
            ("标题", 40),
            *_plain("期号", "事件编号", "演练"),
            ("主送", 24),
            ("抄送", 24),
            *_plain("起草", "审核", "签发", "起草时间", "签发时间", "报送时间", "签收时间"),
        ),
        _papers,
        _paper,
    ),
    "entries": Kind(
        "值班日志",
        "log:read",
        "/log",
        ("day", "by", "type", "unit", "text"),
        columns.HEADINGS["log"],
        _entries,
        _entry,
    ),
    "audit": Kind(
        "操作日志",
        "audit:read",
        "/settings/audit",
        tuple(one.name for one in FILTERS),
        (*_plain("序号", "时间", "操作人", "操作", "对象"), ("内容", 60)),
        _trail,
        _done,
    ),
    "accounts": Kind(
        "账号",
        "accounts:manage",
        "/settings/accounts",
        (),
        _plain(
            "姓名",
            "用户名",
            "角色",
            "单位",
            "关联人员",
            "状态",
            "最近使用",
            "建立时间",
            "建立人",
            "停用时间",
        ),
        lambda session, _: list_queries.accounts(session),
        _account,
    ),
    "sign_ins": Kind(
        "已登录的浏览器",
        "accounts:manage",
        "/settings/sign-ins",
        (),
        _plain("姓名", "角色", "浏览器", "地址", "登录", "最近使用"),
        _sign_ins,
        _sign_in,
    ),
    "tokens": Kind(
        "接口令牌",
        "accounts:manage",
        "/settings/tokens",
        (),
        _plain("编号", "用途", "角色", "单位", "建立", "有效期至", "撤销时间", "状态"),
        lambda session, _: list_queries.tokens(session),
        _token,
    ),
}
