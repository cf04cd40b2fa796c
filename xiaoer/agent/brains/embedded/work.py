"""Works on one need by its playbook until there is an answer; stops where a tool is wanted first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from xiaoer.agent.brains.embedded.blanks import cards_for, choosable, citations_for, value_of
from xiaoer.agent.brains.embedded.case import QUOTE_READS, Case
from xiaoer.agent.brains.embedded.facts import holds
from xiaoer.agent.brains.embedded.memory import Ask, Choice, Need
from xiaoer.agent.brains.embedded.records import LineRecord
from xiaoer.agent.brains.embedded.signals import Asking, Broken, Leaving, Telling, Wanting
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.embedded.wording import date_text, line_words
from xiaoer.domain.orders import order_key
from xiaoer.domain.promises import Promise, PromiseKind
from xiaoer.domain.stores import pick
from xiaoer.prompts.schema import Branch, HandOver, Playbook
from xiaoer.prompts.template import fill

QUESTION_LENGTH = 900
_PERSONAL = re.compile(r"\S+@\S+|#?\d[\d -]{2,}\d")
_BECOMING = 3  # a need may turn into another one, but not in circles
_QUESTION_REPLIES = {
    "lines": "ask_lines",
    "reason": "ask_reason",
    "confirm": "ask_confirm",
    "details": "ask_details",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one need adds to the reply, and what it leaves behind."""

    need: Need
    text: str = ""
    cards: tuple[dict[str, Any], ...] = ()
    citations: tuple[dict[str, str], ...] = ()
    ask: Ask | None = None
    waits: bool = False  # the need itself waits for the customer's answer
    hand_off: HandOver | None = None
    sorry: bool = False
    failed: bool = False
    order_no: str | None = None
    promise: Promise | None = None  # what the text says we come back for
    about: str = ""  # the items that are meant, for the colleague
    thing: str = ""  # the product that was talked about


def work_on(turn: Turn, need: Need) -> Answer:
    """The answer to one need; raises Wanting when a tool has to be called first."""
    also = frozenset(other.intent for other in turn.needs if other.intent != need.intent)
    case = Case(turn, need, turn.playbooks.intents[need.intent], also)
    try:
        return _decide(case, _BECOMING)
    except Asking as stop:
        return _asking(turn, need, stop)
    except Telling as stop:
        return Answer(need, turn.common(stop.reply, **stop.values))
    except Leaving as stop:
        text = turn.common(stop.reply)
        return Answer(
            need, text, hand_off=HandOver.model_validate({"reason": stop.reason, "urgent": stop.urgent})
        )
    except Broken as stop:
        return Answer(need, turn.common(stop.reply), ask=Ask(kind="retry"), waits=True, failed=True)


def _asking(turn: Turn, need: Need, stop: Asking) -> Answer:
    options = tuple(Choice(id=option_id, text=text) for option_id, text in stop.options)
    return Answer(
        need, turn.common(stop.reply, **stop.values), ask=Ask(kind=stop.kind, options=options), waits=True
    )


def _decide(case: Case, becoming: int) -> Answer:
    if "order" in case.playbook.needs:
        case.order_no  # noqa: B018 - asks for proof and order before anything is read
    branch = next((b for b in case.playbook.branches if holds(case, b)), None)
    if branch is None:  # the linter does not let such a playbook pass
        raise Leaving("policy_gap", "beyond_rules")
    for tool in branch.do:
        _do(case, tool)
    if branch.become is not None and becoming:
        return _decide(_changed(case, branch.become), becoming - 1)
    if branch.propose is not None:
        raise _proposal(case, branch.propose)
    if branch.ask is not None:
        return _question(case, branch)
    return _statement(case, branch)


def _changed(case: Case, intent: str) -> Case:
    need = case.need.model_copy(
        update={"intent": intent, "absorbed": (*case.need.absorbed, case.need.intent), "reason": case.reason}
    )
    return Case(case.turn, need, case.turn.playbooks.intents[intent], case.also)


def _proposal(case: Case, tool: str) -> Wanting | Leaving:
    stop = case.turn.want(tool, case.request_args())
    return replace(stop, proposing=True) if isinstance(stop, Wanting) else stop


def _question(case: Case, branch: Branch) -> Answer:
    assert branch.ask is not None
    key = branch.say or _QUESTION_REPLIES[branch.ask]
    options = _options(case, branch.ask)
    ask = Ask(
        kind=branch.ask, options=tuple(Choice(id=line.line_id, text=line_words(line)) for line in options)
    )
    # A bare yes confirms what was shown: the order is named from here on.
    about = case.shown_order_no if "order" in case.playbook.needs else None
    named: dict[str, object] = {"order_no": about}
    if key == "part_only":
        named["lines"] = tuple(line_id for line_id, _ in case.part)
    need = case.need.model_copy(update=named) if branch.ask in ("confirm", "details") else case.need
    return Answer(
        need,
        _say(case, key)[0],
        citations=citations_for(case, branch.cite),
        ask=ask,
        waits=True,
        order_no=about,
    )


