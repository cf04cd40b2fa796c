"""The words that a playbook may use: facts and their values, blanks of replies, promises, claims.

The embedded brain computes every fact and fills every blank from tool results and the ledger; a
playbook can only refer to them. The linter refuses any other word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.orders import OrderState
from xiaoer.domain.parcels import Verdict
from xiaoer.domain.policy import REASONS
from xiaoer.domain.promises import PromiseKind
from xiaoer.domain.understanding import INTENTS, SENTIMENTS


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a branch may ask for, and every answer it can get."""

    meaning: str
    values: tuple[str, ...]
    many: bool = False  # several values hold at once; a condition fits when one of its values does


YES_NO = ("yes", "no")

FACTS: dict[str, Fact] = {
    "order_state": Fact("state of the order in the shop's record", tuple(s.value for s in OrderState)),
    "parcels": Fact("how many parcels the order has so far", ("none", "one", "several")),
    "verdicts": Fact("verdicts on the parcels of the order", tuple(v.value for v in Verdict), many=True),
    "unshipped": Fact("some items of the order are in no parcel yet", YES_NO),
    "ship_by": Fact("the date by which the order should ship", ("future", "passed", "unknown")),
    "estimate": Fact("the latest expected arrival of what is on its way", ("future", "passed", "unknown")),
    "returning": Fact("the customer wants to send the items back", YES_NO),
    "money_back": Fact("the customer wants the money back", YES_NO),
    "reason": Fact("why, in the customer's words", (*REASONS, "unknown")),
    "lines": Fact("which items are meant", ("chosen", "unclear", "nothing")),
    "sure": Fact("the customer named this order, or it is the only one", YES_NO),
    "decision": Fact("what the shop's policy says to it", ("allow", "needs_approval", "deny")),
    "reason_matters": Fact("with another reason the policy would decide otherwise", YES_NO),
    "part": Fact("of several items denied together, some can be requested alone", YES_NO),
    "stray": Fact("the customer names a product of the shop that this order does not hold", YES_NO),
    "action": Fact(
        "where this customer's own request for it stands", ("none", *(s.value for s in ActionStatus))
    ),
    "covered": Fact("another open request of the customer is about the same items already", YES_NO),
    "proposal": Fact(
        "what became of the request made in this turn",
        ("none", "pending", "approved", "rejected"),
    ),
    "refunds": Fact("the newest refund on the order's record", ("none", "pending", "succeeded", "failed")),
    "returns": Fact("the order has a return on its record", YES_NO),
    "knowledge": Fact("the shop's knowledge answers the question", ("found", "none")),
    "statement": Fact(
        "the shop's policy speaks about the question, or about its topic in general",
        ("found", "general", "none"),
    ),
    "product": Fact("the catalogue has the product that is asked about", ("found", "none")),
    "details": Fact(
        "the customer has said what a colleague needs: the new address, the wanted change", YES_NO
    ),
    "tracking_no": Fact("the customer gave a tracking number", YES_NO),
    "also": Fact("other needs in the same message", INTENTS, many=True),
    "mood": Fact("how the customer feels", SENTIMENTS),
}

# A reply that claims an effect may stand only where one of these facts says that it has happened.
RECEIPTS: dict[str, frozenset[str]] = {
    "action": frozenset({"succeeded"}),
    "refunds": frozenset({"succeeded"}),
    "order_state": frozenset({"cancelled"}),
}


@dataclass(frozen=True, slots=True)
class Promise:
    """Something the customer may rely on; `sounds` is how a reply says it."""

    meaning: str
    sounds: tuple[re.Pattern[str], ...]


def _promise(meaning: str, *sounds: str) -> Promise:
    return Promise(meaning, tuple(re.compile(sound, re.IGNORECASE) for sound in sounds))


