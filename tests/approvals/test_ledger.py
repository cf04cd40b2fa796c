from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from support.case_world import NOON, make_draft, other_terms

from xiaoer.approvals import ledger
from xiaoer.approvals.deadlines import expire_due
from xiaoer.approvals.grants import GrantSigner
from xiaoer.approvals.history import Break, history_of, verify_chain
from xiaoer.approvals.hooks import LedgerHooks
from xiaoer.approvals.refusals import Conflict, IllegalTransition, LostRace
from xiaoer.approvals.tables import ActionHold, ActionRow
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.money import Money
from xiaoer.storage.engine import make_engine, reading, transaction
from xiaoer.storage.metadata import desk_metadata

S = ActionStatus


def propose(engine: Engine, draft=None, status=S.PENDING, now=NOON):
    with transaction(engine) as session:
        return ledger.propose(session, draft or make_draft(), status, now)


def status(engine: Engine, action_id: str = "A-1"):
    with reading(engine) as session:
        return ledger.status_of(session, action_id)


def breaks(engine: Engine) -> list[Break]:
    with reading(engine) as session:
        return verify_chain(session)


def test_a_proposal_waits_with_its_case_and_its_history(engine):
    proposed = propose(engine)
    assert proposed.case_id and proposed.case_id.startswith("CASE-")
    with reading(engine) as session:
        steps = [(e.from_status, e.to_status, e.actor) for e in history_of(session, "A-1")]
        (view,) = ledger.actions_of(session, "C-1")
    assert steps == [(None, "proposed", "assistant"), ("proposed", "pending", "policy")]
    assert (view.status, view.amount, view.clause_id) == (S.PENDING, Money(4900, "USD"), "refund.window")
    assert breaks(engine) == []


def test_the_same_action_id_again_returns_the_first(engine):
    first = propose(engine)
    again = propose(engine, other_terms(make_draft(), nonce="another"))
    assert (again.action_id, again.case_id, again.new) == (first.action_id, first.case_id, False)


def test_a_refused_proposal_is_recorded_and_opens_no_case(engine):
    proposed = propose(engine, make_draft(decision="deny"), S.REJECTED)
    assert proposed.case_id is None
    assert status(engine) is S.REJECTED


def test_a_denied_quote_never_becomes_pending(engine):
    propose(engine, make_draft(decision="deny"), S.PENDING)
    assert status(engine) is S.REJECTED


def test_lines_of_an_open_action_are_not_spoken_for_twice(engine):
    propose(engine, make_draft("A-1", (("L1", 1), ("L2", 1))))
    second = propose(engine, make_draft("A-2", (("L2", 1), ("L3", 1))))
    assert (second.action_id, second.new) == ("A-1", False)
    assert status(engine, "A-2") is None
    assert propose(engine, make_draft("A-3", (("L3", 1),))).new


def test_lines_are_free_again_when_the_action_has_ended(engine):
    propose(engine)
    with transaction(engine) as session:
        ledger.cancel_by_customer(session, "A-1", NOON)
    assert propose(engine, make_draft("A-2")).new


def test_a_proposal_that_supersedes_takes_the_case_over(engine):
    first = propose(engine)
    second = propose(engine, make_draft("A-2", (("L1", 2),), supersedes="A-1"))
    assert second.new and second.case_id == first.case_id
    assert (status(engine, "A-1"), status(engine, "A-2")) == (S.SUPERSEDED, S.PENDING)
    assert breaks(engine) == []


def test_nobody_supersedes_another_conversations_action(engine):
    propose(engine)
    propose(engine, make_draft("A-2", (("L9", 1),), conversation_id="C-2", supersedes="A-1"))
    assert status(engine, "A-1") is S.PENDING


def test_a_proposal_that_cannot_enter_supersedes_nothing(engine):
    propose(engine, make_draft("A-1", (("L1", 1),)))
    propose(engine, make_draft("A-2", (("L2", 1),)))
    answer = propose(engine, make_draft("A-3", (("L1", 1), ("L2", 1)), supersedes="A-1"))
    assert (answer.action_id, answer.new) == ("A-2", False)
    assert status(engine, "A-1") is S.PENDING


def test_terms_that_are_not_the_quotes_never_enter(engine):
    with pytest.raises(ValueError, match="amount"):
        propose(engine, other_terms(make_draft(), amount=Money(1, "USD")))


def test_a_step_from_another_status_is_lost(engine):
    propose(engine)
    with pytest.raises(LostRace), transaction(engine) as session:
        ledger.transition(session, "A-1", S.APPROVED, S.EXECUTING, "x", "", now=NOON)
    with pytest.raises(IllegalTransition), transaction(engine) as session:
        ledger.transition(session, "A-1", S.PENDING, S.SUCCEEDED, "x", "", now=NOON)
    assert status(engine) is S.PENDING


