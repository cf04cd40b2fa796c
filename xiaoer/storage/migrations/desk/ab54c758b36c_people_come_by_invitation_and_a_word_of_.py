"""People come by invitation; two people's word closes what nobody can look up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from xiaoer.storage.columns import UtcDateTime

revision = "ab54c758b36c"
down_revision = "b374e244099f"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Sessions know more of themselves now: everybody signs in once more.
    op.execute("DELETE FROM desk_session")
    op.create_table(
        "action_closing",
        sa.Column("action_id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["action_id"], ["action.id"], name=op.f("fk_action_closing_action_id")),
        sa.PrimaryKeyConstraint("action_id", "staff_id", name=op.f("pk_action_closing")),
    )
    op.create_table(
        "desk_device",
        sa.Column("token_hash", sa.String(80), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["desk_user.id"], name=op.f("fk_desk_device_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_desk_device")),
    )
    with op.batch_alter_table("desk_device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_desk_device_user_id"), ["user_id"], unique=False)

    op.create_table(
        "desk_link",
        sa.Column("token_hash", sa.String(80), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("made_by", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["desk_user.id"], name=op.f("fk_desk_link_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_desk_link")),
    )
    with op.batch_alter_table("desk_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_desk_link_user_id"), ["user_id"], unique=False)

    with op.batch_alter_table("desk_audit", schema=None) as batch_op:
        batch_op.create_index("ix_desk_audit_who", ["who", "id"], unique=False)

    with op.batch_alter_table("desk_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("id", sa.String(32), nullable=False))
        batch_op.add_column(sa.Column("address", sa.String(64), nullable=False))
        batch_op.add_column(sa.Column("browser", sa.String(200), nullable=False))
        batch_op.add_column(sa.Column("proved_at", UtcDateTime(), nullable=False))
        batch_op.create_unique_constraint(batch_op.f("uq_desk_session_id"), ["id"])


def downgrade() -> None:
    with op.batch_alter_table("desk_session", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_desk_session_id"), type_="unique")
        batch_op.drop_column("proved_at")
        batch_op.drop_column("browser")
        batch_op.drop_column("address")
        batch_op.drop_column("id")

    with op.batch_alter_table("desk_audit", schema=None) as batch_op:
        batch_op.drop_index("ix_desk_audit_who")

    with op.batch_alter_table("desk_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_desk_link_user_id"))

    op.drop_table("desk_link")
    with op.batch_alter_table("desk_device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_desk_device_user_id"))

    op.drop_table("desk_device")
    op.drop_table("action_closing")
