"""Adds a column, then fails on rows that are alike."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "d4", "b2"


def upgrade():
    op.add_column("rules", sa.Column("owner", sa.Text))
    op.create_index("rules_note", "rules", ["note"], unique=True)


def downgrade():
    op.drop_index("rules_note")
    op.drop_column("rules", "owner")
