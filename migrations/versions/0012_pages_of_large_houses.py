"""Indexes for pages of large houses: products and months from the orders' indexes alone, and who left by a campaign.

Revision ID: 0012
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"

_LEFT = sa.text("kind < 20 AND campaign_id IS NOT NULL")


def upgrade() -> None:
    """Two more, and one that holds the amount as well."""
    op.create_index("ix_order_product", "order", ["product_id", "subscriber_id", "amount", "quantity"])
    op.drop_index(op.f("ix_order_ordered_at"), "order")
    op.create_index(op.f("ix_order_ordered_at_amount"), "order", ["ordered_at", "amount"])
    columns = ["campaign_id", "kind", "subscriber_id"]
    op.create_index("ix_event_left", "event", columns, sqlite_where=_LEFT, postgresql_where=_LEFT)