def test_what_is_running_cannot_be_taken_back(engine):
    propose(engine)
    with transaction(engine) as session:
        ledger.transition(session, "A-1", S.PENDING, S.APPROVED, "Maya", "", now=NOON, decided_by="Maya")
        ledger.transition(session, "A-1", S.APPROVED, S.EXECUTING, "executor", "", now=NOON)
    with pytest.raises(Conflict, match="Maya"), transaction(engine) as session:
        ledger.cancel_by_customer(session, "A-1", NOON)


def test_expiry_takes_pending_and_approved_and_a_clock_set_back_revives_neither(engine):
    propose(engine)
    propose(engine, make_draft("A-2", (("L2", 1),), decision="allow"), S.APPROVED)
    late = NOON + timedelta(hours=49)
    with transaction(engine) as session:
        assert expire_due(session, late) == ("A-1", "A-2")
    propose(engine, make_draft("A-3"), now=NOON)
    with transaction(engine) as session:
        assert expire_due(session, NOON) == ("A-3",)
    assert breaks(engine) == []


@pytest.mark.parametrize("table", ["action_event", "issued_grant"])
@pytest.mark.parametrize("change", ["UPDATE {} SET action_id = 'A-9'", "DELETE FROM {}"])
def test_the_database_forbids_changing_history(engine, table, change):
    propose(engine)
    with transaction(engine) as session:
        terms = make_draft().terms
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        GrantSigner(Ed25519PrivateKey.generate()).issue(
            session, terms, "refunds", "issue_refund", terms.args, NOON
        )
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(change.format(table)))


@pytest.mark.postgres
def test_postgresql_forbids_truncating_history(postgres_url):
    engine = make_engine(postgres_url)
    desk_metadata.create_all(engine)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("TRUNCATE action_event"))
    engine.dispose()


TAMPERINGS = {
    "note": "UPDATE action_event SET note = 'kind words' WHERE seq = 2",
    "order of time": "UPDATE action_event SET at = '2020-01-01 00:00:00+00:00' WHERE seq = 1",
    "missing end": "DELETE FROM action_event WHERE seq = 2",
    "missing start": "DELETE FROM action_event WHERE seq = 1",
    "status": "UPDATE action SET status = 'approved'",
    "amount": "UPDATE action SET amount_minor = 1",
    "destination": "UPDATE action SET destination = 'elsewhere'",
    "digest": "UPDATE action SET digest = 'sha256:1', amount_minor = 1",
}


@pytest.mark.parametrize("statement", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_tampering_by_someone_who_lifted_the_triggers_is_found(engine, statement):
    propose(engine)
    with engine.begin() as connection:
        for name in ("action_event_no_update", "action_event_no_delete"):
            if engine.dialect.name == "sqlite":
                connection.execute(text(f"DROP TRIGGER {name}"))
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE action_event DISABLE TRIGGER ALL"))
        connection.execute(text(statement))
    assert breaks(engine)


def test_a_rule_approves_only_where_the_shop_has_switched_it_on(sqlite_engine):
    from dataclasses import replace
    from pathlib import Path

    import xiaoer.stores
    from xiaoer.stores.loader import load_stores

    stores = load_stores(Path(xiaoer.stores.__file__).parent)
    strict = LedgerHooks(stores, lambda: NOON)
    free = LedgerHooks({"demo-us": replace(stores["demo-us"], rules_may_approve=True)}, lambda: NOON)
    with transaction(sqlite_engine) as session:
        entered, stands, jobs = strict.propose(session, make_draft("A-1", decision="allow"), S.PENDING)
        free.propose(session, make_draft("A-2", (("L2", 1),), decision="allow"), S.PENDING)
        free.propose(session, make_draft("A-3", (("L3", 1),)), S.APPROVED)
        rows = {key: session.get(ActionRow, key) for key in ("A-1", "A-2", "A-3")}
    assert [rows[key].status for key in rows] == ["pending", "approved", "pending"]
    assert rows["A-2"].decided_by == "rule:refund.window"
    assert (entered, stands, [task for task, _, _ in jobs]) == ("A-1", "pending", ["run_case"])


def test_holds_end_with_the_action(engine):
    propose(engine)
    with transaction(engine) as session:
        assert session.get(ActionHold, ("demo-us", "#1032", "issue_refund", "L1")).action_id == "A-1"
        ledger.cancel_by_customer(session, "A-1", NOON)
    with reading(engine) as session:
        assert session.get(ActionHold, ("demo-us", "#1032", "issue_refund", "L1")) is None
