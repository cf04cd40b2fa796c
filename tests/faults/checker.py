"""The eight invariants, over the ledger, the messages, the shop's own files and what the outside knows.

`check(house)` answers, for each of I1 to I8, the sentences in which it is broken. It reads what others have
written; it asks the house nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from faults.house import House
from sqlalchemy import select, text

from xiaoer.approvals.history import history_of, verify_chain
from xiaoer.approvals.limits import consents_of
from xiaoer.approvals.rows import terms_of
from xiaoer.approvals.tables import ActionEvent, ActionRow, IssuedGrant
from xiaoer.domain.orders import order_key
from xiaoer.inbox.tables import CONVERSATION, MESSAGE, OUTBOX, TURN
from xiaoer.storage.engine import reading

MAY_HAVE_HAPPENED = frozenset({"executing", "unknown", "succeeded"})
MONEY = ("shop_refunds", "shop_coupons", "shop_returns", "shop_payment_requests")
ANSWER_WITHIN = timedelta(seconds=60)
NAMES = {
    "I1": "an effect happens at most once, and once where the ledger says so",
    "I2": "no effect without a matching, unexpired, unspent approval",
    "I3": "each accepted message leads to exactly one turn",
    "I4": "the customer hears something true in time, and nothing ahead of the ledger",
    "I5": "nobody hears of another customer",
    "I6": "the history verifies and covers every change",
    "I7": "the house comes to rest, and nothing stays in the air",
    "I8": "no conversation forks",
}


@dataclass
class Evidence:
    """Everything that one check looks at, read once."""

    house: House

    @cached_property
    def session(self) -> Any:
        self._context = reading(self.house.desk_engine)
        return self._context.__enter__()

    def close(self) -> None:
        if "session" in self.__dict__:
            self._context.__exit__(None, None, None)

    @cached_property
    def actions(self) -> dict[str, ActionRow]:
        return {row.id: row for row in self.session.scalars(select(ActionRow))}

    @cached_property
    def effects(self) -> dict[str, list[dict[str, Any]]]:
        """By action: the notes that something was done, one an effect."""
        return self._by_action("shop_effects")

    @cached_property
    def moved(self) -> dict[str, list[dict[str, Any]]]:
        """By action: money, vouchers, labels."""
        return self._by_action(*MONEY)

    def _by_action(self, *tables: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in self.house.shop_oracle.entries():
            if entry["table"] in tables:
                found[entry["action_id"]].append(entry)
        return found

    @cached_property
    def messages(self) -> list[Any]:
        return list(self.session.execute(select(MESSAGE).order_by(MESSAGE.c.conversation_id, MESSAGE.c.seq)))

    @cached_property
    def conversations(self) -> dict[str, Any]:
        return {row.id: row for row in self.session.execute(select(CONVERSATION))}

    @cached_property
    def turns(self) -> list[Any]:
        return list(self.session.execute(select(TURN)))

    @cached_property
    def outbox(self) -> list[Any]:
        return list(self.session.execute(select(OUTBOX)))

    @cached_property
    def spent(self) -> list[Any]:
        with reading(self.house.shop_engine) as session:
            return list(session.execute(text("SELECT * FROM srv_spent_grant")))

    @cached_property
    def paused(self) -> bool:
        return bool(self.session.execute(text("SELECT count(*) FROM pause")).scalar())


def check(house: House, *, at_rest: bool = True) -> dict[str, list[str]]:
    """By invariant, how it is broken; all lists are empty in a house that keeps its promises.

    `at_rest`: the faults are over and the house has had its time; else I4 and I7 ask for less.
    """
    evidence = Evidence(house)
    try:
        return {name: list(look(evidence, at_rest)) for name, look in CHECKS.items()}
    finally:
        evidence.close()


def broken(house: House, *, at_rest: bool = True) -> list[str]:
    found = check(house, at_rest=at_rest)
    return [f"{name}: {problem}" for name, problems in found.items() for problem in problems]


def _single(e: Evidence, _rest: bool) -> Iterable[str]:
    for action_id in e.effects.keys() | e.moved.keys():
        done, moved = e.effects.get(action_id, []), e.moved.get(action_id, [])
        by_table = Counter(entry["table"] for entry in moved)
        if len(done) > 1 or any(count > 1 for count in by_table.values()):
            yield f"{action_id} happened {max(len(done), *by_table.values(), 0)} times"
        row = e.actions.get(action_id)
        if row is not None and row.status not in MAY_HAVE_HAPPENED:
            yield f"{action_id} happened, and the ledger says {row.status}"
    for row in e.actions.values():
        if row.status == "succeeded" and len(e.effects.get(row.id, [])) != 1:
            yield f"{row.id} succeeded, and the shop knows of {len(e.effects.get(row.id, []))} effects"
    yield from _within_what_was_paid(e)


def _within_what_was_paid(e: Evidence) -> Iterable[str]:
    query = text("SELECT store, order_key, captured_minor, refunded_minor FROM shop_orders")
    out: Counter[tuple[str, str]] = Counter()
    for entry in e.house.shop_oracle.entries("shop_refunds"):
        out[entry["store"], entry["order_key"]] += entry["amount_minor"]
    if not out:
        return
    with reading(e.house.shop_engine) as session:
        for row in session.execute(query):
            if out[row.store, row.order_key] > row.captured_minor:
                yield f"order {row.order_key} got back more than was paid"


def _approved(e: Evidence, _rest: bool) -> Iterable[str]:
    grants = {grant.jti: grant for grant in e.session.scalars(select(IssuedGrant))}
    for action_id, done in e.effects.items():
        row = e.actions.get(action_id)
        if row is None:
            yield f"{action_id} happened and stands in no ledger"
            continue
        yield from _approval_of(e, row, done[0])
        keys = [one for one in e.spent if one.action_id == action_id and one.tool == row.tool]
        if not keys:
            yield f"{action_id} happened without a grant that was spent"
        for one in keys:
            grant = grants.get(one.grant_id)
            if grant is None and e.house.lost_commits:
                continue  # signed, written down, and taken by the power cut that is being played
            if grant is None or not grant.executes or grant.digest != row.digest:
                yield f"{action_id} was executed with a grant that was never signed for it"
    for action_id, moved in e.moved.items():
        row = e.actions.get(action_id)
        if row is None:
            yield f"{action_id} moved something and stands in no ledger"
        else:
            yield from _same_terms(row, moved)


def _approval_of(e: Evidence, row: ActionRow, done: dict[str, Any]) -> Iterable[str]:
    if terms_of(row).digest() != row.digest:
        yield f"{row.id}: its terms are not those of its digest"
    if (done["tool"], done["order_key"], done["store"]) != (row.tool, order_key(row.order_no), row.store):
        yield f"{row.id}: the shop did another thing than was approved"
    steps = [event for event in history_of(e.session, row.id) if event.kind == "step"]
    yes = [event for event in steps if event.to_status == "approved" and event.from_status != "unknown"]
    begun = [event for event in steps if event.to_status == "executing"]
    if not yes or not begun:
        yield f"{row.id} happened without an approval and a beginning in its history"
        return
    if yes[-1].digest != row.digest:
        yield f"{row.id}: the approval was given for other terms"
    if yes[-1].at >= row.expires_at or begun[0].at >= row.expires_at:
        yield f"{row.id} was approved or begun after it had expired"
    yield from _who_approved(e, row)


def _who_approved(e: Evidence, row: ActionRow) -> Iterable[str]:
    if row.decided_role == "rule":
        store = e.house.stores[row.store]
        if row.quote["decision"] != "allow" or not store.rules_may_approve:
            yield f"{row.id} was approved by a rule that may not"
        return
    if row.decided_role not in ("approver", "admin") or not row.decided_by_id:
        yield f"{row.id} was approved by nobody who may"
    agreed = {one.staff_id for one in consents_of(e.session, row.id)} | {row.decided_by_id}
    limits = e.house.stores[row.store].limits
    unusual = bool(row.quote.get("facts", {}).get("unusual_destination"))
    if limits.needs_two(row.amount_minor, unusual) and len(agreed) < 2:
        yield f"{row.id} needed two people and had one"


def _same_terms(row: ActionRow, moved: list[dict[str, Any]]) -> Iterable[str]:
    for entry in moved:
        amount = entry.get("amount_minor", entry.get("value_minor"))
        money = entry["table"] in ("shop_refunds", "shop_coupons")
        plain = row.tool in ("issue_refund", "issue_coupon", "cancel_order")
        if money and plain and row.amount_minor is not None and amount != row.amount_minor:
            yield f"{row.id}: {amount} moved, {row.amount_minor} was approved"
        if entry["order_key"] != order_key(row.order_no) or entry["store"] != row.store:
            yield f"{row.id}: it moved on another order"
        if plain and entry["table"] == "shop_refunds" and entry["destination"] != row.destination:
            yield f"{row.id}: it went to {entry['destination']}, approved was {row.destination}"


def _one_turn(e: Evidence, rest: bool) -> Iterable[str]:
    stored = Counter(
        (m.store, m.channel, m.event_id) for m in e.messages if m.event_id and m.author == "customer"
    )
    for sent in e.house.sent:
        count = stored[sent.store, sent.channel, sent.event_id]
        if count > 1 or (sent.accepted and not count):
            yield f"the message {sent.event_id[:40]} is stored {count} times"
    ids = {turn.id for turn in e.turns}
    for m in e.messages:
        if m.author != "customer" or e.conversations[m.conversation_id].status == "human":
            continue
        if m.state == "handled" and m.turn_id not in ids:
            yield f"message {m.id} is handled by no turn"
        if m.state == "received" and rest and not e.paused:
            yield f"message {m.id} was never handled"
    for turn_id, count in Counter(turn.id for turn in e.turns).items():
        if count > 1:
            yield f"turn {turn_id} was committed {count} times"


def _told(e: Evidence, rest: bool) -> Iterable[str]:
    by_turn = defaultdict(list)
    for m in e.messages:
        if m.author == "assistant" and m.turn_id:
            by_turn[m.turn_id].append(m)
    for m in e.messages:
        if m.author != "customer" or m.state not in ("handled", "quarantined"):
            continue
        answers = by_turn.get(m.turn_id, [])
        if not answers and e.conversations[m.conversation_id].status == "bot" and not _silent(e, m.turn_id):
            yield f"message {m.id} was handled without a word"
        if answers and answers[0].created_at - m.created_at > ANSWER_WITHIN and not e.paused:
            yield f"message {m.id} was answered after {answers[0].created_at - m.created_at}"
    yield from _nothing_ahead(e)
    if rest:
        yield from _everybody_heard(e)


def _silent(e: Evidence, turn_id: str) -> bool:
    trace = next((turn.trace for turn in e.turns if turn.id == turn_id), {})
    return not trace.get("guard") and not trace.get("hand_off")


def _nothing_ahead(e: Evidence) -> Iterable[str]:
    for row in e.outbox:
        action_id, _, outcome = row.dedupe.partition(":")
        if action_id not in e.actions or not outcome.startswith("succeeded"):
            continue
        if e.actions[action_id].status != "succeeded" or not e.effects.get(action_id):
            yield f"the customer was told that {action_id} is done, and it is not"
    known = {row.dedupe for row in e.outbox}
    for entry in e.house.channel.sent():
        if entry["key"] not in known:
            yield f"the channel got a message that stands in no outbox: {entry['key']}"


def _everybody_heard(e: Evidence) -> Iterable[str]:
    for row in e.actions.values():
        silent = row.status in ("pending", "cancelled") or row.superseded_by
        if row.status not in ("approved", "executing", "unknown") and not silent and not row.told:
            yield f"nobody was told that {row.id} is {row.status}"
    keys = Counter((entry["key"], entry["text"]) for entry in e.house.channel.sent())
    for (key, _), count in keys.items():
        if count > 1 and key.endswith(":succeeded") and count > 1 + e.house.deaths:
            yield f"the channel got {key} {count} times"


def _private(e: Evidence, _rest: bool) -> Iterable[str]:
    people = e.house.__dict__.setdefault("_canaries", Canaries(e.house))
    shown = getattr(e.house.brain, "shown", {})
    for conversation_id, conversation in e.conversations.items():
        mine = [m for m in e.messages if m.conversation_id == conversation_id]
        wrote = "\n".join(m.text for m in mine if m.author == "customer")
        heard = "\n".join(f"{m.text} {m.cards} {m.citations}" for m in mine if m.author != "customer")
        traces = "\n".join(
            _as_answered(turn.trace) for turn in e.turns if turn.conversation_id == conversation_id
        )
        prompts = "\n".join(shown.get(conversation_id, ()))
        owners = people.owners_of(conversation)
        for where, said in (("a reply", heard), ("a trace", traces), ("a prompt", prompts)):
            for datum in people.foreign(conversation.store, owners, wrote, said):
                yield f"{where} of {conversation.thread} shows {datum}"
    logged = "\n".join(str(entry) for entry in e.house.logs)
    for datum in people.personal(logged):
        yield f"a log shows {datum}"


def _as_answered(trace: dict[str, Any]) -> str:
    """A trace without what the model itself has spelled: that is nobody's datum yet."""
    asked = [{**call, "args": {}} for call in trace.get("tool_calls", ())]
    return str({**trace, "tool_calls": asked})


