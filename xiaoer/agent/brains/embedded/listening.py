"""From a message to the needs of a turn: what is wanted, what answers the open question.

The understanding is given; this joins it with what the desk remembers: needs that wait for a
proof, the question that stands open, the order that is being talked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.claim import read_claim
from xiaoer.agent.brains.embedded.memory import WORDS_KEPT, Ask, Need, load_memory
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.protocol import TurnView
from xiaoer.domain.actions import OPEN
from xiaoer.domain.orders import order_key
from xiaoer.prompts.playbooks import Playbooks

SURE_ENOUGH = 0.6  # a second reading of a message that answers a question must be at least this sure
ORDERS_A_MESSAGE = 3
NEEDS_A_MESSAGE = 4
# What a plain answer is easily mistaken for.
_WEAK = frozenset({"product_question", "stock_question", "out_of_scope", "greeting", "thanks_bye"})
# Two readings of the same words: a question about money back is not a wish for more of it.
_RIVALS = ({"refund_request", "refund_status"},)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the answer to an open question leads to."""

    needs: tuple[Need, ...] = ()
    closing: str | None = None


def listen(playbooks: Playbooks, view: TurnView) -> Turn:
    """The turn with its needs in order; nothing is called or said yet."""
    turn = Turn(view=view, playbooks=playbooks, memory=load_memory(view.memory))
    turn.claim = read_claim(turn)
    turn.asking = reading.asks(view.text, playbooks.words.match)
    heard = _hear(turn)
    fresh = _fresh_needs(turn, answered=heard is not None)
    if heard is not None:
        turn.closing = heard.closing if not (heard.needs or fresh) else None
        needs = (*heard.needs, *fresh)
    else:
        needs = _unanswered(turn, fresh)
    turn.needs = _settle(turn, needs)
    return turn


# ── answers ──────────────────────────────────────────────────────────────────────────────────


def _hear(turn: Turn) -> Heard | None:
    ask = turn.memory.ask
    if _dropped(turn):
        return Heard(closing="withdraw" if _open_request(turn) else "nothing_done")
    if ask is None:
        return None
    if _interrupts(turn, ask):
        return None
    heard = _hear_correction(turn, ask)
    return heard or (_READERS[ask.kind](turn, ask) if ask.kind in _READERS else None)


def _interrupts(turn: Turn, ask: Ask) -> bool:
    """A question with a matter of its own is no answer to ours; nothing is chosen or agreed to by it."""
    if not turn.asking or ask.kind in ("proof", "order", "retry"):
        return False
    waiting = {need.intent for need in turn.memory.needs} | ({ask.intent} if ask.intent else set())
    taken = {
        also for i in waiting if i in turn.playbooks.intents for also in turn.playbooks.intents[i].absorbs
    }
    main = turn.view.understanding.main
    own = main is not None and main not in waiting | taken
    return own or (main is None and ask.kind in ("confirm", "offer"))


def _dropped(turn: Turn) -> bool:
    """ "算了，不退了": what was begun is let go; a message with a need of its own is not this."""
    meaning = turn.view.understanding
    if meaning.slots.as_dict() or any(s.confidence >= SURE_ENOUGH for s in meaning.intents):
        return False
    return reading.mentions(reading.plain(turn.view.text), turn.playbooks.words.match.drop)


def _open_request(turn: Turn) -> bool:
    return any(action.status in OPEN for action in turn.view.actions)


def _hear_correction(turn: Turn, ask: Ask) -> Heard | None:
    """Another order number instead of an answer: the waiting need is about that order."""
    named = turn.view.understanding.slots.order_no
    first = turn.memory.needs[:1]
    if ask.kind not in ("lines", "reason", "confirm") or not first:
        return None
    if not named and _means_another(turn):
        return _continue(turn, lambda _: {"order_no": None, "lines": (), "other": True, "confirmed": False})
    if not named:
        return None
    if order_key(named[0]) == order_key(first[0].order_no or turn.memory.order_no or ""):
        return None
    text = turn.view.text
    return _continue(
        turn,
        lambda need: {
            "order_no": named[0],
            "lines": (),
            "confirmed": True,
            "words": _join(need.words, text),
        },
    )


def _hear_proof(turn: Turn, ask: Ask) -> Heard | None:
    if turn.claim == turn.memory.claim and not turn.proven:
        return _hear_detail(turn)
    old, new = turn.memory.claim.get("order_no"), turn.claim.get("order_no")
    moved = [
        need.model_copy(update={"order_no": new}) if old and need.order_no == old else need
        for need in turn.memory.needs
    ]
    return Heard(tuple(moved))


