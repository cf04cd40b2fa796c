"""A look at what was promised: the truth by the same tools, compared with what was true, in words.

Nothing here decides when to look or commits anything; that is the inbox's.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from xiaoer.agent.brains.embedded.blanks import cards_for, value_of
from xiaoer.agent.brains.embedded.case import Case
from xiaoer.agent.brains.embedded.memory import Memory, Need
from xiaoer.agent.brains.embedded.signals import Stop
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.embedded.wording import addressed, joined, next_opening
from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.agent.guard.checks import check_text
from xiaoer.agent.guard.facts import gather_facts
from xiaoer.agent.nodes.understand import Understand
from xiaoer.agent.state import State, Verdict
from xiaoer.agent.trace import tool_call
from xiaoer.agent.turn import TurnInput
from xiaoer.domain.claims import find_claims
from xiaoer.domain.messages import Reply
from xiaoer.domain.pii import Masker
from xiaoer.domain.promises import LOOKS, PromiseKind, snapshot_of
from xiaoer.domain.stores import Store, pick
from xiaoer.domain.text import excerpt
from xiaoer.domain.understanding import Understanding
from xiaoer.prompts.playbooks import Playbooks
from xiaoer.prompts.schema import Reply as Sentence
from xiaoer.prompts.template import fill
from xiaoer.tools.calls import Runner, ToolCall, ToolResult

_WATCHING = timedelta(seconds=90)
_ANSWER_LENGTH = 600
# What a supplier says of days and parcels is quoted and told as his word; of money only receipts speak.
_HIS_WORD = ("claims", "dates")
_MONEY = frozenset({"refund", "cancellation", "coupon", "approval"})


@dataclass(frozen=True, slots=True)
class Watch:
    """One promise to be looked at. `turn` has no messages; `final`: its time is over."""

    follow_up_id: str
    kind: PromiseKind
    subject: str
    order_no: str
    customer_ref: str | None
    snapshot: dict[str, Any]
    turn: TurnInput
    final: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look has found. `reply` is set when something is to be told.

    `leave`: a person goes on from here, and the reply says so. `readable` False: nothing is known.
    """

    readable: bool
    changed: bool
    snapshot: dict[str, Any]
    reply: Reply | None = None
    leave: bool = False
    trace: dict[str, Any] = field(default_factory=dict)


class Lookout:
    """Looks and words. `say` gives the unasked sentences that need no look."""

    def __init__(
        self, playbooks: Playbooks, sentences: Mapping[str, Sentence], understander: Understand, run: Runner
    ) -> None:
        self._playbooks = playbooks
        self._sentences = sentences
        self._understander = understander
        self._run = run

    async def look(self, watch: Watch) -> Sight:
        """Read the subject once more; never raises for trouble of a tool."""
        started = time.perf_counter()
        result = await self._read(watch)
        sight, verdicts = self._judge(watch, result)
        trace = _trace(watch, result, verdicts, (time.perf_counter() - started) * 1000)
        return Sight(sight.readable, sight.changed, sight.snapshot, sight.reply, sight.leave, trace)

    def say(
        self, store: Store, lang: str, name: str, seed: str, values: Mapping[str, str] | None = None
    ) -> str:
        """One unasked sentence; the seed decides between its variants."""
        reply = self._sentences[name]
        keys = (lang, lang.split("-")[0], "en")
        variants = next(reply[key] for key in keys if key in reply)
        number = hashlib.sha256(f"{seed}\x1f{name}".encode()).digest()[0]
        return fill(variants[number % len(variants)], lambda blank: (values or {}).get(blank, ""))

    def is_foreign(self, text: str, lang: str) -> bool:
        """Whether a text is in another language than this one."""
        found = self._understander.understand(text, lang).lang or lang
        return found.split("-")[0] != lang.split("-")[0]

    async def _read(self, watch: Watch) -> ToolResult:
        tool, argument = LOOKS[watch.kind]
        call = ToolCall(f"look_{watch.follow_up_id}", tool, {argument: watch.subject})
        scope, now = watch.turn.scope, watch.turn.now
        if not scope.proven(now):
            scope = scope.watching(watch.order_no or watch.subject, watch.customer_ref, now + _WATCHING)
        return await self._run(call, scope, watch.turn.turn_id)

    def _judge(self, watch: Watch, result: ToolResult) -> tuple[Sight, tuple[Verdict, ...]]:
        known = snapshot_of(result.call.name, result.data) if result.ok else watch.snapshot
        teller = _Teller(self, self._playbooks, watch, result)
        name = _news(watch, known) if result.ok else None
        if name is None and not watch.final:
            return Sight(result.ok, False, known), ()
        text, cards, leave = teller.tell(name)
        verdicts = teller.check(text)
        if not all(verdict.ok for verdict in verdicts):
            text, cards, leave = teller.by_colleague()
        return Sight(result.ok, name is not None, known, Reply(text, cards), leave), verdicts


def _news(watch: Watch, known: Mapping[str, Any]) -> str | None:
    """Which sentence tells it; None while nothing is new. Without a snapshot there is nothing to compare."""
    if watch.kind is PromiseKind.SUPPLIER_ANSWERS:
        return "supplier" if known["status"] == "answered" else None
    if not watch.snapshot or known == watch.snapshot:
        return None
    if watch.kind is not PromiseKind.REFUND_ARRIVES:
        return "news"
    before = watch.snapshot.get("refunds", {})
    moved = {status for key, status in known["refunds"].items() if before.get(key) != status}
    return "refund_done" if "succeeded" in moved else "by_colleague" if "failed" in moved else None


