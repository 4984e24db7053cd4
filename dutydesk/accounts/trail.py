"""The audit trail as the auditor reads it, and its verification."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.audit.model import AuditEntry
from dutydesk.audit.queries import VerifyResult, Wanted, newest, verify
from dutydesk.audit.rules import Break
from dutydesk.errors import InvalidInputError
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/settings/audit", route_class=PageRoute, include_in_schema=False)

Auditor = Annotated[Actor, Depends(allow_page("audit:read"))]

_PAGE = 50
# PostgreSQL's largest integer: ids are.
_LARGEST_ID = 2**31 - 1

# What was done, as the trail records it and as people say it; what is not here is shown as it is recorded.
ACTIONS = {
    "account.closed": "停用账号",
    "account.created": "建立账号",
    "account.linked": "关联人员",
    "account.opened": "恢复账号",
    "account.password_changed": "修改密码",
    "account.password_reset": "重置密码",
    "account.signed_out": "账号全部退出",
    "alert.acknowledged": "确认告知",
    "alert.off_seat": "已离席人员的确认",
    "attachment.added": "添加附件",
    "attachment.voided": "作废附件",
    "calendar.day_laid": "改动日历",
    "calendar.day_taken_back": "收回日历改动",
    "calendar.imported": "导入年度假日安排",
    "calendar.year_confirmed": "确认年度假日安排",
    "calendar.year_revoked": "收回年度确认",
    "clock.confirmed": "确认时钟",
    "clock.stepped": "时钟跳变",
    "contact.added": "登记号码",
    "contact.asked": "发起号码核对",
    "contact.confirmed": "号码核对通过",
    "contact.disabled": "停用号码",
    "contact.enabled": "启用号码",
    "contact.not_confirmed": "号码核对未通过",
    "contact.placed": "调整号码顺序",
    "directory.imported": "导入通讯录",
    "incident.casualties": "更新伤亡人数",
    "incident.corrected": "更正事件",
    "incident.ended": "结束事件",
    "incident.logged": "登记事件",
    "incident.merged": "归并事件",
    "incident.regraded": "变更级别",
    "incident.reinstated": "恢复事件",
    "incident.withdrawn": "撤回事件",
    "obligation.called_out": "叫应完成",
    "obligation.fulfilled": "时限完成",
    "obligation.moved": "时限变动",
    "obligation.no_report": "到期未收到",
    "obligation.readdressed": "时限改由他单位承担",
    "obligation.reopened": "时限重新计时",
    "obligation.take_over_ended": "接管结束",
    "obligation.taken_over": "接管时限",
    "obligation.waived": "免除时限",
    "obligation.withdrawn": "时限不再计时",
    "list.exported": "导出列表",
    "log.corrected": "更正值班日志",
    "log.written": "登记值班日志",
    "paper.begun": "起草报送件",
    "paper.decline": "退回报送件",
    "paper.pass": "审核通过报送件",
    "paper.receive": "登记签收",
    "paper.return": "退回报送件",
    "paper.revoke": "签发后作废报送件",
    "paper.saved": "保存报送件",
    "paper.send": "登记报送",
    "paper.sent-back": "登记上级退回",
    "paper.sign": "签发报送件",
    "paper.submit": "提交审核报送件",
    "paper.void": "作废报送件",
    "period.cancelled": "取消敏感时期",
    "period.changed": "改动敏感时期",
    "period.created": "登记敏感时期",
    "person.changed": "修改人员",
    "person.created": "登记人员",
    "person.reinstated": "恢复在职",
    "person.retired": "办理离任",
    "post.ended": "结束任职",
    "post.given": "任职",
    "report.checked": "核对报告",
    "report.completed": "补全报告",
    "report.logged": "登记报告",
    "report.voided": "作废报告",
    "seat.held": "到席",
    "seat.released": "离席",
    "shift.planned": "排班",
    "sign_in.done": "登录",
    "sign_in.ended": "退出登录",
    "sign_in.failed": "登录失败",
    "test.sent": "发送测试短信",
    "token.created": "建立令牌",
    "token.revoked": "撤销令牌",
    "unit.changed": "修改单位",
    "unit.created": "登记单位",
    "unit.retired": "撤销单位",
    "view.deleted": "删除视图",
    "view.renamed": "视图改名",
    "view.saved": "保存视图",
}
SUBJECTS = {
    "account": "账号",
    "alert": "告知",
    "calendar": "日历",
    "clock": "时钟",
    "draft": "草稿",
    "incident": "事件",
    "list": "列表",
    "log": "值班日志",
    "obligation": "时限",
    "paper": "报送件",
    "period": "敏感时期",
    "person": "人员",
    "seat_holder": "在席",
    "shift": "班次",
    "sign_in": "登录",
    "token": "令牌",
    "unit": "单位",
    "view": "视图",
}
# What stands in the details.
KEYS = {
    "account": "账号",
    "address": "地址",
    "after": "变动后",
    "as_of": "截至",
    "at": "时间",
    "attachment": "附件",
    "base": "起算",
    "before": "变动前",
    "browsers": "浏览器数",
    "cause": "原因",
    "contact": "号码",
    "corrects": "更正第几条",
    "days": "逐日",
    "due_after": "变动后到期",
    "due_at": "到期",
    "due_before": "变动前到期",
    "ends_on": "结束日期",
    "duty_class": "值班类别",
    "duty_phone": "值班电话",
    "employment": "用工性质",
    "fields": "栏目",
    "filters": "筛选",
    "grade": "级别",
    "incident": "事件",
    "how": "方式",
    "issue": "期号",
    "joined_on": "到岗日期",
    "kind": "类别",
    "late_entry": "补录",
    "media_type": "格式",
    "name": "名称",
    "next_check_at": "复核时间",
    "notice": "通知文号",
    "number": "编号",
    "parent_id": "上级单位",
    "part": "部分",
    "people": "人数",
    "person": "人员",
    "phone": "号码",
    "place": "顺序",
    "post": "职务",
    "posts": "任职",
    "query": "查询",
    "rank": "职级",
    "reason": "理由",
    "report": "报告",
    "reported_at": "报告时间",
    "role": "角色",
    "rows": "行数",
    "seat": "席位",
    "seconds": "秒数",
    "sequence": "序号",
    "sha256": "校验码",
    "shifts": "班次",
    "short_name": "简称",
    "size": "大小",
    "starts_on": "开始日期",
    "state": "状态",
    "steps": "次数",
    "title": "职务名称",
    "trained_on": "培训日期",
    "unit": "单位",
    "unit_before": "原单位",
    "unit_id": "单位",
    "units": "单位数",
    "taken_back": "收回",
    "version": "版本",
    "who": "何人",
}
_VALUES: Mapping[str, Mapping[str, str]] = {
    "role": words.ROLES,
    "seat": words.SEATS,
    "grade": words.GRADES,
    "state": words.OBLIGATION_STATES | words.INCIDENT_STATES,
    "base": words.BASES,
    "duty_class": words.DUTY_CLASSES,
    "employment": words.EMPLOYMENTS,
    "how": words.CHECK_METHODS,
    "post": words.POSTS,
    "rank": words.RANKS,
    "kind": words.REPORTS
    | words.CONTACT_KINDS
    | words.PROOFS
    | words.CHANNELS
    | words.DAY_KINDS
    | {"desk": "值班室", "division": "处室", "subordinate": "局属单位"},
}
_BREAKS = {
    "edited": "第{number}条与封存时不一致，可能被改动",
    "gap": "第{number}条缺失，可能被删除",
    "unlinked": "第{number}条与前一条不相连，可能被插入或调换",
    "cut": "第{number}条起缺失，末尾可能被截去",
}

FILTERS = (
    Input("actor", "操作人", longest=50),
    Input("action", "操作", "choice", choices=(("", "全部"), *ACTIONS.items())),
    Input("subject", "对象", hint="例如 incident:2026-0001、account:chenxiao", longest=100),
    Input("from", "自", "day"),
    Input("until", "至", "day"),
)
_HEAD = (
    Input(
        "head",
        "记录在案的末条校验码",
        hint="交接班表、通报上印的“序号:校验码”；填写后可查出末尾是否被截去",
        longest=100,
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry in the words of the page; what has no words stands as it was recorded."""

    row: AuditEntry
    action: str
    subject: str
    detail: list[tuple[str, str]]