def _hear_detail(turn: Turn) -> Heard | None:
    """ "It's too small" while the proof is awaited: why, not a new matter."""
    match, said = turn.playbooks.words.match, reading.plain(turn.view.text)
    about = [need for need in turn.memory.needs if turn.playbooks.intents[need.intent].tools]
    if not about or reading.read_reason(said, match) is None or reading.mentions(said, match.swap):
        return None
    if {"human_agent", "complaint"} & {s.id for s in turn.view.understanding.intents}:
        return None
    turn.detail = True
    return _continue(turn, lambda need: {"words": _join(need.words, turn.view.text)})


def _hear_order(turn: Turn, ask: Ask) -> Heard | None:
    named = turn.view.understanding.slots.order_no
    chosen = named[0] if named else _choose_one(turn, ask)
    if chosen is None:
        return None
    text = turn.view.text
    change = {"order_no": chosen, "confirmed": True}
    needs = [
        need if need.order_no else need.model_copy(update={**change, "words": _join(need.words, text)})
        for need in turn.memory.needs
    ]
    return Heard(tuple(needs))


def _choose_one(turn: Turn, ask: Ask) -> str | None:
    if turn.view.understanding.yes_no == "any" and ask.options:
        return ask.options[0].id
    picked = _pick(turn, ask)
    if len(picked) == 1:
        return picked[0]
    digits = re.findall(r"\d{3,}", turn.view.text)
    ending = [o.id for o in ask.options if any(order_key(o.id).endswith(d) for d in digits)]
    return ending[0] if len(ending) == 1 else None


def _pick(turn: Turn, ask: Ask) -> tuple[str, ...]:
    options = [(choice.id, choice.text) for choice in ask.options]
    return reading.pick(turn.view.text, options, turn.playbooks.words.match, listed=True).ids


def _hear_lines(turn: Turn, ask: Ask) -> Heard | None:
    every = tuple(choice.id for choice in ask.options)
    picked = _pick(turn, ask)
    reason = reading.read_reason(turn.view.text, turn.playbooks.words.match)
    if not picked and reason is not None and not turn.view.understanding.intents:
        return _continue(turn, lambda _: {"reason": reason})
    if not picked and (turn.view.understanding.yes_no == "any" or _says_all(turn)):
        picked = every
    if not picked:
        return None
    text = turn.view.text
    return _continue(turn, lambda need: {"lines": picked, "words": _join(need.words, text)})


def _says_all(turn: Turn) -> bool:
    return reading.plain(turn.view.text).strip(" .!。！的要") in {"都", "全", "all", "both"}


def _hear_reason(turn: Turn, ask: Ask) -> Heard | None:
    reason = reading.read_reason(turn.view.text, turn.playbooks.words.match)
    if reason is None and turn.view.understanding.yes_no == "any":
        reason = "other"
    if reason is None:
        return _hear_fewer(turn, ask)
    return _continue(turn, lambda need: {"reason": reason})


def _hear_fewer(turn: Turn, ask: Ask) -> Heard | None:
    """ "Only the lamp, then": other items than were shown."""
    picked = _pick(turn, ask)
    return _continue(turn, lambda _: {"lines": picked}) if picked else None


def _hear_confirm(turn: Turn, ask: Ask) -> Heard | None:
    answer = turn.view.understanding.yes_no
    if answer is None or turn.asking:
        return _hear_fewer(turn, ask)
    if answer == "no":
        return Heard(turn.memory.needs[1:], closing="nothing_done")
    return _continue(turn, lambda need: {"confirmed": True})


def _hear_offer(turn: Turn, ask: Ask) -> Heard | None:
    answer = turn.view.understanding.yes_no
    if ask.reason == "not_received" and _has_searched(turn):
        need = Need(intent=str(ask.intent), order_no=ask.order_no, reason=ask.reason, asked=True)
        return Heard((*turn.memory.needs, need))
    if ask.intent is None or (answer is None and not _names_offer(turn, ask.intent)):
        return None
    if answer == "no":
        return Heard(turn.memory.needs, closing="all_right")
    need = Need(
        intent=ask.intent,
        order_no=ask.order_no,
        reason=ask.reason,
        lines=ask.lines,
        words=turn.view.text[:80],
    )
    return Heard((*turn.memory.needs, need))


def _has_searched(turn: Turn) -> bool:
    """ "No, nobody has it" answers "please look at your neighbours'", not "shall I request it?"."""
    plain = reading.plain(turn.view.text)
    return reading.mentions(plain, turn.playbooks.words.match.searched) and not turn.asking


