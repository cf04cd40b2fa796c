"""One need under work: the records that its facts and words look at, read only when looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.memory import Need
from xiaoer.agent.brains.embedded.proof import require_order
from xiaoer.agent.brains.embedded.records import (
    Entries,
    Entry,
    OrderRecord,
    ProductRecord,
    Products,
    QuoteRecord,
    Track,
)
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.embedded.wording import line_words
from xiaoer.agent.brains.protocol import Proposed
from xiaoer.domain.actions import OPEN, ActionView
from xiaoer.domain.orders import order_key
from xiaoer.domain.policy import GOVERNED_TOOLS, REASONS, Clause, Decision, Outcome, Policy, decide
from xiaoer.domain.stores import pick
from xiaoer.prompts.schema import Playbook

# The read that quotes a request before it is made; cancellations are quoted behind the request itself.
QUOTE_READS = {"issue_refund": "quote_refund", "create_return_label": "check_return"}
# Without a word of the customer the least favourable reason is assumed.
ASSUMED_REASON = "changed_mind"
STATEMENTS_TOLD = 2
_CLAUSES_OF = {"return": "create_return_label", "refund": "issue_refund"}
_RULE_FACTS = {"days_since_delivery", "final_sale", "reason"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items are meant: (line_id, quantity), or the ids to choose from."""

    status: str  # "chosen" | "unclear" | "nothing"
    lines: tuple[tuple[str, int], ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A statement or clause that answers a question, with its id for citing."""

    id: str
    text: str
    fit: int


@dataclass
class Case:
    turn: Turn
    need: Need
    playbook: Playbook
    also: frozenset[str] = frozenset()
    _order: tuple[str, bool] | None = field(default=None, repr=False)

    # ── the order and its parcels ────────────────────────────────────────────────────────────

    @property
    def order_no(self) -> str:
        return self._resolved()[0]

    @property
    def sure(self) -> bool:
        return (self._resolved()[1] and not self.need.one_of) or self.need.confirmed

    def _resolved(self) -> tuple[str, bool]:
        if self._order is None:
            self._order = require_order(self.turn, self.need, self.playbook)
        return self._order

    @cached_property
    def order(self) -> OrderRecord:
        return self.turn.read("get_order", {"order_no": self.order_no}, OrderRecord)

    @cached_property
    def track(self) -> Track:
        return self.turn.read("track_order", {"order_no": self.order_no}, Track)

    @cached_property
    def record(self) -> OrderRecord | Track:
        """Whichever record of the order is there already, else the one this playbook works with."""
        args = {"order_no": self.order_no}
        for tool in ("track_order", "get_order"):
            found = self.turn.find(tool, args)
            if found is not None and found.ok:
                return self.track if tool == "track_order" else self.order
        return self.track if "track_order" in self.playbook.prefetch else self.order

    @property
    def shown_order_no(self) -> str:
        """As the shop writes it, once a record was read; before that as the customer did."""
        return self.record.order_no

    # ── items and reason ─────────────────────────────────────────────────────────────────────

    @cached_property
    def selection(self) -> Selection:
        left = {line.line_id: line.open_quantity for line in self.order.lines}
        still = tuple(line_id for line_id, quantity in left.items() if quantity)
        match = self.turn.playbooks.words.match
        if self.need.lines:
            picked = reading.Picked(tuple(i for i in left if i in self.need.lines))
        else:
            options = [(line.line_id, line_words(line)) for line in self.order.lines]
            picked = reading.pick(self.need.words, options, match, listed=False)
        ids = [line_id for line_id in picked.ids if left[line_id]]
        if not still or (picked.ids and not ids):
            return Selection("nothing")
        if not ids and len(still) == 1 and not picked.unclear:
            ids = list(still)
        if not ids:
            return Selection("unclear", options=tuple(i for i in picked.unclear if left[i]) or still)
        single = len(ids) == 1 and reading.mentions(reading.plain(self.need.words), match.one)
        return Selection("chosen", tuple((line_id, 1 if single else left[line_id]) for line_id in ids))

    @property
    def lines_args(self) -> list[dict[str, Any]]:
        return [{"line_id": line_id, "quantity": quantity} for line_id, quantity in self.selection.lines]

    @cached_property
    def reason(self) -> str | None:
        """From an offer, the words, or what the intents themselves say."""
        said = self.need.reason or reading.read_reason(self.need.words, self.turn.playbooks.words.match)
        if said:
            return said
        intents = (*self.need.absorbed, *sorted(self.also))
        given = (self.turn.playbooks.intents[i].reason for i in intents if i in self.turn.playbooks.intents)
        return self.playbook.reason or next((reason for reason in given if reason), None)

    @property
    def assumed_reason(self) -> str:
        return self.reason if self.reason in REASONS else ASSUMED_REASON

    # ── policy and requests ──────────────────────────────────────────────────────────────────

    @property
    def tool(self) -> str:
        """The irreversible tool that this need would ask for."""
        return self.playbook.tools[0]

    @cached_property
    def quote(self) -> QuoteRecord:
        return self.turn.read(QUOTE_READS[self.tool], self.request_args(), QuoteRecord)

    def decided(self, reason: str) -> Decision:
        """What the store's policy says to the quoted facts with this reason."""
        return decide(self.turn.view.store.policy, self.tool, {**self.quote.facts, "reason": reason})

    @property
    def decision(self) -> tuple[str, str, str]:
        """(outcome, clause id, clause text) of the server's quote."""
        quote = self.quote
        return quote.decision, quote.clause_id, pick(quote.clause_text, self.turn.view.lang)

    @property
    def reason_matters(self) -> bool:
        if self.decision[0] != Outcome.DENY:
            return False
        return any(self.decided(reason).outcome is not Outcome.DENY for reason in REASONS)

    def request_args(self) -> dict[str, Any]:
        """What the irreversible call asks for; amounts and destinations are the server's to compute."""
        args: dict[str, Any] = {"order_no": self.order.order_no, "reason": self.assumed_reason}
        if self.tool in QUOTE_READS:
            args["lines"] = self.lines_args
        return args

    @cached_property
    def proposed(self) -> Proposed | None:
        if not any(p.call.name in self.playbook.tools for p in self.turn.view.proposals):
            return None
        return self.turn.proposed(self.tool, self.request_args())

    @cached_property
    def action(self) -> ActionView | None:
        """The request of this conversation on the same order and items: an open one first, else the newest."""
        if self.proposed is not None:
            return self.proposed.action
        key = order_key(self.order_no)
        mine = [
            a
            for a in self.turn.view.actions
            if a.tool in self.playbook.tools and order_key(a.order_no) == key
        ]
        if mine and self.tool in QUOTE_READS and len(self.playbook.tools) == 1:
            mine = [a for a in mine if self._touches(a)]
        still_open = [a for a in mine if a.status in OPEN]
        return next(reversed(still_open or mine), None)

    @property
    def covered(self) -> bool:
        """Whether an open request of another kind is about these items already."""
        key = order_key(self.order_no)
        others = [
            a
            for a in self.turn.view.actions
            if a.status in OPEN and a.tool in GOVERNED_TOOLS and a.tool not in self.playbook.tools
        ]
        return any(order_key(a.order_no) == key and self._touches(a) for a in others)

    def _touches(self, action: ActionView) -> bool:
        wanted = {line_id for line_id, _ in self.selection.lines}
        asked = {line_id for line_id, _ in action_lines(action)}
        return not wanted or not asked or bool(wanted & asked)

    # ── knowledge ────────────────────────────────────────────────────────────────────────────

    @property
    def question(self) -> str:
        return " ".join((self.need.words or self.turn.view.text).split())[:200]

    @cached_property
    def entry(self) -> Entry | None:
        """The best knowledge entry; the server lists only what is near enough to the question."""
        if self.turn.view.guard_notes:  # a draft that was refused is rewritten without foreign text
            return None
        entries = self.turn.read("search_knowledge", {"query": self.question}, Entries).entries
        return next(iter(entries), None)

    @cached_property
    def product(self) -> ProductRecord | None:
        if self.turn.view.guard_notes:
            return None
        products = self.turn.read("get_product", {"query": self.question}, Products).products
        return next((p for p in products if self._fits(p.title)), None)

    @cached_property
    def told(self) -> tuple[Told, ...]:
        """The policy's own words on the question, best first; without a fit, those on its topic."""
        policy, lang, topics = self.turn.view.store.policy, self.turn.view.lang, self.playbook.topics
        rules = [self._told(clause.id, pick(clause.text, lang)) for clause in _rules(policy, topics)]
        told = [self._told(s.id, pick(s.text, lang)) for s in policy.statements if s.topic in topics]
        fitting = sorted((t for t in (*rules, *told) if t.fit), key=lambda t: -t.fit)
        return tuple(fitting[:STATEMENTS_TOLD]) or tuple((*told, *rules)[:STATEMENTS_TOLD])

    def _told(self, told_id: str, text: str) -> Told:
        return Told(told_id, text, reading.overlap(self.question, text, self.turn.playbooks.words.match.stop))

    def _fits(self, text: str) -> bool:
        return reading.overlap(self.question, text, self.turn.playbooks.words.match.stop) > 0


def _rules(policy: Policy, topics: Sequence[str]) -> list[Clause]:
    """The clauses that read as rules: time limits and reasons, one of a kind; not verdicts on one record."""
    tools = [_CLAUSES_OF[topic] for topic in topics if topic in _CLAUSES_OF]
    kinds: dict[tuple[object, ...], Clause] = {}
    for tool in tools:
        for clause in policy.for_tool(tool):
            facts = {condition.fact for condition in clause.when}
            if facts & _RULE_FACTS:
                kinds.setdefault((frozenset(facts), clause.then), clause)
    return sorted(kinds.values(), key=lambda clause: clause.then is Outcome.DENY)


def action_lines(action: ActionView) -> Sequence[tuple[str, int]]:
    """(line_id, quantity) of a request's arguments; nothing where they name none."""
    lines = action.args.get("lines")
    if not isinstance(lines, list):
        return ()
    known = [line for line in lines if isinstance(line, dict) and isinstance(line.get("quantity"), int)]
    return tuple((str(line.get("line_id")), line["quantity"]) for line in known)
