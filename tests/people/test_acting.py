"""While somebody acts for an absent holder (Art. 5), they are told and the holder is not."""

from datetime import timedelta

from dutydesk.people.model import Post
from dutydesk.people.queries import bureau_post_holders, post_holders
from tests.builders import build_bureau

DAY = timedelta(days=1)


async def test_whoever_acts_holds_the_post_alone_until_the_holder_is_back(db, clock):
    bureau, now = await build_bureau(db, clock.now()), clock.now()
    async with db.write() as session:
        session.add(
            Post(
                unit_id=bureau.desk.id,
                post="chief",
                person_id=bureau.desk_leader.id,
                from_at=now,
                until_at=now + DAY,
                acting=True,
                cause="leave/1",
            )
        )
    async with db.read() as session:
        for at, holder in (
            (now - timedelta(seconds=1), bureau.chief.id),
            (now, bureau.desk_leader.id),
            (now + DAY - timedelta(seconds=1), bureau.desk_leader.id),
            (now + DAY, bureau.chief.id),
        ):
            assert (await post_holders(session, [bureau.desk.id], at))[bureau.desk.id, "chief"] == [holder]
            assert (await bureau_post_holders(session, at))["chief"] == [holder]
            # Another post of the unit is not touched.
            assert (await bureau_post_holders(session, at))["office_director"] == [bureau.office_director.id]
