"""Named scores with conditions and caps; how people fall; versions and back-filled histories of segments.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """One score becomes the first of several; each segment's rule becomes its first version."""
    _name_scores()
    _rules_with_ids()
    for table in ("score", "score_draft"):
        _sums(table)
    op.create_table(
        "tier_policy",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("margin_percent", sa.SmallInteger(), nullable=False),
        sa.Column("grace_days", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_policy")),
    )
    op.execute("INSERT INTO tier_policy (id, margin_percent, grace_days) SELECT id, 10, 0 FROM score_clock")
    op.drop_index("ix_event_subscriber_id_kind_occurred_at", "event")
    columns = ["subscriber_id", "kind", "occurred_at", "verdict", "value"]
    op.create_index(op.f(f"ix_event_{'_'.join(columns)}"), "event", columns, unique=False)
    _wider_marks()
    op.create_table(
        "touched",
        sa.Column("id", ID, nullable=False),
        sa.Column("people", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_touched")),
    )
    _versions()
    _backfills()


def _name_scores() -> None:
    with op.batch_alter_table("score_clock") as clock:
        clock.add_column(sa.Column("name", sa.String(length=60), nullable=False, server_default="Engagement"))
        clock.add_column(sa.Column("drafted_to", sa.BigInteger(), nullable=True))
        clock.add_column(sa.Column("draft_landmark_day", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("score_clock") as clock:
        clock.alter_column("name", existing_type=sa.String(length=60), server_default=None)


def _rules_with_ids() -> None:
    op.rename_table("score_rule", "old_score_rule")
    op.create_table(
        "score_rule",
        sa.Column("id", ID, nullable=False),
        sa.Column("clock_id", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("per_amount", sa.BigInteger(), nullable=True),
        sa.Column("conditions", JSON, nullable=False),
        sa.Column("first_day", sa.BigInteger(), nullable=True),
        sa.Column("last_day", sa.BigInteger(), nullable=True),
        sa.Column("per_day", sa.BigInteger(), nullable=True),
        sa.Column("per_delivery", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["clock_id"], ["score_clock.id"], name=op.f("fk_score_rule_clock_id_score_clock")),
        sa.PrimaryKeyConstraint("id", name="pk_score_rule_2"),
    )
    op.create_index(op.f("ix_score_rule_clock_id"), "score_rule", ["clock_id"], unique=False)
    old = sa.table("old_score_rule", *(sa.column(name) for name in ("kind", "points", "per_amount")))
    names = ("clock_id", *old.c.keys())
    new = sa.table("score_rule", sa.column("conditions", JSON), *(sa.column(name) for name in names))
    rules = sa.select(sa.literal({}, JSON), sa.literal(1), *old.c).order_by(old.c.kind)
    op.execute(new.insert().from_select(new.c.keys(), rules))
    op.drop_table("old_score_rule")
    _take_names("score_rule", {"pk_score_rule_2": "pk_score_rule"})


def _take_names(table: str, names: dict[str, str]) -> None:
    """Give constraints the names that the old table had; SQLite knows none for those of a finished table."""
    if op.get_bind().dialect.name == "postgresql":
        for name, wanted in names.items():
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {name} TO {wanted}")


def _sums(table: str) -> None:
    op.create_table(
        table,
        sa.Column("clock_id", sa.SmallInteger(), nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["clock_id"], ["score_clock.id"], name=op.f(f"fk_{table}_clock_id_score_clock")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f(f"fk_{table}_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("clock_id", "subscriber_id", name=op.f(f"pk_{table}")),
        info={"derived": True},
        sqlite_with_rowid=False,
    )


def _wider_marks() -> None:
    """Sixty slots to a sheet instead of fifteen: four old sheets, one after the other, are a new one."""
    op.rename_table("membership_marks", "old_membership_marks")
    op.create_table(
        "membership_marks",
        sa.Column("sheet", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("marks", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name="fk_membership_marks_subscriber_id_subscriber_2"
        ),
        sa.PrimaryKeyConstraint("sheet", "subscriber_id", name="pk_membership_marks_2"),
        info={"derived": True},
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO membership_marks (sheet, subscriber_id, marks)"
        " SELECT sheet / 4, subscriber_id, SUM(CAST(marks AS BIGINT) << (sheet % 4 * 15))"
        " FROM old_membership_marks GROUP BY sheet / 4, subscriber_id"
    )
    op.drop_table("old_membership_marks")
    names = ("pk_membership_marks", "fk_membership_marks_subscriber_id_subscriber")
    _take_names("membership_marks", {f"{name}_2": name for name in names})


def _versions() -> None:
    op.create_table(
        "segment_version",
        sa.Column("segment_id", ID, nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("rule", JSON, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_segment_version_segment_id_segment")),
        sa.PrimaryKeyConstraint("segment_id", "number", name=op.f("pk_segment_version")),
    )
    op.execute(
        "INSERT INTO segment_version (segment_id, number, rule, since) SELECT id, 1, rule, created_at FROM segment"
    )


def _backfills() -> None:
    op.create_table(
        "backfill",
        sa.Column("segment_id", ID, nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("first_day", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("step_days", sa.SmallInteger(), nullable=False),
        sa.Column("done_to", sa.BigInteger(), nullable=True),
        sa.Column("wanted_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_backfill_segment_id_segment")),
        sa.PrimaryKeyConstraint("segment_id", name=op.f("pk_backfill")),
    )
    op.create_table(
        "backfilled_membership",
        sa.Column("segment_id", ID, nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segment.id"], name=op.f("fk_backfilled_membership_segment_id_segment")
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_backfilled_membership_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("segment_id", "left_at", "subscriber_id", name=op.f("pk_backfilled_membership")),
        info={"derived": True},
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_backfilled_membership_subscriber_id"), "backfilled_membership", ["subscriber_id"], unique=False
    )