def shown(row: AuditEntry) -> Shown:
    """Put an entry into words."""
    kind, _, name = row.subject.partition(":")
    subject = f"{say(SUBJECTS[kind])} {name}".strip() if kind in SUBJECTS else row.subject
    action = say(ACTIONS[row.action]) if row.action in ACTIONS else row.action
    return Shown(row, action, subject, [(_key(key), _value(key, value)) for key, value in row.detail.items()])


def _key(key: str) -> str:
    return say(KEYS[key]) if key in KEYS else key


def _value(key: str, value: Any) -> str:
    match value:
        case bool():
            return say("是") if value else say("否")
        case None | "":
            return say("无")
        case dict():
            parts = (
                say("{name}：{value}", name=_key(one), value=_value(one, two)) for one, two in value.items()
            )
            return say("；").join(parts) or say("无")
        case list():
            return words.listed(_value(key, one) for one in value) or say("无")
        case str() if value in _VALUES.get(key, {}):
            return say(_VALUES[key][value])
        case _:
            return str(value)


@router.get("")
async def trail(
    request: Request,
    _actor: Auditor,
    site: TheSite,
    before: Annotated[int | None, Query(ge=1, le=_LARGEST_ID)] = None,
) -> Response:
    """List what was done, newest first."""
    form = Form(FILTERS, {one.name: request.query_params.get(one.name, "") for one in FILTERS})
    wanted = wanted_of(form, site.zone)
    return await _page(request, site, form, wanted, before)


