"""The index on events holds campaign and link too, so that rules about them read nothing else.

Revision ID: 0009
Revises: 0006
"""

from alembic import op

revision = "0009"
down_revision = "0006"


def upgrade() -> None:
    """Another index in the place of the one there is."""
    op.drop_index(op.f("ix_event_subscriber_id_kind_occurred_at_verdict_value"), "event")
    columns = ["subscriber_id", "kind", "occurred_at", "verdict", "value", "campaign_id", "link"]
    op.create_index("ix_event_whole", "event", columns)
