"""People and their passwords."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, delete
from sqlmodel import Session, col, select

from xiaoer.approvals.desk import DECIDERS, Staff
from xiaoer.desk.tables import DeskSession, DeskUser
from xiaoer.domain.clock import Clock, utc_now
from xiaoer.domain.ids import new_id
from xiaoer.domain.refusals import BadInput
from xiaoer.storage.engine import reading, transaction

ROLES = ("admin", "approver", "agent")
FIRST_ADMIN = "admin"
MIN_PASSWORD, MAX_PASSWORD = 8, 256
# The bearer of XIAOER_API_TOKEN.
API_STAFF = Staff("api", "API token", frozenset(ROLES))


def ensure_admin(engine: Engine, password: str, clock: Clock = utc_now) -> bool:
    """Make the first admin with this password; False when there is an admin already, who stays as he is."""
    with transaction(engine) as session:
        if any("admin" in user.roles for user in session.exec(select(DeskUser))):
            return False
        _add(session, FIRST_ADMIN, password, ("admin",), clock)
    return True


def set_password(engine: Engine, name: str, password: str) -> None:
    """Give a person a new password and end his sessions; raises BadInput when there is nobody of this name."""
    hashed = _hash(password)
    with transaction(engine) as session:
        user = session.exec(select(DeskUser).where(DeskUser.name == name)).first()
        if user is None:
            raise BadInput(f"There is nobody called {name}.")
        user.password_hash = hashed
        session.add(user)
        session.execute(delete(DeskSession).where(col(DeskSession.user_id) == user.id))


def create_staff(
    engine: Engine, name: str, password: str, roles: Sequence[str], clock: Clock = utc_now
) -> Staff:
    """Add a person; raises BadInput for a taken name, an unknown role or a short password."""
    with transaction(engine) as session:
        if session.exec(select(DeskUser).where(col(DeskUser.name) == name)).first() is not None:
            raise BadInput(f"There is already somebody called {name}.")
        return staff_of(_add(session, name, password, roles, clock))


def check_password(engine: Engine, name: str, password: str) -> Staff | None:
    """Who this is, or None; takes as long for an unknown name as for a wrong password."""
    with reading(engine) as session:
        user = session.exec(select(DeskUser).where(DeskUser.name == name)).first()
    fits = _fits(user.password_hash if user else _decoy(), password)
    return staff_of(user) if user is not None and fits and user.active else None


def may_decide(engine: Engine, staff_id: str) -> bool:
    """Whether this person may still approve: not disabled, with a role that decides."""
    if staff_id == API_STAFF.id:
        return True
    with reading(engine) as session:
        user = session.get(DeskUser, staff_id)
    return user is not None and user.active and not set(DECIDERS).isdisjoint(user.roles)


def staff_of(user: DeskUser) -> Staff:
    return Staff(user.id, user.name, frozenset(user.roles))


def _add(session: Session, name: str, password: str, roles: Sequence[str], clock: Clock) -> DeskUser:
    strange = sorted(set(roles) - set(ROLES))
    if strange or not roles:
        raise BadInput(f"A role is one of {', '.join(ROLES)}.")
    if not 1 <= len(name.strip()) <= 64:
        raise BadInput("A name has 1 to 64 characters.")
    user = DeskUser(
        id=new_id("U"),
        name=name.strip(),
        password_hash=_hash(password),
        roles=list(roles),
        created_at=clock(),
    )
    session.add(user)
    session.flush()
    return user


def _hash(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise BadInput(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    return PasswordHasher().hash(password)


def _fits(password_hash: str, password: str) -> bool:
    if len(password) > MAX_PASSWORD:
        return False
    try:
        return PasswordHasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    return PasswordHasher().hash("nobody has this password")
