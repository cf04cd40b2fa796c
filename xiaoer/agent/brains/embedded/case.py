"""One need under work: the records that its facts and words look at, read only when looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.memory import Need
from xiaoer.agent.brains.embedded.policy import Told, tell_policy
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
from xiaoer.agent.brains.embedded.signals import Wanting
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.embedded.wording import line_words
from xiaoer.agent.brains.protocol import Proposed
from xiaoer.domain.actions import OPEN, ActionView
from xiaoer.domain.orders import order_key
from xiaoer.domain.policy import GOVERNED_TOOLS, REASONS, Decision, Outcome, decide
from xiaoer.domain.stores import pick
from xiaoer.prompts.schema import Playbook

# The read that quotes a request before it is made; cancellations are quoted behind the request itself.
QUOTE_READS = {"issue_refund": "quote_refund", "create_return_label": "check_return"}
# Without a word of the customer the least favourable reason is assumed.
ASSUMED_REASON = "changed_mind"
SURE_ENTRY = 0.8  # below it an entry must share a telling word with the question
PARTS_QUOTED = 6
THINGS_JOINED, THINGS_LENGTH = " / ", 120
_ARRIVED = frozenset({"delivered"})
_MOVING = frozenset({"on_its_way", "out_for_delivery", "at_pickup_point", "customs_held"})


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items are meant: (line_id, quantity), or the ids to choose from."""

    status: str  # "chosen" | "unclear" | "nothing"
    lines: tuple[tuple[str, int], ...] = ()
    options: tuple[str, ...] = ()


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
        certain = self._resolved()[1] and not self.need.one_of and not self.need.asked
        return certain or self.need.confirmed

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
        if self.need.rest:
            left = {line_id: quantity for line_id, quantity in left.items() if line_id not in self._requested}
        still = tuple(line_id for line_id, quantity in left.items() if quantity)
        match = self.turn.playbooks.words.match
        if self.need.lines:
            picked = reading.Picked(tuple(i for i in left if i in self.need.lines))
        else:
            options = [(line.line_id, line_words(line)) for line in self.order.lines]
            picked = reading.pick(self.need.words, options, match, listed=False)
            picked = self._absent() or picked if not picked.ids else picked
        ids = [line_id for line_id in picked.ids if left.get(line_id)]
        if not still or (picked.ids and not ids):
            return Selection("nothing")
        if self.need.rest and not picked.ids and not picked.unclear:
            ids = list(still)
        if not ids and len(still) == 1 and not picked.unclear and self.stray is None:
            ids = list(still)  # the only one left, unless the words name something else
        if not ids and self._hopeless(picked.unclear or still):
            ids = list(picked.unclear or still)
        if not ids:
            return Selection("unclear", options=tuple(i for i in picked.unclear if left.get(i)) or still)
        single = len(ids) == 1 and reading.mentions(reading.plain(self.need.words), match.one)
        return Selection("chosen", tuple((line_id, 1 if single else left[line_id]) for line_id in ids))

    def _hopeless(self, ids: Sequence[str]) -> bool:
        """Whether the policy denies each of these items by the same clause: then nobody need choose."""
        if self.tool not in QUOTE_READS or not 1 < len(ids) <= PARTS_QUOTED or self.stray is not None:
            return False
        quotes = self._quotes([line.line_id for line in self.order.lines if line.line_id in ids])
        return {q.decision for q in quotes} == {Outcome.DENY} and len({q.clause_id for q in quotes}) == 1

    def _quotes(self, ids: Sequence[str]) -> list[QuoteRecord]:
        """What the policy says to each item alone, read side by side."""
        left = {line.line_id: line.open_quantity for line in self.order.lines}
        base = {"order_no": self.order.order_no, "reason": self.assumed_reason}
        calls = [{**base, "lines": [{"line_id": i, "quantity": left[i]}]} for i in ids]
        missing = [args for args in calls if self.turn.find(QUOTE_READS[self.tool], args) is None]
        if missing:
            stop = self.turn.want(QUOTE_READS[self.tool], missing[0])
            raise replace(stop, more=tuple(missing[1:])) if isinstance(stop, Wanting) else stop
        return [self.turn.read(QUOTE_READS[self.tool], args, QuoteRecord) for args in calls]

    @property
    def _requested(self) -> set[str]:
        """Items of this order that an open request of the same kind is about already."""
        mine = (a for a in self.turn.view.actions if a.status in OPEN and a.tool in self.playbook.tools)
        same = (a for a in mine if order_key(a.order_no) == order_key(self.order_no))
        return {line_id for action in same for line_id, _ in action_lines(action)}

    def _absent(self) -> reading.Picked | None:
        """ "The missing one": what is in no parcel, or in one that has come to no good."""
        if not reading.mentions(reading.plain(self.need.words), self.turn.playbooks.words.match.absent):
            return None
        waiting = [p for p in self.track.parcels if p.verdict not in _ARRIVED]
        lost = [p for p in waiting if p.verdict not in _MOVING]
        mentions = [m for p in lost for m in p.lines] + list(self.track.unshipped)
        ids = tuple(m.line_id for m in mentions or [m for p in waiting for m in p.lines])
        if not ids:
            return None
        return reading.Picked(ids) if len(ids) == 1 else reading.Picked(unclear=ids)

    @cached_property
    def part(self) -> tuple[tuple[str, int], ...]:
        """Of several items that cannot be requested together, those that the policy does not deny."""
        lines = self.selection.lines
        if self.decision[0] != Outcome.DENY or not 1 < len(lines) <= PARTS_QUOTED:
            return ()
        quotes = self._quotes([line_id for line_id, _ in lines])
        return tuple(line for line, q in zip(lines, quotes, strict=True) if q.decision != Outcome.DENY)

    @cached_property
    def stray(self) -> ProductRecord | None:
        """A product of the shop that the words name and this order does not hold."""
        match = self.turn.playbooks.words.match
        words = self.need.words
        if self.turn.view.guard_notes or self.need.lines:
            return None
        if any(reading.overlap(words, line_words(line), match, match.idle) for line in self.order.lines):
            return None
        products = self.turn.read("get_product", {"query": self.question}, Products).products
        return next((p for p in products if reading.overlap(words, p.title, match, match.idle)), None)

    @property
    def detailed(self) -> bool:
        """Whether it was said what a colleague must know to do it."""
        if self.need.details:
            return True
        values = [v for given in self.turn.view.understanding.slots.as_dict().values() for v in given]
        kind, match = self.playbook.details, self.turn.playbooks.words.match
        if kind == "written":
            return reading.tells_data(self.need.words, values)
        return kind == "change" and reading.mentions(reading.plain(self.need.words), match.into)

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
        return next(iter(self.playbook.tools), "")

    def tool_of(self, intent: str) -> str | None:
        return next(iter(self.turn.playbooks.intents[intent].tools), None)

    @property
    def reads_order(self) -> bool:
        """Whether the items of the order are at hand without another call."""
        return "get_order" in self.playbook.prefetch

    @cached_property
    def quote(self) -> QuoteRecord:
        return self.turn.read(QUOTE_READS[self.tool], self.request_args(), QuoteRecord)

    def decided(self, reason: str) -> Decision:
        """What the store's policy says to the quoted facts with this reason."""
        return decide(self.turn.view.store.policy, self.tool, {**self.quote.facts, "reason": reason})

    @property
    def decision(self) -> tuple[str, str, str]:
        """(outcome, clause id, clause text): of the server's quote, else by what the record shows."""
        if self.tool not in QUOTE_READS:
            facts = {"order_state": self.order.state, "reason": self.assumed_reason}
            made = decide(self.turn.view.store.policy, self.tool, facts)
            return made.outcome, made.clause.id, pick(made.clause.text, self.turn.view.lang)
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

    @property
    def thing(self) -> str:
        """The products in talk after this answer: the one that was told, or the items that it was about."""
        seen = vars(self)
        if seen.get("product") is not None:
            return str(seen["product"].title)
        titles: list[str] = []
        if "selection" in seen and self.selection.status == "chosen":
            ids = [line_id for line_id, _ in self.selection.lines]
            titles = [line.title for line in self.order.lines if line.line_id in ids]
        elif "track" in seen:
            titles = [m.title for p in self.track.parcels for m in p.lines]
            titles += [m.title for m in self.track.unshipped]
        return THINGS_JOINED.join(dict.fromkeys(titles))[:THINGS_LENGTH]

    @cached_property
    def _named(self) -> ProductRecord | None:
        """The product that the question itself names."""
        products = self.turn.read("get_product", {"query": self.question}, Products).products
        return next((p for p in products if self._fits(p.title)), None)

    @property
    def about(self) -> str:
        """The question, with the product in talk before it where it names none ("how long does it last?")."""
        thing = self.turn.memory.thing
        if not thing or "get_product" not in self.playbook.prefetch or self._named is not None:
            return self.question
        return f"{thing} {self.question}"[:200]

    @cached_property
    def entry(self) -> Entry | None:
        """The best knowledge entry; the server lists only what is near enough to the question."""
        if self.turn.view.guard_notes:  # a draft that was refused is rewritten without foreign text
            return None
        entries = self.turn.read("search_knowledge", {"query": self.about}, Entries).entries
        best = next(iter(entries), None)
        if best is None or (best.score < SURE_ENTRY and not self._fits(f"{best.title} {best.text}")):
            return None
        thing = self.turn.memory.thing if self.about != self.question else ""
        match = self.turn.playbooks.words.match
        foreign = thing and not reading.overlap(thing, f"{best.title} {best.text}", match, match.idle)
        return None if foreign else best

    @cached_property
    def product(self) -> ProductRecord | None:
        if self.turn.view.guard_notes:
            return None
        if self._named is not None or self.about == self.question:
            return self._named
        thing = self.turn.memory.thing
        products = self.turn.read("get_product", {"query": thing}, Products).products
        return next((p for p in products if p.title == thing), None)

    @cached_property
    def told(self) -> tuple[Told, ...]:
        """The policy's own words on the question, best first; without a fit, those on its topic."""
        turn = self.turn
        return tell_policy(
            turn.view.store.policy,
            self.playbook.topics,
            self.question,
            turn.view.lang,
            turn.playbooks.words.match,
        )

    def _fits(self, text: str) -> bool:
        return reading.overlap(self.question, text, self.turn.playbooks.words.match) > 0


def action_lines(action: ActionView) -> Sequence[tuple[str, int]]:
    """(line_id, quantity) of a request's arguments; nothing where they name none."""
    lines = action.args.get("lines")
    if not isinstance(lines, list):
        return ()
    known = [line for line in lines if isinstance(line, dict) and isinstance(line.get("quantity"), int)]
    return tuple((str(line.get("line_id")), line["quantity"]) for line in known)
