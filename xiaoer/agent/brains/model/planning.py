"""A whole answer → a safe plan: known tools only, bounded calls, our own ids, sources that really exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xiaoer.agent.brains.model.cards import Words, cards_for
from xiaoer.agent.brains.model.errors import BadAnswer
from xiaoer.agent.brains.model.instructions import hand_off_prompt
from xiaoer.agent.brains.model.messages import STEP_SPAN, step_of
from xiaoer.agent.brains.model.offer import HAND_OFF
from xiaoer.agent.brains.model.stream import Answer, AskedCall, clean
from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.domain.messages import HandOff, Reply
from xiaoer.domain.stores import pick
from xiaoer.domain.text import clean_text, excerpt
from xiaoer.tools.calls import ToolCall
from xiaoer.tools.catalog import BRAIN_TOOLS

MOST_STEPS = 6
MOST_CALLS = 12  # of one turn, prefetched ones not counted
LONGEST_REPLY = 4_000
LONGEST_SUMMARY = 1_500
_URGENT = frozenset({"angry", "risk"})
_MARK = re.compile(r"[ \t]*\[\[([^\[\]\n]{1,80})\]\]")
_ODD = re.compile(r"[^a-zA-Z0-9_.-]")


def steps_left(view: TurnView) -> int:
    return MOST_STEPS - view.step


def calls_left(view: TurnView) -> int:
    prefetched = sum(result.call.id.startswith("pf_") for result in view.results)
    return MOST_CALLS - (len(view.results) - prefetched + len(view.proposals))


def read_plan(view: TurnView, answer: Answer, words: Words | None = None) -> Plan:
    """Exactly one of hand-off, calls and reply; raises BadAnswer when none of them is safe."""
    given_up = next((call for call in answer.calls if call.name == HAND_OFF), None)
    if given_up is not None:
        return Plan(hand_off=_hand_off(view, given_up))
    if answer.calls:
        return _call_plan(view, answer.calls)
    return Plan(reply=read_reply(view, answer.text, words))


def _call_plan(view: TurnView, asked: tuple[AskedCall, ...]) -> Plan:
    known = [call for call in asked if call.name in BRAIN_TOOLS]
    notes = [f"unknown tool {_ODD.sub('?', c.name[:40])} left out" for c in asked if c not in known][:3]
    if not known:
        raise BadAnswer("unknown_tool")
    left = calls_left(view)
    if left <= 0 or steps_left(view) <= 1:
        return Plan(hand_off=limit_reached(view), notes=("limit of steps or calls reached",))
    if len(known) > left:
        notes.append(f"{len(known)} calls asked for, {left} taken")
    return Plan(calls=tuple(_numbered(view, known[:left])), notes=tuple(notes))


def _numbered(view: TurnView, asked: list[AskedCall]) -> Iterator[ToolCall]:
    ids = [r.call.id for r in view.results] + [p.call.id for p in view.proposals]
    step = max((step_of(call_id) for call_id in ids), default=0) + 1
    for n, call in enumerate(asked):
        yield ToolCall(f"{view.turn_id}_{step * STEP_SPAN + n}", call.name, call.args)


def limit_reached(view: TurnView) -> HandOff:
    summary = f"The assistant did not come to an end within its limits. The customer wrote: {view.text[:500]}"
    return HandOff("unsupported", summary, _say(view))


def _hand_off(view: TurnView, call: AskedCall) -> HandOff:
    """What the customer is told is ours; the model's words go to the colleague alone."""
    reason = call.args.get("reason")
    if not isinstance(reason, str) or reason not in hand_off_prompt().reasons:
        reason = "unsupported"
    summary = call.args.get("summary")
    summary = clean_text(clean(summary), LONGEST_SUMMARY).text.strip() if isinstance(summary, str) else ""
    return HandOff(reason, summary or view.text[:500], _say(view), urgent=reason in _URGENT)


def _say(view: TurnView) -> str:
    return pick(hand_off_prompt().say, view.lang)


def read_reply(view: TurnView, text: str, words: Words | None = None) -> Reply:
    """The reply without its source marks; marks that name a real clause or entry become citations."""
    known = _sources(view)
    cited = [known[mark] for mark in dict.fromkeys(_MARK.findall(text)) if mark in known]
    spoken = clean_text(_MARK.sub("", text), LONGEST_REPLY + 1).text.strip()
    if not spoken:
        raise BadAnswer("empty")
    if len(spoken) > LONGEST_REPLY:
        raise BadAnswer("too_long")
    return Reply(spoken, cards_for(view, words), tuple(cited))


def _sources(view: TurnView) -> dict[str, dict[str, str]]:
    """What may be cited: the shop's clauses and statements, and the entries that this turn has read."""
    policy, lang = view.store.policy, view.lang
    known = {rule.id: {"id": rule.id, "title": excerpt(pick(rule.text, lang), 80)} for rule in policy.clauses}
    known |= {
        said.id: {"id": said.id, "title": excerpt(pick(said.text, lang), 80)} for said in policy.statements
    }
    for result in view.results:
        entries = result.data.get("entries", [result.data]) if result.server == "knowledge" else []
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and isinstance(entry.get("entry_id"), str):
                known[entry["entry_id"]] = {"id": entry["entry_id"], "title": str(entry.get("title", ""))}
    return known
