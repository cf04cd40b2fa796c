"""Bugs to plant: each takes one safeguard away, by replacing one named seam of the package."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Plant = Callable[[], None]


@dataclass(frozen=True)
class Bug:
    name: str
    says: str  # which safeguard is gone
    test: str  # the name of a matrix case, or a pytest node id
    plant: Plant


BUGS: dict[str, Bug] = {}


def bug(name: str, says: str, test: str) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        BUGS[name] = Bug(name, says, test, plant)
        return plant

    return register


def put(module: str, name: str, value: Any) -> None:
    target: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        target = getattr(target, part)
    assert hasattr(target, last), f"{module} has no {name}: the bug has nowhere to go"
    setattr(target, last, value)


def _no_cas(session: Any, action_id: str, expected: Any, to: Any, actor: str, note: str, **more: Any) -> Any:
    from sqlalchemy import update

    from xiaoer.approvals import ledger
    from xiaoer.approvals.tables import ActionRow
    from xiaoer.domain.actions import OPEN

    now, _ = more.pop("now"), more.pop("fence", None)
    session.flush()
    session.execute(update(ActionRow).where(ActionRow.id == action_id).values(status=to.value, **more))  # type: ignore[arg-type]  # a column
    row = ledger.get(session, action_id)
    ledger.append_event(session, row, to.value, actor, note, now, came_from=expected.value)
    if to not in OPEN:
        ledger._close(session, row, now)
    return row


@bug(
    "no-cas",
    "a step does not ask where the action stands",
    "taken back while the executor quotes a changed order",
)
def no_cas() -> None:
    put("xiaoer.approvals.ledger", "transition", _no_cas)


@bug(
    "no-cas-in-the-ledger",
    "the same, seen by the ledger's own test",
    "tests/approvals/test_ledger.py::test_a_step_from_another_status_is_lost",
)
def no_cas_too() -> None:
    put("xiaoer.approvals.ledger", "transition", _no_cas)


@bug("grant-not-spent", "a grant may be used again and again", "after the refund the server says: not JSON")
def grant_not_spent() -> None:
    put("xiaoer.mcp_servers.state", "ServerState.spend_grant", lambda *_: True)


@bug("grant-not-checked", "the server takes any grant", "forged, foreign and used permits")
def grant_not_checked() -> None:
    import jwt

    from xiaoer.domain import permits
    from xiaoer.domain.permits import Grant

    def believe(token: Any, _keys: Any, _audience: str, now: Any) -> Grant:
        from datetime import timedelta

        claims = jwt.decode(token, options={"verify_signature": False, "verify_aud": False})
        return Grant(**claims["grant"], issued_at=now, expires_at=now + timedelta(seconds=60))

    assert permits
    put("xiaoer.mcp_servers.guard", "verify_grant", believe)


@bug(
    "no-read-back",
    "what is unknown counts as not done, and is done again",
    "the shop fails after issue_refund, and once before it",
)
def no_read_back() -> None:
    from xiaoer.approvals import read_back

    async def never_looks(_context: Any, _terms: Any) -> Any:
        return read_back.Absent()

    put("xiaoer.approvals.read_back", "look", never_looks)
    put("xiaoer.approvals.read_back", "last_execution_expiry", lambda *_: None)


@bug(
    "absence-believed-at-once",
    "a grant that is still alive is forgotten",
    "tests/approvals/test_cases.py::test_a_call_that_arrives_late_with_a_live_grant_is_found_and_not_repeated",
)
def absence_believed() -> None:
    put("xiaoer.approvals.read_back", "last_execution_expiry", lambda *_: None)


@bug(
    "digest-not-checked",
    "what runs need not be what was approved",
    "what was approved is rewritten in the database before it runs",
)
def digest_not_checked() -> None:
    from xiaoer.approvals import ledger
    from xiaoer.approvals.rows import terms_of

    put("xiaoer.approvals.executor", "verify_chain", lambda *_: [])
    put("xiaoer.approvals.executor", "approved_digest", lambda s, i: terms_of(ledger.get(s, i)).digest())


@bug(
    "digest-of-the-click-ignored",
    "a person approves what he was not shown",
    "a person decides on an older picture of the action",
)
def click_ignored() -> None:
    from xiaoer.approvals.desk import Approvals

    plain = Approvals._conflict

    def blind(self: Any, session: Any, row: Any, verdict: Any, now: Any) -> Any:
        from dataclasses import replace

        return plain(self, session, row, replace(verdict, digest=row.digest), now)

    put("xiaoer.approvals.desk", "Approvals._conflict", blind)


@bug("expiry-ignored", "an approval never grows old", "approved in time, executed after it")
def expiry_ignored() -> None:
    put("xiaoer.approvals.executor", "has_expired", lambda *_: False)
    put("xiaoer.approvals.ticks", "expire_due", lambda *_: ())


@bug(
    "clock-believed",
    "a clock set back revives what is over",
    "approved after its time, the clock set back by an hour",
)
def clock_believed() -> None:
    put("xiaoer.approvals.deadlines", "ledger_now", lambda _session, now: now)
    put("xiaoer.approvals.desk", "ledger_now", lambda _session, now: now)
    put("xiaoer.approvals.ticks", "expire_due", lambda *_: ())


@bug("guard-off", "whatever a model writes is sent", "the model claims, leaks and links")
def guard_off() -> None:
    from xiaoer.agent.state import Verdict

    put("xiaoer.agent.nodes.check", "check_text", lambda *_: (Verdict("none", True),))


@bug(
    "scope-not-checked",
    "any proven customer reads every order",
    "another customer's wish in the same second stays his own",
)
def scope_not_checked() -> None:
    from xiaoer.mcp_servers.platforms.local.platform import LocalPlatform

    plain = LocalPlatform.get_order
    put(
        "xiaoer.mcp_servers.platforms.local.platform",
        "LocalPlatform.get_order",
        lambda self, store, _customer, order_no: plain(self, store, None, order_no),
    )


@bug("intake-not-idempotent", "a repeated delivery is a new message", "the same webhook ten times at once")
def intake_not_idempotent() -> None:
    from xiaoer.domain.ids import new_id
    from xiaoer.inbox import intake

    plain = intake.insert_once

    def always(session: Any, table: Any, values: Any, *names: str) -> Any:
        fresh = {**values, "event_id": new_id("E")} if "event_id" in values else values
        return plain(session, table, fresh, *names)

    put("xiaoer.inbox.intake", "insert_once", always)


@bug(
    "yes-before-commit",
    "the door says yes though nothing is stored",
    "the database is locked for longer than anybody waits",
)
def yes_before_commit() -> None:
    from sqlalchemy.exc import OperationalError

    from xiaoer.inbox.intake import Accepted, Intake

    plain = Intake._store

    def careless(self: Any, message: Any) -> Any:
        try:
            return plain(self, message)
        except OperationalError:
            return Accepted("M-lost", "C-lost", duplicate=False)

    put("xiaoer.inbox.intake", "Intake._store", careless)


@bug(
    "outbox-key-random",
    "every try has a key of its own",
    "the channel delivers a receipt and does not answer",
)
def outbox_key_random() -> None:
    from dataclasses import replace

    from xiaoer.domain.ids import new_id
    from xiaoer.inbox import outbox

    plain = outbox._delivery
    put("xiaoer.inbox.outbox", "_delivery", lambda row: replace(plain(row), key=new_id("K")))


@bug(
    "fence-ignored",
    "two runs of one turn both commit",
    "two executors and two workers run the same case and turn",
)
def fence_ignored() -> None:
    from xiaoer.domain.ids import new_id
    from xiaoer.inbox import committing, loading

    put(
        "xiaoer.inbox.committing",
        "_win",
        lambda _s, opened, _v, _n, _c: opened.conversation.fence + 1_000 * len(new_id("")),
    )
    put("xiaoer.inbox.loading", "derived_id", lambda kind, *_: new_id(kind))
    assert committing and loading


@bug(
    "lease-ignored",
    "a dead execution's permit can still be signed",
    "tests/approvals/test_cases.py::test_a_zombie_cannot_sign_for_an_attempt_that_was_declared_dead",
)
def lease_ignored() -> None:
    from xiaoer.approvals import executor, ledger
    from xiaoer.approvals.rows import terms_of
    from xiaoer.tools.catalog import BRAIN_TOOLS

    def sign(context: Any, session: Any, action_id: str, _fence: int) -> Any:
        terms = terms_of(ledger.lock_row(session, action_id))
        server = BRAIN_TOOLS[terms.tool].server
        return terms, context.signer.issue(session, terms, server, terms.tool, terms.args, context.clock())

    assert executor
    put("xiaoer.approvals.executor", "_sign", sign)


@bug(
    "history-not-chained",
    "entries of the history can be edited",
    "tests/approvals/test_ledger.py::test_tampering_by_someone_who_lifted_the_triggers_is_found",
)
def history_not_chained() -> None:
    put("xiaoer.approvals.history", "event_hash", lambda _event: "sha256:same")


@bug(
    "four-eyes-ignored",
    "one person is enough for any amount",
    "somebody without the right decides, and one person decides twice",
)
def four_eyes_ignored() -> None:
    put("xiaoer.approvals.desk", "needs_two", lambda *_: False)
    put("xiaoer.approvals.executor", "needs_two", lambda *_: False)


@bug("limits-ignored", "the day has no limit", "limits of a day, and too many at a time")
def limits_ignored() -> None:
    put("xiaoer.approvals.desk", "over_limit", lambda *_: None)


@bug(
    "right-not-asked-again",
    "who was dismissed still approves",
    "the approver is disabled between decision and execution",
)
def right_not_asked() -> None:
    put("xiaoer.approvals.executor", "_unauthorised", lambda *_: "")


@bug(
    "resume-believed",
    "a resume value counts as an approval",
    "a case is resumed with an answer, while a second approval waits",
)
def resume_believed() -> None:
    from langgraph.types import interrupt

    from xiaoer.approvals import ledger
    from xiaoer.approvals.state import action_of_case, seen
    from xiaoer.domain.actions import ActionStatus

    async def trusting(state: Any, runtime: Any) -> Any:
        context = runtime.context
        row = await context.read(lambda session: action_of_case(session, state["case_id"]))
        if row.status == ActionStatus.PENDING and interrupt({"case_id": state["case_id"]}):

            def approve(session: Any) -> Any:
                now = context.clock()
                pending, approved = ActionStatus.PENDING, ActionStatus.APPROVED
                return ledger.transition(session, row.id, pending, approved, "resume", "", now=now)

            row = await context.write(approve)
        return seen(row)

    put("xiaoer.approvals.case_graph", "await_decision", trusting)


@bug(
    "record-not-compared",
    "the server does what was approved though the order has changed",
    "the order changes after the approval, as the executor is about to call",
)
def record_not_compared() -> None:
    put("xiaoer.mcp_servers.effects", "_compare", lambda *_: None)


@bug(
    "manifest-not-pinned",
    "a tool may change its description",
    "a tool changes its description, another vanishes, a third appears",
)
def manifest_not_pinned() -> None:
    put("xiaoer.tools.manifests", "Manifests._quarantine", lambda *_: None)


@bug("button-ignored", "paused money moves", "approved in time, executed after it")
def button_ignored() -> None:
    from faults.house import House

    put("faults.house", "House._money_paused", lambda *_: False)
    assert House
