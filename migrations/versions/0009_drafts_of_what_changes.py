"""A drafted score is one that changes, and may be unknown: of somebody who was touched since.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """A rebuild under way begins again."""
    op.execute("DELETE FROM score_draft")
    op.execute("UPDATE score_clock SET drafted_to = NULL, draft_landmark_day = NULL")
    with op.batch_alter_table("score_draft", table_kwargs={"sqlite_with_rowid": False}) as draft:
        draft.alter_column("total", existing_type=sa.BigInteger(), nullable=True)
