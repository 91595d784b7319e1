"""What came before in a file, and how its columns are written, is asked of the file, and not kept here.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """An import under way goes on: who reads its next rows reads those before them."""
    op.drop_table("import_key")
    op.drop_column("import", "is_surveyed")