class Canaries:
    """Every personal datum of the shop, and whose it is."""

    def __init__(self, house: House) -> None:
        self.owner: dict[tuple[str, str], str] = {}  # (store, datum) → customer
        self.personal_data: set[str] = set()
        with reading(house.shop_engine) as session:
            for row in session.execute(text("SELECT * FROM shop_customers")):
                for datum in (row.name, row.email, row.phone, row.street, row.customer_ref):
                    self._keep(row.store, datum, row.customer_ref, personal=True)
            for row in session.execute(text("SELECT * FROM shop_orders")):
                self._keep(row.store, row.order_no, row.customer_ref)
            query = "SELECT p.store, p.tracking_no, o.customer_ref FROM shop_parcels p JOIN shop_orders o"
            for row in session.execute(text(f"{query} ON o.order_key = p.order_key AND o.store = p.store")):
                self._keep(row.store, row.tracking_no, row.customer_ref)
        data = sorted({datum for _, datum in self.owner}, key=len, reverse=True)
        self.pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, data)) + r")(?!\w)")

    def _keep(self, store: str, datum: str, owner: str, personal: bool = False) -> None:
        if datum and len(datum) >= 2:
            self.owner[store, datum] = owner
            if personal:
                self.personal_data.add(datum)

    def owners_of(self, conversation: Any) -> set[str]:
        return {conversation.customer_ref} if conversation.customer_ref else set()

    def foreign(self, store: str, owners: set[str], wrote: str, said: str) -> set[str]:
        """Data of others in a text, less what the customer wrote himself."""
        hits = {datum for datum in self.pattern.findall(said) if datum not in wrote}
        return {datum for datum in hits if self.owner.get((store, datum)) not in owners}

    def personal(self, said: str) -> set[str]:
        return {datum for datum in self.pattern.findall(said) if datum in self.personal_data}


