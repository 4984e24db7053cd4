"""Whom the demonstration's bureau consists of: units, people, their posts and their accounts."""

from collections.abc import Iterator
from dataclasses import dataclass

from dutydesk.people.rules import DutyClass, Employment, Rank, UnitKind
from dutydesk.rosters.rules import Seat

# Numbers nobody has: the demo's exchange is the only one that ever sees them.
_FIRST_MOBILE = 13800010000
OPERATOR, PASSWORD = "chenxiao", "haihe-0830-jin"
# Login, name, role, code of the unit a contact belongs to, and what the sign-in page says of it.
ACCOUNTS: tuple[tuple[str, str, str, str, str], ...] = (
    (OPERATOR, "陈晓", "operator", "", "值班员"),
    ("linchen", "林晨", "operator", "", "值班员"),
    # One of the three leads today; the board says who.
    ("liujianguo", "刘建国", "leader", "", "带班领导"),
    ("zhouhaiyan", "周海燕", "leader", "", "带班领导"),
    ("gaofeng", "高峰", "leader", "", "带班领导"),
    ("wufang", "吴芳", "office", "", "办公室"),
    ("wangxiaoming", "王小明", "unit", "canteen", "单位联系人"),
    ("jiancha", "检查组", "inspector", "", "检查员"),
    ("guanli", "系统管理", "administrator", "", "管理员"),
    ("shenji", "审计", "auditor", "", "审计员"),
)
LAST_RESORT = ("+8613800019001", "+8613800019002")
FROM_NUMBER = "+862223880000"


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """A unit of the bureau; its head and its deputy take turns in leading, its operators at the telephone."""

    code: str
    name: str
    short: str
    kind: UnitKind
    duty_class: DutyClass
    phone: str
    head: tuple[str, str]
    deputy: tuple[str, str]
    operators: tuple[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """Somebody of the bureau. ``months``: how long ago they came (None: long ago, before that was noted)."""

    unit: str
    name: str
    title: str
    rank: Rank = "staff"
    employment: Employment = "staff"
    months: int | None = None
    trained: bool = True
    mobiles: int = 1
    confirmed: bool = True
    # The reason why the last of the numbers cannot be used.
    failed: str = ""


DESK = ("desk", "局值班室", "02223880000")
UNITS = (
    UnitPlan(
        "office",
        "局办公室",
        "局办公室",
        "division",
        "sensitive",
        "02223880001",
        ("吴芳", "办公室主任"),
        ("郑海涛", "副主任"),
        (("陆文博", "科员"), ("苏倩", "科员")),
    ),
    UnitPlan(
        "canteen",
        "机关食堂管理处",
        "机关食堂",
        "division",
        "sensitive",
        "02223880002",
        ("赵刚", "处长"),
        ("李静", "副处长"),
        (("王小明", "值班员"), ("田野", "值班员")),
    ),
    UnitPlan(
        "motor",
        "公务用车服务中心",
        "公车中心",
        "subordinate",
        "sensitive",
        "02223880003",
        ("钱学军", "主任"),
        ("冯丽娜", "副主任"),
        (("范大勇", "调度员"), ("顾磊", "调度员")),
    ),
    UnitPlan(
        "housing",
        "办公用房管理处",
        "办公用房处",
        "division",
        "reachable",
        "02223880004",
        ("杨光", "处长"),
        ("许文静", "副处长"),
        (("卢思远", "科员"), ("方敏", "科员")),
    ),
    UnitPlan(
        "energy",
        "公共机构节能中心",
        "节能中心",
        "subordinate",
        "reachable",
        "02223880005",
        ("何志远", "主任"),
        ("邓佳", "副主任"),
        (("潘越", "科员"), ("石小雨", "科员")),
    ),
    UnitPlan(
        "property",
        "机关物业服务中心",
        "物业中心",
        "subordinate",
        "always",
        "02223880006",
        ("曹军", "经理"),
        ("彭雪", "副经理"),
        (("韩立群", "值班员"), ("贾鹏", "值班员")),
    ),
    UnitPlan(
        "security",
        "安全保卫处",
        "保卫处",
        "division",
        "always",
        "02223880007",
        ("马卫国", "处长"),
        ("丁一鸣", "副处长"),
        (("魏强", "值班员"), ("薛峰", "值班员")),
    ),
    UnitPlan(
        "medical",
        "机关门诊部",
        "门诊部",
        "subordinate",
        "sensitive",
        "02223880008",
        ("沈慧", "主任"),
        ("蒋宁", "副主任"),
        (("余晓岚", "护士长"), ("章平", "医师")),
    ),
    UnitPlan(
        "hotel",
        "迎宾服务中心",
        "迎宾中心",
        "subordinate",
        "sensitive",
        "02223880009",
        ("罗建平", "经理"),
        ("梁爽", "副经理"),
        (("尹航", "值班员"), ("段丽", "值班员")),
    ),
    UnitPlan(
        "finance",
        "财务管理处",
        "财务处",
        "division",
        "reachable",
        "02223880010",
        ("宋敏", "处长"),
        ("姜涛", "副处长"),
        (("侯俊", "科员"), ("崔莹", "科员")),
    ),
    UnitPlan(
        "kindergarten",
        "机关幼儿园",
        "机关幼儿园",
        "subordinate",
        "reachable",
        "02223880011",
        ("唐婉", "园长"),
        ("谢\U00020bb7琳", "副园长"),
        (("孟洁", "教师"), ("黎明", "保健医")),
    ),
    UnitPlan(
        "archive",
        "档案信息中心",
        "档案中心",
        "subordinate",
        "reachable",
        "02223880012",
        ("袁博", "主任"),
        ("邹颖", "副主任"),
        (("金鑫", "科员"), ("万芳", "科员")),
    ),
)
DESK_LEADERS = (("刘建国", "副局长"), ("周海燕", "副局长"), ("高峰", "二级巡视员"))
DESK_CHIEF = ("孙志强", "局长")
DESK_OPERATORS = (("陈晓", "值班员"), ("林晨", "值班员"))
# They came to the plan later: more operators, the seconds beside them, and who is called in.
DESK_MORE = (("白洁", "值班员"), ("江帆", "值班员"))
DESK_SECONDS = (("姚远", "值班员"), ("石磊", "值班员"), ("温静", "值班员"))
DESK_STANDBY = (("常青", "科长"), ("葛兰", "副科长"))
_LEADER_RANKS: dict[str, Rank] = {"刘建国": "bureau_deputy", "周海燕": "bureau_deputy"}
# Nobody of these takes turns: one who came last month, one who is not on the staff, and a guard from outside.
_BESIDE = (
    PersonPlan("hotel", "周宁", "见习", months=1, trained=False, confirmed=False),
    PersonPlan("motor", "雷刚", "驾驶员", employment="contract", months=30),
    PersonPlan("security", "郝建军", "门卫", employment="external", confirmed=False),
)
# Whose first number is not the only one; the second of 韩立群 is no number any more.
_TWO_NUMBERS = {"刘建国": "", "王小明": "", "贾鹏": "空号"}


def everybody() -> Iterator[PersonPlan]:
    """Yield the people in the order in which they get their numbers: those of the first demonstration before the others."""
    later: list[PersonPlan] = []
    for name, title in DESK_LEADERS:
        yield _person("desk", name, title, _LEADER_RANKS.get(name, "bureau_leader"))
    yield _person("desk", *DESK_CHIEF, "bureau_head")
    for name, title in DESK_OPERATORS:
        yield _person("desk", name, title)
    later += [_person("desk", *one) for one in (*DESK_MORE, *DESK_SECONDS, *DESK_STANDBY)]
    for unit in UNITS:
        yield _person(unit.code, *unit.head, "unit_head")
        deputy = _person(unit.code, *unit.deputy, "unit_deputy")
        operators = [_person(unit.code, name, title) for name, title in unit.operators]
        if unit.code in ("finance", "archive"):
            later.append(deputy)
        else:
            yield deputy
        for one in operators:
            if one.name in ("王小明", "韩立群"):
                yield one
            else:
                later.append(one)
    yield from later
    yield from _BESIDE


def _person(unit: str, name: str, title: str, rank: Rank = "staff") -> PersonPlan:
    return PersonPlan(
        unit,
        name,
        title,
        rank,
        mobiles=2 if name in _TWO_NUMBERS else 1,
        failed=_TWO_NUMBERS.get(name, ""),
    )


def mobiles() -> Iterator[str]:
    """Yield numbers, one after the other."""
    number = _FIRST_MOBILE
    while True:
        number += 1
        yield f"+86{number}"


def posts() -> Iterator[tuple[str, str, str]]:
    """Yield (unit, post, name) of everybody who holds an office for months."""
    yield "desk", "chief", DESK_CHIEF[0]
    yield "desk", "roster", UNITS[0].deputy[0]
    yield "desk", "office_director", UNITS[0].head[0]
    for unit in UNITS:
        yield unit.code, "head", unit.head[0]
        yield unit.code, "roster", unit.operators[0][0]


# Who takes turns on which of the desk's seats; elsewhere it is head and deputy, and the two operators.
DESK_TURNS: tuple[tuple[Seat, str, tuple[tuple[str, str], ...]], ...] = (
    ("leader", "带班领导", DESK_LEADERS),
    ("operator_primary", "主班", (*DESK_OPERATORS, *DESK_MORE)),
    ("operator_secondary", "副班", DESK_SECONDS),
    ("standby", "备班", DESK_STANDBY),
)
# These have not filed their roster of the next month.
NOT_FILED = frozenset({"kindergarten", "archive"})
