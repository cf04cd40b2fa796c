"""The trace of a turn: what staff see of it, and what replay compares. No secret, no personal data.

The messages themselves stand in their own table; the trace holds tokens (`<email:1>`) in their place, the same
token for the same value throughout one turn.
"""

from __future__ import annotations

from typing import Any

from xiaoer.agent.state import State
from xiaoer.agent.taint import taint_of
from xiaoer.domain.pii import Kind, Masker
from xiaoer.tools.calls import ToolResult

# Arguments and slots that prove who somebody is: the trace says that they were given, not what they were.
_PROOFS = {
    "email": Kind.EMAIL,
    "phone_tail": Kind.PHONE,
    "name": Kind.NAME,
    "postcode": Kind.POSTCODE,
    "address": Kind.ADDRESS,
}


def trace_of(state: State, ms: float) -> dict[str, Any]:
    """One element of `turns` in the contract's trace."""
    meaning, plan = state["understanding"], state["plan"]
    masker = masker_of(state)
    return {
        "turn": state["turn"].turn_id,
        "brain": plan.brain,
        "prompt": plan.prompt,
        "lang": state["lang"],
        "intents": [{"id": score.id, "confidence": round(score.confidence, 3)} for score in meaning.intents],
        "slots": {name: _proof(masker, name, values) for name, values in meaning.slots.as_dict().items()},
        "sentiment": meaning.sentiment,
        "risk_words": list(meaning.risk_words),
        "marks": list(state.get("marks", ())),
        "taint": taint_of(state),
        "model_calls": [_model_call(call) for call in state.get("model_calls", ())],
        "tool_calls": [tool_call(result, masker) for result in state.get("results", ())],
        "proposals": [
            {
                "tool": p.call.name,
                "decision": p.decision,
                "clause": p.clause_id,
                "action": p.action and p.action.action_id,
            }
            for p in state.get("proposals", ())
        ],
        "guard": [
            {"check": v.check, "verdict": "pass" if v.ok else "fail", "reason": masker.text(v.reason)}
            for v in state.get("verdicts", ())
        ],
        "notes": [masker.text(note) for note in state.get("notes", ())],
        "hand_off": given.reason if (given := state.get("hand_off")) else None,
        "ms": round(ms, 2),
    }


def _model_call(call: Any) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__slots__}


def masker_of(state: State) -> Masker:
    """One for the turn; it knows the names that the turn itself has brought."""
    masker = Masker(state["understanding"].slots.name)
    masker.learn(*(message.sender_name for message in state["turn"].new))
    for result in state.get("results", ()):
        masker.learn_from(result.call.args)
        masker.learn_from(result.data)
    return masker


def tool_call(result: ToolResult, masker: Masker) -> dict[str, Any]:
    """One element of `tool_calls`, with tokens in the place of personal data."""
    return {
        "id": result.call.id,
        "server": result.server,
        "tool": result.call.name,
        "args": {name: _proof(masker, name, value) for name, value in result.call.args.items()},
        "ok": result.ok,
        "code": result.code,
        "ms": round(result.ms, 2),
        "result": masker.data(result.data) if result.ok else {"error": masker.text(result.error)},
    }


def _proof(masker: Masker, name: str, value: Any) -> Any:
    if name not in _PROOFS:
        return masker.data({name: value})[name]
    if isinstance(value, list | tuple):
        return [_proof(masker, name, item) for item in value]
    return masker.token(_PROOFS[name], str(value)) if value not in (None, "") else value
