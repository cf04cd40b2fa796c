"""Keeping long matters: opened by an action, moved by its end or by what the shop shows, once each.

The ledger calls `entered` and `ended` in the transaction that enters or ends an action, so that a matter
never lags behind the ledger, whatever is killed when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from xiaoer.approvals.case_steps import (
    CLOSED,
    DONE,
    JOINS,
    STOPPED,
    UNDONE,
    Next,
    first_stage,
    kind_of,
    stage_of,
    subject_of,
)
from xiaoer.approvals.matter_tables import MatterCase, MatterEvent, MatterRow
from xiaoer.approvals.tables import ActionEvent, ActionRow, CaseRow
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.ids import derived_id

FIRST_LOOK = timedelta(seconds=20)
LONGEST_LOOK = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a matter's timeline."""

    at: datetime
    what: str  # "event" of the matter, or "step" of one of its actions
    name: str  # received, confirmed, …; or where the action stands from then on
    tool: str = ""
    actor: str = ""
    note: str = ""
    action_id: str = ""


@dataclass(frozen=True, slots=True)
class MatterView:
    """One matter as pages show it."""

    id: str
    kind: str
    stage: str
    store: str
    order_no: str
    conversation_id: str
    subject: dict[str, Any]
    closed: bool
    waits_for: str | None  # a key of case_steps.WATCHES while it waits for the shop
    happenings: tuple[Happening, ...]


def entered(session: Session, row: ActionRow, now: datetime) -> None:
    """An action has been proposed: it continues its case's matter, joins one, or begins one."""
    assert row.case_id is not None
    link = session.get(MatterCase, row.case_id)
    if link is not None:  # an edit has put this action in another's place
        matter = _locked(session, link.matter_id)
        if link.main:
            matter.action_id = row.id
            matter.subject = {**matter.subject, **subject_of(row.args, None)}
            session.add(matter)
        return
    joined = _to_join(session, row)
    if joined is not None:
        session.add(MatterCase(case_id=row.case_id, matter_id=joined.id, main=False))
        return
    _begin(session, row, now)


def ended(session: Session, row: ActionRow, now: datetime) -> None:
    """An action has come to its end: its matter moves on, or stops."""
    link = session.get(MatterCase, row.case_id) if row.case_id else None
    if link is None or row.superseded_by is not None:  # replaced: see `entered` and `dropped`
        return
    matter = _locked(session, link.matter_id)
    done = row.status == ActionStatus.SUCCEEDED
    event: str | None = DONE if done else UNDONE
    if not link.main:
        event = JOINS[row.tool][1] if done else None
    stage = stage_of(matter.kind, matter.stage)
    if event is None or stage is None or event not in stage.on:
        return
    if done and link.main:
        matter.subject = {**matter.subject, **subject_of(row.args, row.receipt)}
    move(session, matter, event, f"{event}:{row.id}", stage.on[event], now, row.id)


def dropped(session: Session, row: ActionRow, now: datetime) -> None:
    """An action was replaced by one of another order: its own matter ends here."""
    link = session.get(MatterCase, row.case_id) if row.case_id else None
    if link is None or not link.main:
        return
    matter = _locked(session, link.matter_id)
    stage = stage_of(matter.kind, matter.stage)
    if stage is not None:
        move(session, matter, UNDONE, f"{UNDONE}:{row.id}", Next(STOPPED), now, row.id)


def expect(session: Session, matter: MatterRow, case_id: str) -> None:
    """The case that is about to be proposed is a step of this matter."""
    session.merge(MatterCase(case_id=case_id, matter_id=matter.id, main=True))
    session.flush()


def take_over(session: Session, matter: MatterRow, case_id: str, action_id: str, now: datetime) -> None:
    """An open action already asks for what the step would: it becomes the step."""
    link = session.get(MatterCase, case_id)
    if link is not None and link.matter_id != matter.id and link.main:
        other = _locked(session, link.matter_id)
        move(session, other, "joined", f"joined:{matter.id}", Next(STOPPED), now, action_id)
    expect(session, matter, case_id)
    matter.action_id = action_id
    session.add(matter)
    session.flush()


def move(
    session: Session,
    matter: MatterRow,
    event: str,
    key: str,
    step: Next,
    now: datetime,
    action_id: str | None = None,
) -> bool:
    """One step of a matter that the caller has locked; False when this event has happened already."""
    if session.get(MatterEvent, (matter.id, key)) is not None:
        return False
    session.add(
        MatterEvent(matter_id=matter.id, key=key, name=event, stage=step.stage, action_id=action_id, at=now)
    )
    matter.stage, matter.updated_at, matter.looks = step.stage, now, 0
    stage = stage_of(matter.kind, step.stage)
    matter.next_look_at = now + FIRST_LOOK if stage and stage.watch else None
    session.add(matter)
    session.flush()
    return True


def lock(session: Session, matter_id: str) -> MatterRow | None:
    """The row, held until the end of the transaction."""
    return session.get(MatterRow, matter_id, populate_existing=True, with_for_update=True)


def due(session: Session, now: datetime, limit: int = 20) -> tuple[MatterRow, ...]:
    """Matters whose next look at the shop is due, the longest waiting first."""
    statement = (
        select(MatterRow)
        .where(col(MatterRow.next_look_at).is_not(None), col(MatterRow.next_look_at) <= now)
        .order_by(col(MatterRow.next_look_at))
        .limit(limit)
    )
    return tuple(session.exec(statement))


