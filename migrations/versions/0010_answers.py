"""What people answered last when asked how likely they are to recommend, and when.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Nobody has answered yet; reports that are kept say nothing of it, and are counted anew."""
    op.add_column("standing", sa.Column("last_nps", sa.SmallInteger(), nullable=True))
    op.add_column("standing", sa.Column("nps_at", sa.BigInteger(), nullable=True))
    op.execute("DELETE FROM kept_report WHERE kind = 'segment'")