def _options(case: Case, kind: str) -> Sequence[LineRecord]:
    """What an answer may name: the items to choose from; beside another question, all of the order's."""
    if kind == "lines":
        return choosable(case)
    return case.order.lines if "get_order" in case.playbook.prefetch and case.tool in QUOTE_READS else ()


def _statement(case: Case, branch: Branch) -> Answer:
    promise = _promise(case, branch)
    text, used = _say(case, branch.say, promise) if branch.say else ("", frozenset())
    return Answer(
        case.need,
        text,
        cards=cards_for(case, used),
        citations=citations_for(case, branch.cite),
        ask=_offer(case, branch),
        hand_off=branch.hand_off,
        sorry=branch.sorry,
        order_no=case.shown_order_no if "order" in case.playbook.needs else None,
        promise=promise,
        about=_about(case) if branch.hand_off is not None else "",
        thing=case.thing,
    )


def _about(case: Case) -> str:
    """The items that are meant, where they were looked for."""
    found = "selection" in vars(case) and case.selection.status == "chosen"
    return value_of(case, "lines") if found else ""


def _promise(case: Case, branch: Branch) -> Promise | None:
    """What the branch comes back for; what was true is added from the turn's results, whatever brain it was."""
    if branch.follow_up is None:
        return None
    now, order_no = case.turn.view.now, case.shown_order_no
    return Promise(
        kind=PromiseKind(branch.follow_up.kind),
        subject=order_no,
        look_at=now + timedelta(hours=branch.follow_up.after),
        deadline=now + timedelta(hours=branch.follow_up.until),
        order_no=order_no,
    )


def _offer(case: Case, branch: Branch) -> Ask | None:
    if branch.offer is None:
        return None
    about = case.shown_order_no if "order" in case.playbook.needs else None
    lines: tuple[str, ...] = ()
    if (
        case.tool_of(branch.offer.intent) == "issue_refund"
        and case.reads_order
        and case.selection.status == "chosen"
    ):
        lines = tuple(line_id for line_id, _ in case.selection.lines)
    return Ask(
        kind="offer", intent=branch.offer.intent, order_no=about, reason=branch.offer.reason, lines=lines
    )


def _say(case: Case, key: str, promise: Promise | None = None) -> tuple[str, frozenset[str]]:
    """The reply, and which blanks have gone into it."""
    used: set[str] = set()

    def value(blank: str) -> str:
        coming = promise is not None and blank == "look_again"
        text = date_text(case.turn, promise.look_at) if promise and coming else value_of(case, blank)
        if text:
            used.add(blank)
        return text

    return case.turn.say(key, value, case.playbook), frozenset(used)


# ── reversible writes ────────────────────────────────────────────────────────────────────────


def _do(case: Case, tool: str) -> None:
    """Have a write done once in a conversation; its failure never stands in the way of an answer."""
    args = _WRITES[tool](case)
    subject = order_key(args["order_no"]) if "order_no" in args else _short_hash(args["question"])
    mark = f"{tool}:{subject}"
    if case.turn.find(tool, args) is not None:
        case.turn.done.append(mark)
        return
    if mark in case.turn.memory.done:
        return
    stop = case.turn.want(tool, args)
    if isinstance(stop, Wanting):
        raise stop


def _ask_supplier(case: Case) -> dict[str, Any]:
    store = case.turn.view.store
    question = _supplier_question(case.playbook, store.languages[0])
    text = fill(question, lambda blank: _plain_value(case, blank))
    return {"question": text[:QUESTION_LENGTH], "order_no": case.shown_order_no}


def _supplier_question(playbook: Playbook, lang: str) -> str:
    reply = playbook.question or {"en": ("What is the state of order {order_no}?",)}
    return pick({key: variants[0] for key, variants in reply.items()}, lang)


def _plain_value(case: Case, blank: str) -> str:
    if blank != "parcels":
        return value_of(case, blank)
    return "\n".join(f"{p.carrier_name} {p.tracking_no} ({p.verdict})" for p in case.track.parcels)


_WRITES: dict[str, Callable[[Case], dict[str, Any]]] = {
    "ask_supplier": _ask_supplier,
    "report_gap": lambda case: {"question": _without_persons(case.question)},
}


def _without_persons(question: str) -> str:
    """The question as the shop may keep it: no addresses, no numbers of orders or phones."""
    return _PERSONAL.sub("…", question).ljust(3, "?")


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
