"""Keeping a list with its filters under a name."""

from datetime import datetime

from dutydesk.accounts.model import SavedView
from dutydesk.accounts.queries import lock_accounts
from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, NotAllowedError
from dutydesk.search.queries import view, views_of
from dutydesk.search.rules import MOST_VIEWS, Filters

WHERE = "/search"


async def save_view(session: Session, now: datetime, actor: Actor, name: str, filters: Filters) -> SavedView:
    """Keep a list under a name of the actor's own.

    Raises:
        ConflictError: the name is taken, or there are as many as there may be.
    """
    account = account_of(actor)
    await lock_accounts(session)
    kept = await views_of(session, account, WHERE)
    if len(kept) >= MOST_VIEWS:
        raise _refused("常用查询最多50个，请先删除不用的")
    _refuse_taken(kept, name)
    made = SavedView(account_id=account, page=WHERE, name=name, query=filters.query(), created_at=now)
    session.add(made)
    await session.flush()
    record(session, now, actor.name, "view.saved", f"view:{made.id}", name=name, query=made.query)
    return made


async def rename_view(session: Session, now: datetime, actor: Actor, view_id: int, name: str) -> None:
    """Give one of the actor's own views another name.

    Raises:
        NotFoundError: the actor has no such view.
        ConflictError: another one has that name.
    """
    account = account_of(actor)
    await lock_accounts(session)
    found = await view(session, account, view_id)
    _refuse_taken([one for one in await views_of(session, account, WHERE) if one.id != view_id], name)
    record(session, now, actor.name, "view.renamed", f"view:{view_id}", before=found.name, after=name)
    found.name = name


async def delete_view(session: Session, now: datetime, actor: Actor, view_id: int) -> None:
    """Forget one of the actor's own views; no evidence hangs on it.

    Raises:
        NotFoundError: the actor has no such view.
    """
    found = await view(session, account_of(actor), view_id)
    record(session, now, actor.name, "view.deleted", f"view:{view_id}", name=found.name, query=found.query)
    await session.delete(found)


def account_of(actor: Actor) -> int:
    """Return whose views and exports these are.

    Raises:
        NotAllowedError: the actor is no account but a token.
    """
    if actor.account_id is None:
        raise NotAllowedError("请用自己的账号登录")
    return actor.account_id


def _refuse_taken(kept: list[SavedView], name: str) -> None:
    if any(one.name == name for one in kept):
        raise _refused("已有这个名称，请换一个")


def _refused(sentence: str) -> ConflictError:
    return ConflictError(sentence, (FieldFault("name", sentence),))
