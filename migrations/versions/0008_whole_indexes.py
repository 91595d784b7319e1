"""The indexes on events and memberships by person hold all that is asked there, so that no row is fetched.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Other indexes in the place of those there are."""
    op.drop_index(op.f("ix_event_subscriber_id_kind_occurred_at_verdict_value"), "event")
    columns = ["subscriber_id", "kind", "occurred_at", "verdict", "value", "campaign_id", "link"]
    op.create_index("ix_event_whole", "event", columns)
    op.drop_index(op.f("ix_membership_subscriber_id_segment_id"), "membership")
    op.create_index("ix_membership_whole", "membership", ["subscriber_id", "segment_id", "joined_at", "left_at"])
