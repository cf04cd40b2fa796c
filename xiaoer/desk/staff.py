"""People: who there is, with which roles, and who may no longer come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, delete, func
from sqlmodel import Session, col, select

from xiaoer.approvals.desk import DECIDERS, Staff
from xiaoer.desk.passwords import NONE, fits, hash_password, require_good
from xiaoer.desk.roles import ROLES
from xiaoer.desk.tables import DeskDevice, DeskLink, DeskSession, DeskUser
from xiaoer.domain.clock import Clock, utc_now
from xiaoer.domain.ids import new_id
from xiaoer.domain.refusals import BadInput, NotFound, Refusal
from xiaoer.domain.text import clean_text
from xiaoer.storage.engine import reading, transaction

FIRST_ADMIN = "admin"
# The bearer of XIAOER_API_TOKEN. It has no password to be asked for; as one of two people it counts once.
API_STAFF = Staff("api", "API token", frozenset(ROLES), proven=True)
# Whoever works on the machine itself.
COMMAND_LINE = Staff("cli", "command line", frozenset(), proven=False)
_RESERVED = frozenset({API_STAFF.name.casefold(), COMMAND_LINE.name})


class LastAdmin(Refusal):
    code = "last_admin"


@dataclass(frozen=True, slots=True)
class Colleague:
    """A person as admins see him. `state`: active | invited | disabled."""

    id: str
    name: str
    roles: tuple[str, ...]
    state: str
    created_at: datetime
    seen_at: datetime | None  # of a session that still stands


def ensure_admin(engine: Engine, password: str, clock: Clock = utc_now) -> bool:
    """Make the first admin with this password; False when there is an admin already, who stays as he is."""
    with transaction(engine) as session:
        if any("admin" in user.roles for user in session.exec(select(DeskUser))):
            return False
        require_good(password)
        add_person(session, FIRST_ADMIN, ("admin",), clock()).password_hash = hash_password(password)
    return True


def create_staff(
    engine: Engine, name: str, password: str, roles: Sequence[str], clock: Clock = utc_now
) -> Staff:
    """Add a person; raises BadInput for a taken name or an unknown role, WeakPassword."""
    require_good(password, name)
    with transaction(engine) as session:
        user = add_person(session, name, roles, clock())
        user.password_hash = hash_password(password)
        session.add(user)
        return staff_of(user)


def set_password(engine: Engine, name: str, password: str) -> None:
    """Give a person a new password and end his sessions; raises BadInput when there is nobody of this name."""
    require_good(password, name)
    hashed = hash_password(password)
    with transaction(engine) as session:
        user = session.exec(select(DeskUser).where(DeskUser.name == name)).first()
        if user is None:
            raise BadInput(f"There is nobody called {name}.")
        user.password_hash = hashed
        session.add(user)
        shut_out(session, user.id)


def check_password(engine: Engine, name: str, password: str) -> Staff | None:
    """Who this is, or None; takes as long for an unknown name as for a wrong password."""
    with reading(engine) as session:
        user = session.exec(select(DeskUser).where(DeskUser.name == name)).first()
    right = fits(user.password_hash if user else None, password)
    return staff_of(user) if user is not None and right and user.active else None


def may_decide(engine: Engine, staff_id: str) -> bool:
    """Whether this person may still approve: not disabled, with a role that decides."""
    if staff_id == API_STAFF.id:
        return True
    with reading(engine) as session:
        user = session.get(DeskUser, staff_id)
    return user is not None and user.active and not set(DECIDERS).isdisjoint(user.roles)


def colleagues(engine: Engine) -> tuple[Colleague, ...]:
    """Everybody, by name."""
    seen = select(DeskSession.user_id, func.max(DeskSession.seen_at)).group_by(DeskSession.user_id)
    with reading(engine) as session:
        last = dict(session.exec(seen).all())
        users = session.exec(select(DeskUser).order_by(func.lower(DeskUser.name)))
        return tuple(
            Colleague(user.id, user.name, tuple(user.roles), _state(user), user.created_at, last.get(user.id))
            for user in users
        )


def set_roles(engine: Engine, by: Staff, person_id: str, roles: Sequence[str]) -> Staff:
    """Other roles; the person's sessions end, so that nothing goes on with the rights of before."""
    with transaction(engine) as session:
        user = find_colleague(session, by, person_id)
        user.roles = known_roles(roles)
        session.add(user)
        session.flush()
        _require_admin_left(session)
        shut_out(session, user.id)
        return staff_of(user)


def set_active(engine: Engine, by: Staff, person_id: str, active: bool) -> Staff:
    """Disable a person at once, everywhere; or let him in again with the password he had."""
    with transaction(engine) as session:
        user = find_colleague(session, by, person_id)
        user.active = active
        session.add(user)
        session.flush()
        _require_admin_left(session)
        shut_out(session, user.id)
        return staff_of(user)


def find_colleague(session: Session, by: Staff, person_id: str) -> DeskUser:
    """Somebody else's account; raises NotFound, or Refusal for one's own."""
    if person_id == by.id:
        raise Refusal("Nobody changes his own account here. Ask another admin.", "own_account")
    user = session.get(DeskUser, person_id)
    if user is None:
        raise NotFound("There is no such person.")
    return user


def add_person(session: Session, name: str, roles: Sequence[str], now: datetime) -> DeskUser:
    """A person without a password yet; raises BadInput for a name or roles that cannot be."""
    name = name.strip()
    if not 1 <= len(name) <= 64 or clean_text(name, 64).text != name:
        raise BadInput("A name has 1 to 64 characters.")
    taken = {user.name.casefold() for user in session.exec(select(DeskUser))} | _RESERVED
    if name.casefold() in taken:
        raise BadInput(f"There is already somebody called {name}.", "name_taken")
    user = DeskUser(id=new_id("U"), name=name, password_hash=NONE, roles=known_roles(roles), created_at=now)
    session.add(user)
    session.flush()
    return user


def known_roles(roles: Sequence[str]) -> list[str]:
    if not roles or set(roles) - set(ROLES):
        raise BadInput(f"A role is one of {', '.join(ROLES)}.", "roles")
    return [role for role in ROLES if role in roles]


def shut_out(session: Session, user_id: str) -> None:
    """End what this person could still come in by: sessions, open links, known browsers."""
    for table in (DeskSession, DeskLink, DeskDevice):
        session.execute(delete(table).where(col(table.user_id) == user_id))


def staff_of(user: DeskUser) -> Staff:
    return Staff(user.id, user.name, frozenset(user.roles), proven=False)


def _require_admin_left(session: Session) -> None:
    users = session.exec(select(DeskUser).execution_options(populate_existing=True))
    if not any(user.active and user.password_hash != NONE and "admin" in user.roles for user in users):
        raise LastAdmin("Somebody has to be left who is an admin.")


def _state(user: DeskUser) -> str:
    if not user.active:
        return "disabled"
    return "active" if user.password_hash != NONE else "invited"
