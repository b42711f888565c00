import sqlalchemy as sa
from alembic import op

revision, down_revision = "c3", "b2"


def upgrade():
    op.drop_column("rules", "body")


def downgrade():
    op.add_column("rules", sa.Column("body", sa.Text))
