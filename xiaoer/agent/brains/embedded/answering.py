"""What the answer to an open question leads to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from xiaoer.agent.brains.embedded import reading
from xiaoer.agent.brains.embedded.hints import join, means_another, names_deed, open_request, wants_money
from xiaoer.agent.brains.embedded.memory import Ask, Need
from xiaoer.agent.brains.embedded.turn import Turn
from xiaoer.domain.orders import order_key

SHORT = 4  # words
SURE_ENOUGH = 0.6  # a second reading of a message that answers a question must be at least this sure


@dataclass(frozen=True, slots=True)
class Heard:
    """What the answer to an open question leads to."""

    needs: tuple[Need, ...] = ()
    closing: str | None = None
    final: bool = False  # the message says nothing beyond it


def hear(turn: Turn) -> Heard | None:
    ask = turn.memory.ask
    if _dropped(turn):
        return Heard(closing="withdraw" if open_request(turn) else "nothing_done", final=True)
    if ask is None:
        return None
    after_all = ask.kind == "offer" and ask.intent != "refund_request" and wants_money(turn)
    if after_all or _interrupts(turn, ask):
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
    said, match = reading.plain(turn.view.text), turn.playbooks.words.match
    needed = {s.id for s in meaning.intents if s.confidence >= SURE_ENOUGH}
    if not reading.mentions(said, (*match.calling_off, *match.again)):
        needed.discard("cancel_order")  # "never mind, keep it" cancels nothing but the request
    returned = reading.mentions(said, match.returning) and not reading.mentions(said, match.keep)
    if meaning.slots.as_dict() or needed or wants_money(turn) or returned:
        return False
    return reading.mentions(said, match.drop)


def _hear_correction(turn: Turn, ask: Ask) -> Heard | None:
    """Another order number instead of an answer: the waiting need is about that order."""
    named = turn.view.understanding.slots.order_no
    first = turn.memory.needs[:1]
    if ask.kind not in ("lines", "reason", "confirm", "details") or not first:
        return None
    if not named and _wants_to_go_back(turn):
        return _continue(
            turn, lambda _: {"lines": (), "reason": None, "details": "", "confirmed": False, "words": ""}
        )
    if not named and means_another(turn):
        return _continue(turn, lambda _: {"order_no": None, "lines": (), "other": True, "confirmed": False})
    if not named or ask.kind == "details":
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
            "words": join(need.words, text),
        },
    )


def _wants_to_go_back(turn: Turn) -> bool:
    return reading.is_one_of(turn.view.text, turn.playbooks.words.match.back)


def _hear_details(turn: Turn, ask: Ask) -> Heard | None:
    """Whatever is said is kept for the colleague, but a plain no."""
    answer = turn.view.understanding.yes_no
    if answer == "no":
        return Heard(turn.memory.needs[1:], closing="nothing_done")
    if answer in ("yes", "any") or turn.asking or _names_person(turn) or _only_polite(turn):
        return None
    if _does_something_else(turn):
        return None
    if reading.mentions(reading.plain(turn.view.text), turn.playbooks.words.match.drop):
        return Heard(turn.memory.needs[1:], closing="nothing_done", final=True)
    turn.detail = True
    return _continue(turn, lambda need: {"details": join(need.details, turn.view.text)})


def _does_something_else(turn: Turn) -> bool:
    """ "#1009, refund the filters" is no new address."""
    first = next(iter(turn.view.understanding.intents), None)
    if first is None or first.confidence < SURE_ENOUGH or first.id not in turn.playbooks.intents:
        return False
    waiting = {need.intent for need in turn.memory.needs}
    return bool(turn.playbooks.intents[first.id].tools) and first.id not in waiting


def _only_polite(turn: Turn) -> bool:
    main = turn.view.understanding.main
    courtesy = main in turn.playbooks.intents and turn.playbooks.intents[str(main)].kind == "courtesy"
    return courtesy and main != "out_of_scope" and reading.residue(turn.view.text, ()) <= SHORT


def _names_person(turn: Turn) -> bool:
    return turn.view.understanding.main == "human_agent"


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
    return _continue(turn, lambda need: {"words": join(need.words, turn.view.text)})


def _hear_order(turn: Turn, ask: Ask) -> Heard | None:
    named = turn.view.understanding.slots.order_no
    chosen = named[0] if named else _choose_one(turn, ask)
    if chosen is None:
        return None
    text = turn.view.text
    change = {"order_no": chosen, "confirmed": True}
    needs = [
        need if need.order_no else need.model_copy(update={**change, "words": join(need.words, text)})
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
    if not picked and reason is not None and not turn.asking and not names_deed(turn):
        return _continue(turn, lambda _: {"reason": reason})
    if not picked and (turn.view.understanding.yes_no == "any" or _says_all(turn)):
        picked = every
    text = turn.view.text
    if not picked and _narrowed(turn, ask):
        return _continue(turn, lambda _: {"words": text})
    if not picked:
        return None
    return _continue(turn, lambda need: {"lines": picked, "words": join(need.words, text)})


def _narrowed(turn: Turn, ask: Ask) -> bool:
    """Whether the words fit some of the items, so that only between these must be chosen."""
    options = [(choice.id, choice.text) for choice in ask.options]
    fitting = reading.pick(turn.view.text, options, turn.playbooks.words.match, listed=True).unclear
    return 1 < len(fitting) < len(options)


def _says_all(turn: Turn) -> bool:
    match = turn.playbooks.words.match
    return reading.is_one_of(turn.view.text, (*match.all, *match.whole))


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
    if ask.intent == "refund_request" and not turn.asking and wants_money(turn):
        # A refund is offered and spoken of: it may be a yes, or a question; so it is asked for in full.
        need = Need(intent=ask.intent, order_no=ask.order_no, reason=ask.reason, asked=_may_ask(turn))
        return Heard((*turn.memory.needs, need))
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


def _may_ask(turn: Turn) -> bool:
    """ "好的退款" may also ask where the refund stands: then a plain yes is wanted first."""
    return any(score.id == "refund_status" for score in turn.view.understanding.intents)


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


def _hear_withdraw(turn: Turn, ask: Ask) -> Heard | None:
    """Whether the request is really to be taken back; only a plain yes does it."""
    answer = turn.view.understanding.yes_no
    if answer == "yes" and open_request(turn):
        return Heard(closing="withdrawn", final=True)
    return Heard(turn.memory.needs, closing="all_right") if answer == "no" else None


_READERS: dict[str, Callable[[Turn, Ask], Heard | None]] = {
    "proof": _hear_proof,
    "order": _hear_order,
    "lines": _hear_lines,
    "reason": _hear_reason,
    "confirm": _hear_confirm,
    "details": _hear_details,
    "offer": _hear_offer,
    "retry": _hear_retry,
    "choice": _hear_choice,
    "withdraw": _hear_withdraw,
}


def _continue(turn: Turn, change: Callable[[Need], dict[str, object]]) -> Heard:
    """The need that had asked goes on with what it has learned; the others wait behind it."""
    first, rest = turn.memory.needs[:1], turn.memory.needs[1:]
    return Heard((*(need.model_copy(update=change(need)) for need in first), *rest))