PROMISES: dict[str, Promise] = {
    "tell_outcome": _promise(
        "the customer hears here how the request was decided, and when it is done",
        r"\b(?:I'll|I will|we'll) (?:tell|let you know|write|confirm)",
        r"\byou(?:'ll| will) (?:hear|see)\b",
        r"(?:会|就)在这里(?:告诉|通知)",
        r"第一时间",
    ),
    "colleague_decides": _promise(
        "a colleague looks at the request and decides it",
        r"\bcolleague (?:will|has to|needs to|must|now) ?(?:confirm|check|decide|approve)",
        r"(?<![转让要])同事(?:会|需要|正在)?(?:确认|核实|审核)",
    ),
    "colleague_answers": _promise(
        "a colleague takes the conversation over and answers here",
        r"\bcolleague (?:will|takes|can) (?:take|answer|write|over|look)",
        r"(?<![转让要])同事(?:会)?(?:接手|回复|来处理)",
    ),
    "return_instructions": _promise(
        "once a return is confirmed, the customer gets the instructions for it here",
        r"\breturn (?:instructions|label)\b",
        r"(?:退货|寄回)(?:方式|说明|面单)",
    ),
    "comes_back": _promise(
        "the same matter is looked at again by the named day, and the customer is written to when it has moved",
        r"\{look_again\}",
        r"\b(?:look|check)(?: (?:at|on) (?:it|this))?(?: it)? again (?:on|by|tomorrow)\b",
        r"\bwrite (?:to )?you (?:here )?as soon as\b",
        r"一有(?:动静|变化|进展|消息)",
        r"再(?:帮您|为您)?(?:查|看|核对)一(?:次|遍)",
    ),
    "supplier_asked": _promise(
        "the supplier was asked, and answers by the date that the record shows",
        r"\basked the (?:warehouse|supplier)",
        r"已(?:经)?(?:向|问|联系)(?:仓库|供应商|发货方)",
    ),
}

# Promises after which the customer waits for us: each needs a branch that makes sure of it.
AWAITED = ("tell_outcome", "comes_back")
# What says that somebody or something will come back by itself: the ledger tells what became of a request.
KEPT_BY: dict[str, frozenset[str]] = {
    "action": frozenset({"proposed", "pending", "approved", "executing", "unknown"}),
    "proposal": frozenset({"pending", "approved"}),
    "covered": frozenset({"yes"}),
}
FOLLOW_UPS: tuple[str, ...] = tuple(kind.value for kind in PromiseKind)

# Blanks of a reply: what each is filled with. An empty one drops the [section] that holds it.
BLANKS: dict[str, str] = {
    "order_no": "the number of the order",
    "parcels": "every parcel of the order: carrier, number, state, since when, where",
    "unshipped": "the items that are in no parcel yet",
    "ship_by": "the date by which the order should ship",
    "delivered_on": "when the newest delivered parcel arrived",
    "delivered_at": "where, as the carrier says it",
    "cancelled_on": "when the order was cancelled",
    "refunded": "how much has been refunded on the order so far",
    "refund_destination": "where the newest refund went",
    "refund_on": "when the newest refund was made",
    "lines": "the items that are meant",
    "part": "of the items that are meant, those that can be requested",
    "rest": "of the items that are meant, those that the policy denies",
    "stray": "the product that the customer names and the order does not hold",
    "choices": "the items or orders to choose from, numbered",
    "reason": "the reason, in our words",
    "amount": "the amount, as the record gives it",
    "destination": "where the money goes",
    "action_id": "the number of the request",
    "action_note": "what the colleague noted when deciding",
    "label_url": "the return label's address",
    "clause": "the clause of the policy that decided, as a customer may read it",
    "statements": "what the shop's policy says about the question",
    "answer": "the text of the knowledge entry",
    "product": "the product: name, description, variants with price and availability",
    "answer_by": "until when the supplier should have answered",
    "look_again": "the day on which the matter is looked at again; only where the branch follows up",
    "tracking_no": "the tracking number that the customer gave",
    "tries_left": "how many tries of proof are left",
    "opens": "when people are at the desk again; empty while they are there",
    "store": "the shop's name",
    "me": "the assistant's name",
}

GATES: dict[str, str] = {
    "order": "an order that is proven to be the customer's (proof level 2, or the shop's own log-in)",
}
QUESTIONS: dict[str, str] = {
    "lines": "which items are meant",
    "reason": "why",
    "details": "what exactly is wanted, in free words that are kept for the colleague",
    "confirm": "whether this is really wanted",
}
CITES: dict[str, str] = {
    "clause": "the clause of the policy that decided",
    "knowledge": "the knowledge entry that answered",
    "statement": "the statements of the policy that were told",
}
HAND_OFF_REASONS = ("asked", "missed", "angry", "risk", "tool_down", "policy_gap", "locked", "unsupported")

# What a playbook may have read ahead, and the arguments that a message yields for it.
PREFETCHABLE: dict[str, tuple[str, ...]] = {
    "track_order": ("order_no",),
    "get_order": ("order_no",),
    "search_knowledge": ("query",),
    "get_product": ("query",),
}
# Reversible writes that a branch may do before it speaks.
WRITES = ("report_gap", "ask_supplier")
PROPOSABLE = ("cancel_order", "create_return_label", "issue_refund")
