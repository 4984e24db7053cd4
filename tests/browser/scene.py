"""A desk with something of everything on it, for looking at its pages."""

from datetime import timedelta

from dutydesk.accounts.rules import Actor
from dutydesk.dutylog.model import LogEntry
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.incidents.model import Casualties, Paper, PaperStep
from dutydesk.incidents.reporting import NewReport
from tests.builders import build_bureau

OPERATOR = Actor("陈静", "operator")


async def set_scene(site):
    """Log an overdue fire with everything around it, and a flood that is reported; return the bureau."""
    now = site.clock.now()
    bureau = await build_bureau(site.db, now)
    fire = NewIncident(
        title="机关食堂后厨配电室起火",
        category="accident",
        grade="ungraded",
        unit_id=bureau.canteen.id,
        occurred_at=now - timedelta(minutes=25),
        occurred_at_kind="exact",
        place="二号楼一层",
        narrative="配电室冒烟起明火，人员已疏散。",
    )
    flood = NewIncident(
        title="地下车库进水",
        category="natural_disaster",
        grade="major",
        unit_id=bureau.motor.id,
        occurred_at=now - timedelta(minutes=12),
        occurred_at_kind="estimated",
        place="公务用车中心地下一层",
        reports=(NewReport("phone", now - timedelta(minutes=2), "周伟", "13800000009", "积水约十厘米"),),
    )
    async with site.db.write() as session:
        first = await log_incident(session, site, now, OPERATOR, fire)
        await log_incident(session, site, now, OPERATOR, flood)
        session.add(
            Casualties(
                incident_id=first.id,
                as_of=now,
                badly_injured=1,
                evacuated=46,
                logged_at=now,
                logged_by="陈静",
            )
        )
        for kind, content in (
            ("call_in", "食堂值班员报告后厨配电室起火"),
            ("instruction", "全力扑救，先救人；半小时报一次"),
        ):
            session.add(
                LogEntry(
                    kind=kind,
                    at=now,
                    logged_at=now,
                    logged_by="陈静",
                    unit_id=bureau.canteen.id,
                    incident_id=first.id,
                    person="李强",
                    number="+8613800000005",
                    content=content,
                )
            )
        paper = Paper(
            incident_id=first.id,
            kind="special_report",
            title="关于机关食堂后厨配电室起火的报告",
            body="一、基本情况\n11月23日14时，机关食堂后厨配电室起火。",
            drafter="陈静",
            created_at=now,
        )
        session.add(paper)
        await session.flush()
        session.add(
            PaperStep(
                paper_id=paper.id,
                at=now,
                actor="陈静",
                before="draft",
                after="draft",
                version=1,
                text={"title": paper.title, "body": paper.body},
            )
        )
    return bureau
