"""Shards as stretches of ids, with what the brake counts; when a mail was tried; sending again; the frequency cap.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# The ids of a shard were a stretch before: they were numbered in the order of ids.
_STRETCH = """UPDATE shard SET
    first_id = COALESCE((SELECT MIN(subscriber_id) FROM delivery
        WHERE delivery.campaign_id = shard.campaign_id AND delivery.shard = shard.number), 0),
    last_id = COALESCE((SELECT MAX(subscriber_id) FROM delivery
        WHERE delivery.campaign_id = shard.campaign_id AND delivery.shard = shard.number), 0)"""


def upgrade() -> None:
    """Keep every shard and delivery."""
    for name, kind in (("first_id", sa.BigInteger()), ("last_id", sa.BigInteger())):
        _add_count("shard", name, kind)
    for name in ("accepted", "refused"):
        _add_count("shard", name, sa.Integer())
    _add_count("campaign", "complaints", sa.Integer())
    _add_count("campaign", "brakes", sa.SmallInteger())
    op.add_column("shard", sa.Column("due_at", sa.BigInteger(), nullable=True))
    op.execute(_STRETCH)
    op.drop_index("ix_delivery_deferred", "delivery")
    op.drop_index("ix_delivery_shard", "delivery")
    with op.batch_alter_table("delivery", table_kwargs={"sqlite_with_rowid": False}) as delivery:
        delivery.drop_constraint("fk_delivery_campaign_id_campaign", type_="foreignkey")
        delivery.drop_constraint("fk_delivery_subscriber_id_subscriber", type_="foreignkey")
        delivery.drop_column("shard")
        delivery.add_column(sa.Column("tried_at", sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        # Two changes of each row while a campaign is sent: its page should have the room.
        op.execute("ALTER TABLE delivery SET (fillfactor = 50)")
    op.add_column("campaign", sa.Column("again", sa.SmallInteger(), nullable=True))
    op.add_column("campaign", sa.Column("again_after", sa.BigInteger(), nullable=True))
    waiting = sa.text("again_after IS NOT NULL")
    op.create_index(
        op.f("ix_campaign_again_after"),
        "campaign",
        ["again_after"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.add_column("organisation", sa.Column("cap_campaigns", sa.SmallInteger(), nullable=True))
    op.add_column("organisation", sa.Column("cap_days", sa.SmallInteger(), nullable=True))


def _add_count(table: str, name: str, kind: sa.types.TypeEngine[int]) -> None:
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default="0"))
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column(table, name, server_default=None)
