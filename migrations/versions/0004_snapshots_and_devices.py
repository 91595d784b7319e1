"""Snapshots of segments, and what mailboxes and devices people have.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# As app/subscribers/providers.py had them: the place of each provider, and its domains.
PROVIDERS = {
    1: "gmail.com googlemail.com",
    2: "outlook.com outlook.de hotmail.com hotmail.de hotmail.co.uk hotmail.fr live.com live.de msn.com",
    3: "yahoo.com yahoo.de yahoo.co.uk yahoo.fr yahoo.it yahoo.es ymail.com rocketmail.com aol.com aol.de",
    4: "icloud.com me.com mac.com",
    5: "gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.org gmx.info gmx.eu mail.com",
    6: "web.de email.de",
    7: "t-online.de magenta.de",
    8: "freenet.de freenet.email",
    9: "posteo.de posteo.net posteo.at posteo.ch posteo.eu",
    10: "mailbox.org",
    11: "proton.me protonmail.com protonmail.ch pm.me",
}


def upgrade() -> None:
    """Add the columns and tables, and find the provider of every address there is."""
    op.add_column("standing", sa.Column("provider", sa.SmallInteger(), nullable=True))
    op.add_column("standing", sa.Column("devices", sa.SmallInteger(), nullable=True))
    op.create_table(
        "snapshot",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("segment_id", ID, nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_snapshot_segment_id_segment")),
    )
    op.create_table(
        "snapped",
        sa.Column("snapshot_id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", "subscriber_id", name=op.f("pk_snapped")),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.id"], name=op.f("fk_snapped_snapshot_id_snapshot")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_snapped_subscriber_id_subscriber")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_snapped_subscriber_id"), "snapped", ["subscriber_id"])
    _find_providers()


def _find_providers() -> None:
    standing = sa.table("standing", sa.column("subscriber_id"), sa.column("provider"), sa.column("status"))
    person = sa.table("subscriber", sa.column("id"), sa.column("address_key"))
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    place = sa.func.instr(person.c.address_key, "@") if on_sqlite else sa.func.strpos(person.c.address_key, "@")
    domain = sa.func.substr(person.c.address_key, place + 1)
    found = sa.case(*((domain.in_(domains.split()), code) for code, domains in PROVIDERS.items()), else_=0)
    mine = sa.select(found).where(person.c.id == standing.c.subscriber_id).scalar_subquery()
    erased = 5
    op.execute(standing.update().where(standing.c.status != erased).values(provider=mine))
