"""For events and drafted scores the database no longer looks for their people: that was half of the writing.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Keep every event; SQLite copies them."""
    keys = ("fk_score_draft_clock_id_score_clock", "fk_score_draft_subscriber_id_subscriber")
    with op.batch_alter_table("score_draft", table_kwargs={"sqlite_with_rowid": False}) as draft:
        for key in keys:
            draft.drop_constraint(key, type_="foreignkey")
    with op.batch_alter_table("event") as event:
        event.drop_constraint("fk_event_subscriber_id_subscriber", type_="foreignkey")
