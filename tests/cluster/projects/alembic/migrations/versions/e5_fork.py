"""A second way on from the same revision."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "e5", "b2"


def upgrade():
    op.add_column("rules", sa.Column("weight", sa.Integer))


def downgrade():
    op.drop_column("rules", "weight")
