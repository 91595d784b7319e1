"""Events no longer have the database look for their people: that was half of what it takes to write them.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Keep every event; SQLite copies them."""
    with op.batch_alter_table("event") as event:
        event.drop_constraint("fk_event_subscriber_id_subscriber", type_="foreignkey")
