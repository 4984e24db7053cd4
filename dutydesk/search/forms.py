"""The filters of a list as a form, and back."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import get_args
from urllib.parse import parse_qsl

from dutydesk.errors import NotAllowedError
from dutydesk.people.rules import Unit
from dutydesk.search.rules import (
    FIELDS,
    KINDS,
    LONGEST_QUERY,
    Filters,
    Kind,
    Scope,
    clean,
    days_fault,
    query_fault,
)
from dutydesk.web.forms import Form, Input
from dutydesk.web.words import CATEGORIES, GRADES, INCIDENT_STATES

KIND_NAMES: dict[Kind, str] = {"incidents": "事件", "log": "值班日志", "people": "人员与号码"}
_ALL = ("", "全部")
_LONGEST_NAME = 30

NAME = Input("name", "名称", required=True, longest=_LONGEST_NAME)


def inputs(kind: Kind, units: Sequence[Unit]) -> list[Input]:
    """Return the fields that mean something in this list."""
    every = {
        "unit": Input("unit", "单位", "choice", choices=(_ALL, *((one.code, one.name) for one in units))),
        "category": Input("category", "类别", "choice", choices=(_ALL, *CATEGORIES.items())),
        "grade": Input("grade", "级别", "choice", choices=(_ALL, *GRADES.items())),
        "state": Input("state", "状态", "choice", choices=(_ALL, *INCIDENT_STATES.items())),
        "drill": Input("drill", "演练", "choice", choices=(_ALL, ("real", "不含演练"), ("drill", "仅演练"))),
        "from": Input("from", "开始日期", longest=10),
        "until": Input("until", "截止日期", longest=10),
        "late": Input("late", "只看迟报", "tick"),
    }
    query = Input("q", "查询", longest=LONGEST_QUERY)
    return [Input("kind", "", "hidden"), query, *(every[name] for name in FIELDS[kind])]


def kind_of(values: Mapping[str, str], scope: Scope) -> Kind:
    """Return which list is asked for.

    Raises:
        NotAllowedError: the role may not read it, or there is no such list.
    """
    wanted = values.get("kind") or "incidents"
    kind = next((one for one in KINDS if one == wanted), None)
    if kind is None or kind not in scope.kinds:
        raise NotAllowedError("没有这个列表，或无权查看")
    return kind


def filled(values: Mapping[str, str], units: Sequence[Unit], scope: Scope) -> Form:
    """Return the form of the list that is asked for, as it was typed.

    Raises:
        NotAllowedError: the role may not read that list.
    """
    kind = kind_of(values, scope)
    fields = inputs(kind, units)
    kept = {one.name: values[one.name] for one in fields if one.name in values}
    return Form(fields, kept | {"kind": kind})


def filters_of(form: Form) -> Filters | None:
    """Return what a form asks for, or None with what is wrong noted beside the fields."""
    query = clean(form.value("q"))
    fault = query_fault(query)
    if fault is not None:
        form.fault("q", fault)
    for one in form.inputs:
        if one.kind == "choice" and form.value(one.name) not in dict(one.choices):
            form.fault(one.name, "请选择")
    from_day, until_day = _day(form, "from"), _day(form, "until")
    fault = None if form.faults else days_fault(from_day, until_day)
    if fault is not None:
        form.fault("until", fault)
    if form.faults:
        return None
    kind: Kind = next(one for one in get_args(Kind) if one == form.value("kind"))
    return Filters(
        kind,
        query,
        unit=form.value("unit"),
        category=form.value("category"),
        grade=form.value("grade"),
        state=form.value("state"),
        drill=form.value("drill"),
        from_day=from_day,
        until_day=until_day,
        late=form.ticked("late"),
    )


def values_of(query: str) -> dict[str, str]:
    """Return the fields of an address's query; what is no query has none."""
    try:
        return dict(parse_qsl(query, max_num_fields=20))
    except ValueError:
        return {}


def _day(form: Form, name: str) -> date | None:
    typed = form.value(name)
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        form.fault(name, "日期不对，例如 2026-11-23")
        return None
