"""Two registries of tables: the desk's own, and the shop's (which servers own)."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlmodel import SQLModel

# Constraint names that Alembic can address on both databases.
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

desk_metadata = MetaData(naming_convention=_NAMING)
shop_metadata = MetaData(naming_convention=_NAMING)


class DeskTable(SQLModel):
    """Base of the tables of inbox, approvals and desk; subclass with `table=True`."""

    metadata = desk_metadata


class ShopTable(SQLModel):
    """Base of the tables of the local shop (`shop_*`) and of the servers (`srv_*`)."""

    metadata = shop_metadata
