import sqlalchemy as sa
from alembic import op

revision, down_revision = "b2", "a1"


def upgrade():
    op.add_column("rules", sa.Column("note", sa.Text))


def downgrade():
    op.drop_column("rules", "note")