def _names_offer(turn: Turn, offered: str) -> bool:
    """ "是的帮我退": the offer itself is wished for, or what it answers too."""
    playbook = turn.playbooks.intents.get(offered)
    main = turn.view.understanding.main
    return playbook is not None and main in (offered, *playbook.absorbs)


def _hear_retry(turn: Turn, ask: Ask) -> Heard | None:
    said = reading.plain(turn.view.text)
    again = reading.mentions(said, turn.playbooks.words.match.again)
    return Heard(turn.memory.needs) if again or turn.view.understanding.yes_no in ("yes", "any") else None


def _hear_choice(turn: Turn, ask: Ask) -> Heard | None:
    picked = _pick(turn, ask)
    if not picked:
        return None
    return Heard(tuple(Need(intent=intent) for intent in picked))


_READERS: dict[str, Callable[[Turn, Ask], Heard | None]] = {
    "proof": _hear_proof,
    "order": _hear_order,
    "lines": _hear_lines,
    "reason": _hear_reason,
    "confirm": _hear_confirm,
    "offer": _hear_offer,
    "retry": _hear_retry,
    "choice": _hear_choice,
}


def _continue(turn: Turn, change: Callable[[Need], dict[str, object]]) -> Heard:
    """The need that had asked goes on with what it has learned; the others wait behind it."""
    first, rest = turn.memory.needs[:1], turn.memory.needs[1:]
    return Heard((*(need.model_copy(update=change(need)) for need in first), *rest))


# ── needs ────────────────────────────────────────────────────────────────────────────────────


def _fresh_needs(turn: Turn, *, answered: bool) -> tuple[Need, ...]:
    """The needs that this message names; in an answer only what clearly goes beyond it."""
    scores = [s for s in turn.view.understanding.intents if s.id in turn.playbooks.intents]
    if turn.detail:
        scores = []
    if answered:
        scores = [s for s in scores if s.confidence >= SURE_ENOUGH and s.id not in _WEAK]
        if reading.residue(turn.view.text, _slot_values(turn)) < 4:
            scores = []
        waiting = {need.intent for need in turn.memory.needs}
        scores = [s for s in scores if s.id not in waiting]
    ids = _surest([s.id for s in scores])[:NEEDS_A_MESSAGE]
    if not answered:
        ids = _implied(turn, ids)
    other = not answered and _means_another(turn)
    words = turn.view.text[:WORDS_KEPT]
    return _with_orders(turn, [Need(intent=i, words=words, asked=turn.asking, other=other) for i in ids])


def _surest(ids: Sequence[str]) -> list[str]:
    """Each once; of two readings of the same words only the surer, which comes first."""
    kept: list[str] = []
    for intent in dict.fromkeys(ids):
        if not any({intent, other} in _RIVALS for other in kept):
            kept.append(intent)
    return kept


def _implied(turn: Turn, ids: list[str]) -> list[str]:
    """What a message without a need of its own asks for by what was said before."""
    last = turn.memory.topics[-1:]
    if last and reading.is_one_of(turn.view.text, turn.playbooks.words.match.further):
        return list(last)
    if any(turn.playbooks.intents[i].kind != "courtesy" for i in ids):
        return ids
    if _only_slots(turn):
        return ["track_parcel"]  # a bare order number asks where the order is
    if turn.memory.order_no and not turn.view.understanding.slots.as_dict() and _means_another(turn):
        return list(last) or ["track_parcel"]
    return ids


def _means_another(turn: Turn) -> bool:
    """ "不是这个单，是另一个": another order of the same customer; with a choice open, only if it says order."""
    match, said = turn.playbooks.words.match, reading.plain(turn.view.text)
    if not turn.memory.order_no or turn.view.understanding.slots.order_no:
        return False
    loose = () if turn.memory.ask is not None and turn.memory.ask.options else match.other
    return reading.mentions(said, (*match.another, *loose))


def _only_slots(turn: Turn) -> bool:
    slots = turn.view.understanding.slots
    return bool(
        slots.order_no or slots.tracking_no or (turn.claim != turn.memory.claim and not turn.memory.needs)
    )


def _slot_values(turn: Turn) -> list[str]:
    slots = turn.view.understanding.slots.as_dict()
    return [value for values in slots.values() for value in values] + list(turn.claim.values())


