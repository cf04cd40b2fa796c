"""From the answers of a turn to one reply or one hand-off, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xiaoer.agent.brains.embedded.memory import (
    DONE_KEPT,
    SAID_KEPT,
    TAGS_KEPT,
    TOPICS_KEPT,
    Ask,
    Choice,
    Memory,
    Need,
)
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.embedded.wording import addressed, next_opening
from xiaoer.agent.brains.embedded.work import Answer
from xiaoer.agent.brains.protocol import Plan
from xiaoer.domain.actions import OPEN, ActionStatus
from xiaoer.domain.messages import HandOff, Reply
from xiaoer.domain.stores import pick
from xiaoer.domain.text import excerpt

MISSES_ALLOWED = 2

_NOT_BEGUN = frozenset({ActionStatus.PENDING, ActionStatus.APPROVED})


def compose(turn: Turn, answers: Sequence[Answer]) -> Plan:
    """One reply that answers every need in order, with one open question at most."""
    reason, urgent = _leaving(turn, answers)
    if reason:
        return hand_over(turn, answers, reason, opening="angry" if reason == "angry" else None, urgent=urgent)
    if not answers:
        return _close(turn)
    text = _lines_or_sentences(turn, [*_first(turn), _with_sorry(turn, answers, _texts(answers))])
    if turn.back_to is not None and not any(answer.ask for answer in answers):
        text = f"{text}\n\n{turn.common(f'back_to_{turn.back_to}')}"
    memory = _remember(turn, answers, misses=turn.memory.misses + 1 if turn.missed else 0)
    cards, citations = _beside(answers)
    return Plan(
        reply=Reply(addressed(turn, text), cards, citations),
        memory=memory.dump(),
        promises=tuple(answer.promise for answer in answers if answer.promise),
        prompt=f"playbooks@{turn.playbooks.version}",
    )


def _close(turn: Turn) -> Plan:
    """A plain yes or no is taken as one; what has not begun the customer may take back himself."""
    if turn.unwanted:
        return _decline(turn)
    if turn.first:
        return _say_only(turn, _lines_or_sentences(turn, _first(turn)))
    key = turn.closing or "all_right"
    if key not in ("withdraw", "withdrawn"):
        return _say_only(turn, turn.common(key))
    action = [a for a in turn.view.actions if a.status in OPEN][-1]
    said = {"action_id": action.action_id}
    if action.status not in _NOT_BEGUN:  # too late for the customer alone
        offer = Ask(kind="offer", intent="human_agent", order_no=action.order_no)
        return _say_only(turn, turn.common("withdraw", **said), ask=offer)
    if key == "withdrawn" and _was_asked_about(turn, action.action_id):
        return replace(_say_only(turn, turn.common(key, **said)), withdraws=(action.action_id,))
    options = (Choice(id=action.action_id, text=""),)
    sure = Ask(kind="withdraw", order_no=action.order_no, options=options)
    return _say_only(turn, turn.common("ask_withdraw", **said), ask=sure)


def _was_asked_about(turn: Turn, action_id: str) -> bool:
    """The yes was given to this very request."""
    ask = turn.memory.ask
    return ask is not None and any(choice.id == action_id for choice in ask.options)


def _decline(turn: Turn) -> Plan:
    """One polite line to what wants nothing of a shop; then only the count goes on."""
    if turn.silent:
        memory = _remember(turn, [], misses=0).dump()
        return Plan(reply=Reply(""), silent=True, memory=memory, prompt=f"playbooks@{turn.playbooks.version}")
    return _say_only(turn, turn.common("unwanted"))


def _first(turn: Turn) -> list[str]:
    values = {
        "me": pick(turn.view.store.persona.name, turn.view.lang),
        "store": pick(turn.view.store.name, turn.view.lang),
    }
    return [turn.common(key, **values) for key in turn.first]


def miss(turn: Turn) -> Plan | None:
    """Nothing to work on: one short question, then two choices, then a person."""
    if not turn.missed or turn.unwanted:
        return None
    if turn.mood == "angry":
        return hand_over(turn, [], "angry", opening="angry", urgent=True)
    misses = turn.memory.misses + 1
    if misses > MISSES_ALLOWED:
        return hand_over(turn, [], "missed", opening="missed")
    if turn.needs:  # an open question is asked once more, in other words
        return None
    if misses == 1:
        return _say_only(turn, turn.common("not_understood"), misses=misses)
    options = (Choice(id="track_parcel", text="1"), Choice(id="refund_request", text="2"))
    return _say_only(turn, turn.common("two_choices"), misses=misses, ask=Ask(kind="choice", options=options))


def hand_over(
    turn: Turn, answers: Sequence[Answer], reason: str, *, opening: str | None = None, urgent: bool = False
) -> Plan:
    """A person takes over; the customer is told so at once, with the facts that are there."""
    said = [*_first(turn), *([turn.common(opening)] if opening else [])]
    # What a hand-off of its own says is said by the opening already.
    told = [a for a in answers if not a.waits and not (opening and a.hand_off)]
    facts = _texts(told)
    said += [facts] if facts else []
    opens = next_opening(turn)
    said.append(turn.common("colleague_closed" if opens else "colleague_open", opens=opens))
    if reason == "angry" and not turn.proven:
        said.append(turn.common("meanwhile"))
    memory = _remember(turn, [], misses=0)
    return Plan(
        hand_off=HandOff(
            reason=reason,
            summary=summary(turn, answers),
            say=addressed(turn, _lines_or_sentences(turn, said)),
            urgent=urgent or bool(turn.tags),
            tags=turn.tags,
        ),
        memory=memory.dump(),
        # What was said is kept: while a person has the conversation, the news is a note for him.
        promises=tuple(answer.promise for answer in told if answer.promise),
        prompt=f"playbooks@{turn.playbooks.version}",
    )


def _leaving(turn: Turn, answers: Sequence[Answer]) -> tuple[str | None, bool]:
    """Why a person takes over, if one must; anger first, then what a playbook says, then a dead tool."""
    serious = [a for a in answers if turn.playbooks.intents[a.need.intent].kind != "courtesy"]
    if turn.mood == "angry" and serious:
        return "angry", True
    leaving = next((a.hand_off for a in answers if a.hand_off is not None), None)
    if leaving is not None:
        return leaving.reason, leaving.urgent
    if turn.memory.fails and any(answer.failed for answer in answers):
        return "tool_down", False
    return None, False


# ── words ────────────────────────────────────────────────────────────────────────────────────


def _texts(answers: Sequence[Answer]) -> str:
    """The answers in order, each once, then the question; of several questions only the first is asked."""
    texts: list[str] = []
    asked = False
    for answer in sorted(answers, key=lambda a: a.waits):
        if answer.waits and asked:
            continue
        asked = asked or answer.waits
        if answer.text and answer.text not in texts:
            texts.append(answer.text)
    return "\n\n".join(texts)


def _with_sorry(turn: Turn, answers: Sequence[Answer], text: str) -> str:
    """One apology in a conversation, where something went wrong or somebody is unhappy."""
    if turn.memory.sorry or not _sorry(turn, answers):
        return text
    return _lines_or_sentences(turn, [turn.common("sorry"), text])


def _sorry(turn: Turn, answers: Sequence[Answer]) -> bool:
    serious = any(turn.playbooks.intents[a.need.intent].kind == "service" for a in answers)
    return serious and not turn.first and (turn.mood == "unhappy" or any(answer.sorry for answer in answers))


def _lines_or_sentences(turn: Turn, parts: Sequence[str]) -> str:
    if any("\n" in part for part in parts):
        return "\n".join(parts)
    return turn.piece("stop").join(parts)


def _beside(answers: Sequence[Answer]) -> tuple[tuple[dict[str, object], ...], tuple[dict[str, str], ...]]:
    cards: list[dict[str, object]] = []
    citations: list[dict[str, str]] = []
    for answer in answers:
        cards += [card for card in answer.cards if card not in cards]
        citations += [citation for citation in answer.citations if citation not in citations]
    return tuple(cards), tuple(citations)


def _say_only(turn: Turn, text: str, *, misses: int = 0, ask: Ask | None = None) -> Plan:
    memory = _remember(turn, [], misses=misses)
    if ask is not None:
        memory = memory.model_copy(update={"ask": ask, "expecting": _expecting(turn, ask)})
    return Plan(
        reply=Reply(addressed(turn, text)),
        memory=memory.dump(),
        prompt=f"playbooks@{turn.playbooks.version}",
    )


# ── memory ───────────────────────────────────────────────────────────────────────────────────


def _remember(turn: Turn, answers: Sequence[Answer], *, misses: int) -> Memory:
    memory = turn.memory
    waiting = tuple(answer.need for answer in answers if answer.waits)
    ask = next((answer.ask for answer in answers if answer.waits), None)
    if ask is None:
        ask = next((answer.ask for answer in reversed(answers) if answer.ask is not None), None)
    if ask is None and turn.kept is not None:
        ask, waiting = turn.kept, memory.needs
    said = {**memory.said, **turn.said}
    return Memory(
        order_no=_order_in_talk(turn, answers),
        expecting=_expecting(turn, ask),
        claim={} if turn.proven else turn.claim,
        tried={} if turn.proven else _tried(turn),
        needs=tuple(_short(need) for need in waiting),
        ask=ask,
        said=dict(list(said.items())[-SAID_KEPT:]),
        sorry=memory.sorry or "sorry" in turn.said,
        topics=_topics(turn),
        misses=misses,
        fails=memory.fails + 1 if any(answer.failed for answer in answers) else 0,
        thing=next((a.thing for a in reversed(answers) if a.thing), memory.thing),
        tags=turn.tags[-TAGS_KEPT:],
        upset=_upset(turn),
        calmed=memory.calmed or turn.calm,
        unwanted=memory.unwanted + 1 if turn.unwanted else 0,
        done=tuple(dict.fromkeys((*memory.done, *turn.done)))[-DONE_KEPT:],
    )


def _upset(turn: Turn) -> bool:
    """Whether this message wants something in anger; a bare number or name is no mood."""
    meaning = turn.view.understanding
    return meaning.sentiment == "angry" and bool(meaning.intents)


def _topics(turn: Turn) -> tuple[str, ...]:
    """What the conversation is about: needs, without courtesies and without the wish for a person."""
    now = [n.intent for n in turn.needs if turn.playbooks.intents[n.intent].kind == "service"]
    return tuple(dict.fromkeys((*(t for t in turn.memory.topics if t not in now), *now)))[-TOPICS_KEPT:]


_EXPECTING = {
    "order": "order_no",
    "lines": "lines",
    "details": "lines",
    "choice": "lines",
    "confirm": "yes_no",
    "offer": "yes_no",
    "retry": "yes_no",
    "withdraw": "yes_no",
}


def _expecting(turn: Turn, ask: Ask | None) -> str | None:
    if ask is None:
        return None
    if ask.kind == "proof":
        return "proof" if "order_no" in turn.claim else "order_no"
    return _EXPECTING.get(ask.kind)


def _order_in_talk(turn: Turn, answers: Sequence[Answer]) -> str | None:
    """The last order that was answered about; a number that was not found is not kept."""
    found = [answer.order_no for answer in answers if answer.order_no]
    verified = turn.verified
    return found[-1] if found else turn.memory.order_no or (verified.order_no if verified else None)


def _tried(turn: Turn) -> dict[str, str]:
    refused = [
        r.call.args
        for r in turn.view.results
        if r.call.name == "verify_customer" and r.ok and r.data.get("verified") is False
    ]
    return {str(k): str(v) for k, v in refused[-1].items()} if refused else turn.memory.tried


def _short(need: Need) -> Need:
    return need.model_copy(update={"absorbed": need.absorbed[:4]})


# ── for the colleague ────────────────────────────────────────────────────────────────────────


def summary(turn: Turn, answers: Sequence[Answer]) -> str:
    """What a colleague must know, in the store's own language: wants, order, requests, words."""
    lang = turn.view.store.languages[0]
    pieces = turn.playbooks.words.pieces

    def piece(name: str, **values: str) -> str:
        text = pick(pieces[name], lang)
        for blank, value in values.items():
            text = text.replace("{" + blank + "}", value)
        return text

    named = [s.id for s in turn.view.understanding.intents]
    intents = list(dict.fromkeys((*_topics(turn), *(n.intent for n in turn.needs), *named)))
    order_no = (
        _order_in_talk(turn, answers)
        or turn.claim.get("order_no")
        or next(iter(turn.view.understanding.slots.order_no), None)
    )
    requests = ", ".join(f"{a.action_id} {a.tool} {a.status.value}" for a in turn.view.actions)
    parts = [
        piece("summary_wants", intents=", ".join(intents)) if intents else "",
        piece("summary_order", order_no=order_no, proof=piece("proven" if turn.proven else "unproven"))
        if order_no
        else "",
        piece("summary_actions", actions=requests) if requests else "",
        piece("summary_risk", risk=", ".join(turn.view.understanding.risk_words))
        if turn.view.understanding.risk_words
        else "",
        *(
            piece("summary_details", details=excerpt(said, 300))
            for answer in answers
            if (said := "; ".join(part for part in (answer.about, answer.need.details) if part))
        ),
        piece("summary_tags", tags=", ".join(tags)) if (tags := _tags_beside_risks(turn)) else "",
        piece("summary_words", words=excerpt(turn.view.text, 300)),
    ]
    return " ".join(part for part in parts if part)


def _tags_beside_risks(turn: Turn) -> list[str]:
    return [tag for tag in turn.tags if tag not in turn.view.understanding.risk_words]