def wanted_of(form: Form, zone: tzinfo) -> Wanted:
    """Return what a form of the filters asks for; what is wrong is noted on it."""
    return Wanted(
        _plain(form.value("actor")),
        form.value("action") if form.value("action") in ACTIONS else "",
        _plain(form.value("subject")),
        _midnight(form, "from", zone),
        _midnight(form, "until", zone, timedelta(days=1)),
    )


def _plain(text: str) -> str:
    """Return a text that any database takes."""
    return "".join(one for one in text if one.isprintable())[:100]


def _midnight(form: Form, name: str, zone: tzinfo, later: timedelta = timedelta(0)) -> datetime | None:
    """Return when a day that was typed begins at the site, or so much later; notes a fault when it is none."""
    typed_day = form.value(name)
    if not typed_day:
        return None
    try:
        return (datetime.combine(date.fromisoformat(typed_day), time(), zone) + later).astimezone(UTC)
    except (ValueError, OverflowError):
        form.fault(name, "日期格式不对，例如 2026-11-23")
        return None


async def _page(
    request: Request,
    site: Site,
    form: Form,
    wanted: Wanted,
    before: int | None = None,
    *,
    head: Form | None = None,
    found: VerifyResult | None = None,
) -> Response:
    async with site.db.read() as session:
        rows = await newest(session, wanted, before=before, limit=_PAGE + 1)
    kept = {name: value for name, value in form.values.items() if value}
    older = rows[_PAGE - 1].id if len(rows) > _PAGE else None
    faults = bool(form.faults) or (head is not None and bool(head.faults))
    return render(
        request,
        "settings/audit.html",
        422 if faults else 200,
        rows=[shown(row) for row in rows[:_PAGE]],
        form=form,
        filtered=bool(kept),
        first=before is None,
        newest=f"/settings/audit?{urlencode(kept)}",
        older=None if older is None else f"/settings/audit?{urlencode(kept | {'before': str(older)})}",
        head=head or Form(_HEAD),
        found=found,
        broken=None if found is None or found.broken is None else _broken(found.broken),
    )


def _broken(broken: Break) -> str:
    return say(_BREAKS[broken.kind], number=broken.seal_number)


@router.post("/verify")
async def verified(request: Request, _actor: Auditor, site: TheSite) -> Response:
    """Walk the whole trail and say whether anything was edited, removed or cut off."""
    head = await typed(request, _HEAD)

    found = None
    async with site.db.read() as session:
        try:
            found = await verify(session, head.value("head") or None)
        except InvalidInputError:
            head.fault("head", "应写作“序号:64位校验码”")
    return await _page(request, site, Form(FILTERS), Wanted(), head=head, found=found)
