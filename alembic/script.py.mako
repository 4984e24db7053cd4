"""${message}

Revision: ${up_revision}
After: ${down_revision or "nothing" | comma,n}
Written: ${create_date}
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
${imports if imports else ""}

# A migration never imports from dutydesk: it must still run when the code has moved on.
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def wait_for_no_lock_longer_than_5s() -> None:
    """Give up rather than queue in front of everybody who wants the same table."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def upgrade() -> None:
    wait_for_no_lock_longer_than_5s()
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    wait_for_no_lock_longer_than_5s()
    ${downgrades if downgrades else "pass"}