def _covered(e: Evidence, _rest: bool) -> Iterable[str]:
    for flaw in verify_chain(e.session):
        yield f"{flaw.action_id}: {flaw.reason}"
    steps = defaultdict(list)
    for event in e.session.scalars(select(ActionEvent)):
        if event.kind == "step":
            steps[event.action_id].append(event.to_status)
    for action_id in e.effects:
        if "executing" not in steps.get(action_id, []):
            yield f"{action_id} happened and its history does not say so"
    guards = text("SELECT count(*) FROM sqlite_master WHERE type='trigger' AND name LIKE 'action_event_no_%'")
    if e.session.execute(guards).scalar() != 2:
        yield "the history can be changed: its triggers are gone"


def _at_rest(e: Evidence, rest: bool) -> Iterable[str]:
    if not rest or e.paused:
        return
    for row in e.actions.values():
        if row.status in ("approved", "executing", "unknown"):
            yield f"{row.id} is still {row.status} ({row.last_code} {row.last_error})"
    for row in e.outbox:
        if row.state == "queued":
            yield f"a message still waits: {row.last_error}"


def _no_fork(e: Evidence, _rest: bool) -> Iterable[str]:
    turns = Counter(turn.conversation_id for turn in e.turns)
    for conversation_id, row in e.conversations.items():
        if row.fence < turns[conversation_id]:
            yield f"{conversation_id}: {turns[conversation_id]} turns under {row.fence} fences"
    seen: dict[tuple[str, int], str] = {}
    for m in e.messages:
        if (m.conversation_id, m.seq) in seen:
            yield f"{m.conversation_id}: two messages stand at {m.seq}"
        seen[m.conversation_id, m.seq] = m.id


CHECKS: dict[str, Callable[[Evidence, bool], Iterable[str]]] = {
    "I1": _single,
    "I2": _approved,
    "I3": _one_turn,
    "I4": _told,
    "I5": _private,
    "I6": _covered,
    "I7": _at_rest,
    "I8": _no_fork,
}