def look_later(session: Session, matter_id: str, now: datetime) -> None:
    """Nothing has happened yet: the next look is further off than the last was."""
    matter = lock(session, matter_id)
    if matter is None or matter.next_look_at is None:
        return
    matter.looks += 1
    matter.next_look_at = now + min(LONGEST_LOOK, FIRST_LOOK * 2 ** min(matter.looks, 10))
    session.add(matter)


def look_soon(session: Session, store: str, order_no: str, now: datetime) -> int:
    """Something has happened to this order: whoever waits for it looks at once. How many do."""
    statement = select(MatterRow).where(
        MatterRow.store == store, MatterRow.order_no == order_no, col(MatterRow.next_look_at).is_not(None)
    )
    waiting = list(session.exec(statement))
    for matter in waiting:
        matter.next_look_at, matter.looks = now, 0
        session.add(matter)
    return len(waiting)


def of_conversation(session: Session, conversation_id: str) -> tuple[MatterView, ...]:
    """A conversation's matters, the newest first."""
    statement = (
        select(MatterRow)
        .where(MatterRow.conversation_id == conversation_id)
        .order_by(col(MatterRow.created_at).desc(), col(MatterRow.id))
        .limit(20)
    )
    return tuple(_view(session, matter) for matter in session.exec(statement))


def of_action(session: Session, action_id: str) -> MatterView | None:
    """The matter that an action belongs to; None when a clause refused it at once."""
    row = session.get(ActionRow, action_id)
    link = session.get(MatterCase, row.case_id) if row and row.case_id else None
    return get(session, link.matter_id) if link else None


def get(session: Session, matter_id: str) -> MatterView | None:
    matter = session.get(MatterRow, matter_id)
    return _view(session, matter) if matter else None


def _begin(session: Session, row: ActionRow, now: datetime) -> None:
    kind = kind_of(row.tool, row.args)
    matter = MatterRow(
        id=derived_id("M", row.case_id or ""),
        kind=kind,
        stage=first_stage(kind),
        store=row.store,
        conversation_id=row.conversation_id,
        order_no=row.order_no,
        language=row.language,
        intent=row.intent,
        customer_ref=row.customer_ref,
        action_id=row.id,
        subject=subject_of(row.args, None),
        created_at=now,
        updated_at=now,
    )
    session.add(matter)
    session.add(MatterCase(case_id=row.case_id or "", matter_id=matter.id, main=True))
    session.add(
        MatterEvent(
            matter_id=matter.id, key="asked", name="asked", stage=matter.stage, action_id=row.id, at=now
        )
    )
    session.flush()


def _to_join(session: Session, row: ActionRow) -> MatterRow | None:
    """The open matter of this order that the action is part of: the same return, or some of its lines."""
    if row.tool not in JOINS:
        return None
    kinds, _ = JOINS[row.tool]
    statement = (
        select(MatterRow)
        .where(MatterRow.store == row.store, MatterRow.order_no == row.order_no)
        .where(col(MatterRow.kind).in_(sorted(kinds)), col(MatterRow.stage).not_in(sorted(CLOSED)))
        .order_by(col(MatterRow.created_at).desc())
    )
    return next((matter for matter in session.exec(statement) if _about_the_same(matter, row)), None)


def _about_the_same(matter: MatterRow, row: ActionRow) -> bool:
    if "return_id" in row.args:
        return str(matter.subject.get("return_id", "")).upper() == str(row.args["return_id"]).upper()
    stage = stage_of(matter.kind, matter.stage)
    ours = {line["line_id"] for line in matter.subject.get("lines", ())}
    theirs = {line["line_id"] for line in row.args.get("lines", ())}
    return stage is not None and "refunded" in stage.on and bool(ours & theirs)


def _locked(session: Session, matter_id: str) -> MatterRow:
    matter = lock(session, matter_id)
    assert matter is not None
    return matter


def _view(session: Session, matter: MatterRow) -> MatterView:
    stage = stage_of(matter.kind, matter.stage)
    return MatterView(
        id=matter.id,
        kind=matter.kind,
        stage=matter.stage,
        store=matter.store,
        order_no=matter.order_no,
        conversation_id=matter.conversation_id,
        subject=matter.subject,
        closed=stage is None,
        waits_for=stage.watch if stage else None,
        happenings=_happenings(session, matter),
    )


def _happenings(session: Session, matter: MatterRow) -> tuple[Happening, ...]:
    events = session.exec(select(MatterEvent).where(MatterEvent.matter_id == matter.id))
    told = [
        Happening(event.at, "event", event.name, action_id=event.action_id or "")
        for event in events
        if event.name not in (DONE, UNDONE)  # the action's own steps say that
    ]
    told += _steps(session, matter.id)
    return tuple(sorted(told, key=lambda one: (one.at, one.what)))


def _steps(session: Session, matter_id: str) -> Sequence[Happening]:
    """What happened to the matter's actions, of every case in it; refused tries and notes are left out."""
    statement = (
        select(ActionEvent, ActionRow.tool)
        .join(ActionRow, col(ActionRow.id) == col(ActionEvent.action_id))
        .join(MatterCase, col(MatterCase.case_id) == col(ActionRow.case_id))
        .join(CaseRow, col(CaseRow.id) == col(ActionRow.case_id))
        .where(MatterCase.matter_id == matter_id, ActionEvent.kind == "step")
        .order_by(col(ActionEvent.at), col(ActionEvent.action_id), col(ActionEvent.seq))
    )
    return [
        Happening(event.at, "step", event.to_status, tool, event.actor, event.note, event.action_id)
        for event, tool in session.exec(statement)
    ]
