"""propose: an irreversible call becomes an entry for the ledger, never a call.

The server quotes from the record what would happen and what the policy says; the brain's own
words reach nothing but the reason. What the turn commits is the draft made here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from xiaoer.agent.brains.protocol import Proposed
from xiaoer.agent.state import Node, State
from xiaoer.domain.actions import OPEN, ActionDraft, ActionStatus, ActionView, Quote, QuoteLine, Terms
from xiaoer.domain.canonical import canonical_json
from xiaoer.domain.changes import CHANGING_TOOLS, Change, canonical_args, subjects_of
from xiaoer.domain.ids import derived_id
from xiaoer.domain.money import Money
from xiaoer.domain.refusals import BadInput
from xiaoer.domain.stores import pick
from xiaoer.domain.text import clean_text, excerpt
from xiaoer.tools.calls import Runner, ToolCall, ToolResult
from xiaoer.tools.catalog import QUOTES, Effect, effect_of

_STATUS = {
    "allow": ActionStatus.APPROVED,
    "needs_approval": ActionStatus.PENDING,
    "deny": ActionStatus.REJECTED,
}
_QUOTED_ARGS = ("order_no", "lines", "reason")
_MAX_PROPOSALS = 4  # a turn in which a brain asks for more is not a customer's wish


def make_propose(run: Runner) -> Node:
    async def propose(state: State) -> dict[str, Any]:
        drafts: list[ActionDraft] = []
        proposals: list[Proposed] = []
        for call in state["plan"].calls:
            if effect_of(call.name) is not Effect.IRREVERSIBLE:
                continue
            if len(state.get("proposals", ())) + len(proposals) >= _MAX_PROPOSALS:
                proposals.append(_refused(call, "Too many requests in one turn."))
                continue
            proposed, draft = await _propose(state, call, run)
            proposals.append(proposed)
            drafts += [draft] if draft else []
        return {"proposals": tuple(proposals), "drafts": tuple(drafts)}

    return propose


async def _propose(state: State, call: ToolCall, run: Runner) -> tuple[Proposed, ActionDraft | None]:
    if call.name not in QUOTES:
        return _refused(call, f"{call.name} cannot be done from here; a colleague can."), None
    _, quote_tool = QUOTES[call.name]
    try:
        args = _quoted_args(call)
    except BadInput as error:
        return _refused(call, str(error)), None
    result = await run(ToolCall(f"{call.id}_q", quote_tool, args), state["scope"], state["turn"].turn_id)
    if not result.ok:
        return _refused(call, result.error), None
    quote = read_quote(call.name, result)
    terms = _terms(state, call, args, quote)
    standing = _standing(state, terms)
    if standing:
        return _proposed(state, call, quote, standing), None
    draft = _draft(state, terms, quote)
    return _proposed(state, call, quote, _view(draft)), draft


def _quoted_args(call: ToolCall) -> dict[str, Any]:
    """What goes to the quoting read, and for the changing tools into the terms; raises BadInput."""
    if call.name in CHANGING_TOOLS:
        return canonical_args(call.name, call.args)
    return {name: call.args[name] for name in _QUOTED_ARGS if name in call.args}


def read_quote(tool: str, result: ToolResult) -> Quote:
    """A quote tool's structured result as the domain word."""
    data = result.data
    return Quote(
        tool=tool,
        order_no=data["order_no"],
        lines=tuple(
            QuoteLine(line["line_id"], line["title"], line["quantity"], Money(**line["amount"]))
            for line in data["lines"]
        ),
        amount=Money(**data["amount"]) if data["amount"] else None,
        destination=data["destination"],
        facts=data["facts"],
        decision=data["decision"],
        clause_id=data["clause_id"],
        clause_text=data["clause_text"],
        missing=tuple(data["missing"]),
        order_version=data["order_version"],
        policy_version=data["policy_version"],
        changes=tuple(Change(**one) for one in data.get("changes", ())),
    )


def _terms(state: State, call: ToolCall, asked: dict[str, Any], quote: Quote) -> Terms:
    turn = state["turn"]
    args = _final_args(call, asked, quote)
    seed = (turn.turn_id, call.name, canonical_json(args))
    return Terms(
        action_id=derived_id("A", *seed),
        tool=call.name,
        store=turn.store.id,
        conversation_id=turn.conversation_id,
        order_no=quote.order_no,
        args=args,
        amount=quote.amount,
        destination=quote.destination,
        order_version=quote.order_version,
        policy_version=quote.policy_version,
        expires_at=(turn.now + timedelta(hours=turn.store.approval_hours)).replace(microsecond=0),
        nonce=derived_id("N", *seed, length=16),
    )


def _final_args(call: ToolCall, asked: dict[str, Any], quote: Quote) -> dict[str, Any]:
    """Exactly what will run: the record's own order number and lines, the brain's words nowhere but in reason."""
    if call.name in CHANGING_TOOLS:
        return {**asked, "order_no": quote.order_no} if "order_no" in asked else asked
    args: dict[str, Any] = {
        "order_no": quote.order_no,
        "reason": excerpt(clean_text(str(call.args.get("reason") or "other")).text, 200),
    }
    if "lines" in call.args:
        args["lines"] = [{"line_id": line.line_id, "quantity": line.quantity} for line in quote.lines]
    return args


def _standing(state: State, terms: Terms) -> ActionView | None:
    """An open action, of the ledger or of this turn, that asks for the same already."""
    known = [*state["turn"].actions, *(p.action for p in state.get("proposals", ()) if p.action)]
    for action in known:
        same = (action.tool, action.order_no) == (terms.tool, terms.order_no)
        if same and action.status in OPEN and subjects_of(action.args) & subjects_of(terms.args):
            return action
    return None


def _draft(state: State, terms: Terms, quote: Quote) -> ActionDraft:
    meaning = state["understanding"]
    return ActionDraft(
        terms=terms,
        quote=quote,
        intent=meaning.main or "",
        customer_words=excerpt("\n".join(state["messages"]), 600),
        language=state["lang"],
        evidence=tuple(_evidence(state, quote.order_no)),
        customer_ref=state["scope"].customer_ref,
    )


def _evidence(state: State, order_no: str) -> list[dict[str, Any]]:
    """What the turn's own reads say about this order; shown to the person who decides."""
    wanted = ("get_order", "track_order")
    return [
        {"tool": result.call.name, "data": result.data}
        for result in state.get("results", ())
        if result.ok and result.call.name in wanted and result.data.get("order_no") == order_no
    ]


def _view(draft: ActionDraft) -> ActionView:
    terms = draft.terms
    return ActionView(
        action_id=terms.action_id,
        tool=terms.tool,
        status=_STATUS[draft.quote.decision],
        order_no=terms.order_no,
        args=terms.args,
        amount=terms.amount,
        destination=terms.destination,
        clause_id=draft.quote.clause_id,
    )


def _proposed(state: State, call: ToolCall, quote: Quote, action: ActionView) -> Proposed:
    text = pick(quote.clause_text, state["lang"])
    return Proposed(call, action, action.status.value, quote.clause_id, text)


def _refused(call: ToolCall, error: str) -> Proposed:
    return Proposed(call, None, "error", "", "", error)
