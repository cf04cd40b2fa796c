"""From a message to the needs of a turn: what is wanted, what answers the open question.

The understanding is given; this joins it with what the desk remembers: needs that wait for a
proof, the question that stands open, the order that is being talked about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.answering import SURE_ENOUGH, hear
from xiaoer.agent.brains.embedded.claim import read_claim, with_tail
from xiaoer.agent.brains.embedded.hints import (
    declines_money,
    explains,
    join,
    means_another,
    open_request,
    wants_money,
)
from xiaoer.agent.brains.embedded.memory import WORDS_KEPT, Need, load_memory
from xiaoer.agent.brains.embedded.tone import answer_tone, gibberish, read_tone
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.agent.brains.protocol import TurnView
from xiaoer.domain.orders import order_key
from xiaoer.domain.understanding import IntentScore
from xiaoer.prompts.playbooks import Playbooks

SURE_AT_ALL = 0.35
SURE_DEED = 0.45  # a deed beside the main need
SURE_OUTSIDE = 0.4  # that a message is about nothing of the shop
SURE_BESIDE = 0.9  # a matter for a person, beside a need that can be settled here
BARE_WISH = 4  # words of a wish that names nothing
ORDERS_A_MESSAGE = 3
NEEDS_A_MESSAGE = 4
# What a plain answer is easily mistaken for.
_WEAK = frozenset({"product_question", "stock_question", "out_of_scope", "greeting", "thanks_bye"})
# Two readings of the same words: a question about money back is not a wish for more of it.
_RIVALS = (("refund_request", "refund_status"),)


def listen(playbooks: Playbooks, view: TurnView) -> Turn:
    """The turn with its needs in order; nothing is called or said yet."""
    turn = Turn(view=with_tail(view), playbooks=playbooks, memory=load_memory(view.memory))
    turn.claim = read_claim(turn)
    turn.asking = reading.asks(view.text, playbooks.words.match)
    read_tone(turn)
    if turn.unwanted:
        return turn
    heard = hear(turn)
    final = heard is not None and heard.final
    fresh = () if final else _fresh_needs(turn, answered=heard is not None)
    if heard is not None:
        turn.closing = heard.closing if not (heard.needs or fresh) else None
        needs = (*heard.needs, *fresh)
    else:
        needs = _unanswered(turn, fresh)
    turn.needs = _settle(turn, answer_tone(turn, needs))
    return turn


# ── needs ────────────────────────────────────────────────────────────────────────────────────


def _fresh_needs(turn: Turn, *, answered: bool) -> tuple[Need, ...]:
    """The needs that this message names; in an answer only what clearly goes beyond it."""
    scores = [s for s in turn.view.understanding.intents if s.id in turn.playbooks.intents]
    if turn.detail or _senseless(turn, scores):
        scores = []
    if answered:
        scores = [s for s in scores if s.confidence >= SURE_ENOUGH and s.id not in _WEAK]
        if reading.residue(turn.view.text, _slot_values(turn)) < 4:
            scores = []
        waiting = {need.intent for need in turn.memory.needs}
        if not turn.view.understanding.slots.order_no:
            waiting |= set(turn.memory.topics[-1:])  # what was just told is not told again
        scores = [s for s in scores if s.id not in waiting]
    ids = _surest([s for s in scores if not _doubtful(turn, s)])[:NEEDS_A_MESSAGE]
    if not answered:
        ids = _implied(turn, ids)
    other = not answered and means_another(turn)
    words = turn.view.text[:WORDS_KEPT]
    named = {s.id for s in scores}
    rest = not answered and _wants_the_rest(turn)
    guessed = {s.id for s in scores if s.confidence < SURE_DEED} - (
        set(turn.memory.topics) if rest else set()
    )
    needs = [
        Need(
            intent=i,
            words=words,
            asked=turn.asking or i in guessed or (i not in named and not rest),
            other=other,
            rest=rest,
        )
        for i in ids
    ]
    return _with_orders(turn, [_in_talk(turn, need) for need in needs])


def _in_talk(turn: Turn, need: Need) -> Need:
    """ "Exchange, then", where a refund of an item was offered: the same item is meant."""
    ask = turn.memory.ask
    bare = reading.residue(turn.view.text, _slot_values(turn)) <= BARE_WISH
    if ask is None or ask.kind != "offer" or not ask.lines or not bare:
        return need
    return need.model_copy(update={"lines": ask.lines, "order_no": ask.order_no, "reason": ask.reason})


def _senseless(turn: Turn, scores: Sequence[IntentScore]) -> bool:
    """Keys hit at random, or an unsure guess that nothing of the shop is meant: to be asked about, not declined."""
    if any(score.id not in _WEAK for score in scores) and not gibberish(turn.view.text):
        return False
    guessed = [s.id for s in scores] == ["out_of_scope"] and scores[0].confidence < SURE_OUTSIDE
    return guessed or gibberish(turn.view.text)


def _doubtful(turn: Turn, score: IntentScore) -> bool:
    """Money that is declined; and a matter for a person of which it is not clear that it is meant."""
    if score.id in ("refund_request", "refund_status") and declines_money(turn):
        return True
    if score.id == "exchange_item" and _sends_back(turn):
        return True
    playbook = turn.playbooks.intents[score.id]
    main = turn.view.understanding.main
    if playbook.tools and score.id != main and score.confidence < SURE_DEED:
        return True
    leading = score.id in (turn.view.understanding.main, "complaint")
    least = SURE_ENOUGH if leading else SURE_BESIDE
    if playbook.details is not None and playbook.kind == "service":
        return score.confidence < (SURE_AT_ALL if leading else SURE_ENOUGH)
    return playbook.kind == "hand_off" and score.id != "human_agent" and score.confidence < least


def _sends_back(turn: Turn) -> bool:
    """ "I want to return it, too small" wishes for no other one."""
    meaning = turn.view.understanding
    back = meaning.has("return_item") or meaning.has("refund_request")
    return back and not reading.mentions(reading.plain(turn.view.text), turn.playbooks.words.match.swap)


def _surest(scores: Sequence[IntentScore]) -> list[str]:
    """Each once; of two readings of the same words only the surer."""
    sure = {s.id: s.confidence for s in scores}
    beaten = {
        min(pair, key=lambda intent: sure[intent])
        for pair in _RIVALS
        if all(intent in sure for intent in pair)
    }
    better = {
        worse: next(p for pair in _RIVALS for p in pair if worse in pair and p != worse) for worse in beaten
    }
    return list(dict.fromkeys(better.get(intent, intent) for intent in sure))


def _implied(turn: Turn, ids: list[str]) -> list[str]:
    """What a message without a need of its own asks for by what was said before."""
    last = turn.memory.topics[-1:]
    if _wants_the_rest(turn):
        return list(last)
    if last and reading.is_one_of(turn.view.text, turn.playbooks.words.match.further):
        return list(last)
    if ids[:1] in (["cancel_order"], ["exchange_item"]) and explains(turn):
        return ["refund_status"]
    if _asks_on(turn, ids):
        return ["refund_status"]
    if _guessed_beside_number(turn, ids):
        return ["track_parcel"]
    if any(turn.playbooks.intents[i].kind != "courtesy" for i in ids):
        return ids
    if not ids and wants_money(turn):
        return ["refund_request"]
    if last and not ids and _names_thing(turn):
        return list(last)  # "and the fountain?"
    if _only_slots(turn):
        return ["track_parcel"]  # a bare order number asks where the order is
    if turn.memory.order_no and not turn.view.understanding.slots.as_dict() and means_another(turn):
        return list(last) or ["track_parcel"]
    return ids


def _asks_on(turn: Turn, ids: Sequence[str]) -> bool:
    """ "How long will it take?", unsure what it means, while a request of the customer is open."""
    scores = turn.view.understanding.intents
    unsure = bool(ids) and all(score.confidence < SURE_ENOUGH for score in scores)
    return unsure and turn.asking and open_request(turn) and not _slot_values(turn)


def _guessed_beside_number(turn: Turn, ids: Sequence[str]) -> bool:
    """Hardly a guess, and about no order, beside an order number: where the order is comes first."""
    scores = turn.view.understanding.intents
    about_order = any(turn.playbooks.intents[i].needs for i in ids)
    slots = turn.view.understanding.slots
    unsure = bool(ids) and all(score.confidence < SURE_AT_ALL for score in scores)
    return unsure and not about_order and bool(slots.order_no or slots.tracking_no)


def _names_thing(turn: Turn) -> bool:
    match = turn.playbooks.words.match
    return reading.overlap(turn.view.text, turn.memory.thing, match, match.idle) > 0


def _wants_the_rest(turn: Turn) -> bool:
    """ "OK, then the others too", after a request for a part of the order."""
    about = turn.memory.topics[-1:]
    if not about or about[0] not in ("refund_request", "return_item"):
        return False
    tools = turn.playbooks.intents[about[0]].tools
    asked = any(action.tool in tools for action in turn.view.actions)
    return asked and reading.mentions(reading.plain(turn.view.text), turn.playbooks.words.match.rest)


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
    if turn.playbooks.intents[about[0].intent].details == "written":
        orders = orders[:1]  # the other numbers are those of an address
    if len(about) == 1:
        about = [about[0].model_copy(update={"one_of": len(orders) > 1})]
        pairs = [(about[0], order) for order in orders]
    else:
        pairs = _paired(turn, about, orders)
    named = [need.model_copy(update={"order_no": order}) for need, order in pairs]
    return tuple(sorted([*named, *(n for n in needs if not _in(about, n))], key=lambda n: _place(needs, n)))


def _paired(turn: Turn, needs: Sequence[Need], orders: Sequence[str]) -> list[tuple[Need, str]]:
    """Each wish with the order number that stands nearest to its words; which is meant is then asked."""
    if len(orders) == 1:
        return [(need, orders[0]) for need in needs]
    match, said = turn.playbooks.words.match, reading.plain(turn.view.text)
    named = {
        "refund_request": match.money_back,
        "return_item": match.returning,
        "cancel_order": match.calling_off,
    }
    left, pairs = list(orders), []
    for need in sorted(needs, key=lambda n: n.intent not in named):
        at = reading.place_of(said, named.get(need.intent, ()))
        order = min(left or orders, key=lambda no: abs(said.find(reading.plain(no)) - at) if at >= 0 else 0)
        left = [no for no in left if no != order]
        pairs.append((need.model_copy(update={"asked": True}), order))
    return pairs


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
    turn.back_to = kind if serious and kind in ("lines", "reason", "confirm", "details") else None
    return fresh


def _plain_answer(turn: Turn) -> bool:
    """A yes, no, whatever or 🙏 to nothing in particular is no riddle."""
    if turn.memory.ask is not None:
        return False
    if turn.view.understanding.yes_no is None and re.search(r"[\w?？]", turn.view.text):
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
            "words": join(old.words, new.words),
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