def _with_orders(turn: Turn, needs: Sequence[Need]) -> tuple[Need, ...]:
    """Orders named in the message belong to its needs: one each in order, or each order to the one need."""
    orders = list(dict.fromkeys(turn.view.understanding.slots.order_no))[:ORDERS_A_MESSAGE]
    about = [need for need in needs if turn.playbooks.intents[need.intent].needs]
    if not orders or not about:
        return tuple(needs)
    if len(about) == 1:
        about = [about[0].model_copy(update={"one_of": len(orders) > 1})]
        pairs = [(about[0], order) for order in orders]
    else:
        pairs = [
            (need, orders[i] if len(orders) == len(about) else orders[0]) for i, need in enumerate(about)
        ]
    named = [need.model_copy(update={"order_no": order}) for need, order in pairs]
    return tuple(sorted([*named, *(n for n in needs if not _in(about, n))], key=lambda n: _place(needs, n)))


def _in(needs: Sequence[Need], need: Need) -> bool:
    return any(other.intent == need.intent for other in needs)


def _place(needs: Sequence[Need], need: Need) -> int:
    return next(i for i, other in enumerate(needs) if other.intent == need.intent)


def _unanswered(turn: Turn, fresh: tuple[Need, ...]) -> tuple[Need, ...]:
    """The open question was not answered: another topic, or nothing that could be used."""
    memory = turn.memory
    kind = memory.ask.kind if memory.ask else None
    serious = [need for need in fresh if turn.playbooks.intents[need.intent].kind != "courtesy"]
    if not fresh:
        turn.missed = not _plain_answer(turn)
        return () if kind in (None, "offer", "choice") else memory.needs
    orderly = any(turn.playbooks.intents[need.intent].needs for need in fresh)
    if kind in ("proof", "order", "retry") and serious and orderly:
        return (*memory.needs, *fresh)
    again = {need.intent for need in serious} & {need.intent for need in memory.needs[:1]}
    if again:
        return (*memory.needs, *fresh)
    turn.kept = memory.ask if kind != "offer" or not serious else None
    turn.back_to = kind if serious and kind in ("lines", "reason", "confirm") else None
    return fresh


def _plain_answer(turn: Turn) -> bool:
    """A yes, no, whatever or 🙏 to nothing in particular is no riddle."""
    if turn.memory.ask is not None:
        return False
    if turn.view.understanding.yes_no is None and any(char.isalnum() for char in turn.view.text):
        return False
    turn.closing = "all_right"
    return True


def _settle(turn: Turn, needs: Sequence[Need]) -> tuple[Need, ...]:
    """Each need once, without those that another one answers, and without courtesies beside them."""
    merged: list[Need] = []
    # What was remembered may come from older playbooks.
    for need in (n for n in needs if n.intent in turn.playbooks.intents):
        same = next((i for i, other in enumerate(merged) if _is_same(other, need)), None)
        if same is None:
            merged.append(need)
        else:
            merged[same] = _merge(merged[same], need)
    kept = [_absorb(turn, need, merged) for need in merged if not _absorbed(turn, need, merged)]
    serious = [need for need in kept if turn.playbooks.intents[need.intent].kind != "courtesy"]
    return tuple(serious[: 2 * NEEDS_A_MESSAGE] or kept[:1])


def _is_same(one: Need, other: Need) -> bool:
    if one.intent != other.intent:
        return False
    return None in (one.order_no, other.order_no) or order_key(one.order_no or "") == order_key(
        other.order_no or ""
    )


def _merge(old: Need, new: Need) -> Need:
    return old.model_copy(
        update={
            "words": _join(old.words, new.words),
            "asked": old.asked and new.asked,
            "other": new.other,
            "order_no": new.order_no or old.order_no,
            "reason": new.reason or old.reason,
            "lines": new.lines or old.lines,
        }
    )


def _absorbed(turn: Turn, need: Need, needs: Sequence[Need]) -> bool:
    return any(
        need.intent in turn.playbooks.intents[other.intent].absorbs and _fits_order(need, other)
        for other in needs
        if other is not need
    )


def _absorb(turn: Turn, need: Need, needs: Sequence[Need]) -> Need:
    """What it answers too is kept in mind: a refund that came with a return sends the goods back."""
    taken = turn.playbooks.intents[need.intent].absorbs
    also = tuple(o.intent for o in needs if o is not need and o.intent in taken and _fits_order(o, need))
    return need.model_copy(update={"absorbed": (*need.absorbed, *also)}) if also else need


def _fits_order(one: Need, other: Need) -> bool:
    return None in (one.order_no, other.order_no) or one.order_no == other.order_no


def _join(old: str, new: str) -> str:
    return (old if new in old else f"{old}\n{new}" if old else new)[-WORDS_KEPT:]