@dataclass(frozen=True, slots=True)
class _Teller:
    """The words of one look, in the customer's language."""

    lookout: Lookout
    playbooks: Playbooks
    watch: Watch
    result: ToolResult

    def tell(self, name: str | None) -> tuple[str, tuple[dict[str, Any], ...], bool]:
        """(text, cards, whether a person goes on)."""
        try:
            if name is None:
                return self._no_news()
            if name == "by_colleague" or (name == "supplier" and self._foreign()):
                return self.by_colleague()
            if name == "news" and not self._proven:
                return self._said("news_brief", states=self._states()), (), False
            case = self._case()
            cards = cards_for(case, frozenset({"parcels"})) if name == "news" else ()
            return self._said(name, **self._values(name, case)), cards, False
        except Stop:  # the record is not in the shape that was promised
            return self.by_colleague()

    def by_colleague(self) -> tuple[str, tuple[dict[str, Any], ...], bool]:
        return self._and_a_person(self._said("by_colleague")), (), True

    def check(self, text: str) -> tuple[Verdict, ...]:
        turn = self.watch.turn
        own = ToolResult(self.result.call, "", True, {"order_no": self.watch.order_no})
        state: State = {
            "turn": turn,
            "messages": (),
            "understanding": Understanding(self._lang, ()),
            "lang": self._lang,
            "scope": turn.scope,
            "memory": {},
            "results": (self.result, own),
            "plan": Plan(reply=Reply(text)),
        }
        facts, quoted = gather_facts(state), self._quoted()
        whole = check_text(text, facts, turn.store)
        if not quoted or any(claim.kind in _MONEY for claim in find_claims(quoted)):
            return whole
        own_words = check_text(text.replace(quoted, "…"), facts, turn.store)
        return tuple(
            own if verdict.check in _HIS_WORD else verdict
            for verdict, own in zip(whole, own_words, strict=True)
        )

    def _no_news(self) -> tuple[str, tuple[dict[str, Any], ...], bool]:
        if self.watch.kind is PromiseKind.SUPPLIER_ANSWERS:
            text = self._said("no_news_supplier")
        else:
            tracked = self.result.ok and self.result.call.name == "track_order"
            text = self._said("no_news", states=self._states() if tracked else "")
        return self._and_a_person(text), (), True

    def _and_a_person(self, text: str) -> str:
        turn = self._turn()
        opens = next_opening(turn)
        person = turn.common("colleague_closed" if opens else "colleague_open", opens=opens)
        return turn.piece("stop").join((text, person))

    def _said(self, name: str, **values: str) -> str:
        known = {"order_no": self.watch.order_no, **values}
        seed = f"{self.watch.follow_up_id}"
        text = self.lookout.say(self.watch.turn.store, self._lang, name, seed, known)
        return addressed(self._turn(), text)

    def _values(self, name: str, case: Case) -> dict[str, str]:
        if name == "supplier":
            return {"answer": self._quoted()}
        if name == "refund_done":
            refund = case.order.newest_refund
            return {"amount": str(refund.amount.money), "destination": refund.destination} if refund else {}
        parcels = value_of(case, "parcels")
        state = "" if parcels else pick(self.playbooks.words.states.get(case.track.state, {}), self._lang)
        return {"parcels": parcels, "unshipped": value_of(case, "unshipped"), "state": state}

    def _quoted(self) -> str:
        return excerpt(str(self.result.data.get("answer") or ""), _ANSWER_LENGTH)

    def _states(self) -> str:
        """A word for each parcel, and nothing that names a place or a number."""
        track = self._case().track
        words = self.playbooks.words
        verdicts = [
            pick(words.verdicts[p.verdict].word, self._lang)
            if p.verdict in words.verdicts
            else p.verdict.replace("_", " ")
            for p in track.parcels
        ]
        return joined(self._turn(), verdicts or [pick(words.states.get(track.state, {}), self._lang)])

    def _foreign(self) -> bool:
        """Whether the supplier's words are in another language than the customer's."""
        return self.lookout.is_foreign(str(self.result.data.get("answer") or ""), self._lang)

    @property
    def _lang(self) -> str:
        return self.watch.turn.lang or self.watch.turn.store.languages[0]

    @property
    def _proven(self) -> bool:
        return self.watch.turn.scope.proven(self.watch.turn.now)

    def _case(self) -> Case:
        subject = self.watch.subject
        need = Need(intent="track_parcel", order_no=subject)
        return Case(self._turn(), need, self.playbooks.intents["track_parcel"], _order=(subject, True))

    def _turn(self) -> Turn:
        turn = self.watch.turn
        view = TurnView(
            turn_id=self.watch.follow_up_id,
            store=turn.store,
            channel=turn.channel,
            lang=self._lang,
            now=turn.now,
            messages=(),
            understanding=Understanding(self._lang, ()),
            history=(),
            scope=turn.scope,
            memory={},
            results=(self.result,),
        )
        return Turn(view=view, playbooks=self.playbooks, memory=Memory())


def _trace(watch: Watch, result: ToolResult, verdicts: tuple[Verdict, ...], ms: float) -> dict[str, Any]:
    """The look as an element of the contract's `turns`."""
    masker = Masker()
    masker.learn_from(result.data)
    call = tool_call(result, masker)
    guard = [{"check": v.check, "verdict": "pass" if v.ok else "fail", "reason": v.reason} for v in verdicts]
    return {
        "brain": "follow_up",
        "prompt": "",
        "lang": watch.turn.lang,
        "intents": [],
        "slots": {},
        "sentiment": "neutral",
        "risk_words": [],
        "marks": [],
        "model_calls": [],
        "tool_calls": [call],
        "proposals": [],
        "guard": guard,
        "notes": [f"{watch.kind.value}: {watch.subject}"],
        "hand_off": None,
        "ms": round(ms, 2),
    }
