"""The trace of a turn: what staff see of it, and what replay compares. No secret, no proof data."""

from __future__ import annotations

from typing import Any

from xiaoer.agent.state import State
from xiaoer.tools.calls import ToolResult

# Arguments that prove who somebody is: the trace says that they were given, not what they were.
_PROOFS = frozenset({"email", "phone_tail", "name", "postcode", "address"})


def trace_of(state: State, ms: float) -> dict[str, Any]:
    """One element of `turns` in the contract's trace."""
    meaning, plan = state["understanding"], state["plan"]
    return {
        "turn": state["turn"].turn_id,
        "brain": plan.brain,
        "prompt": plan.prompt,
        "lang": state["lang"],
        "intents": [{"id": score.id, "confidence": round(score.confidence, 3)} for score in meaning.intents],
        "slots": _masked_slots(meaning.slots.as_dict()),
        "sentiment": meaning.sentiment,
        "risk_words": list(meaning.risk_words),
        "marks": list(state.get("marks", ())),
        "model_calls": [_model_call(call) for call in state.get("model_calls", ())],
        "tool_calls": [_tool_call(result) for result in state.get("results", ())],
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
            {"check": v.check, "verdict": "pass" if v.ok else "fail", "reason": v.reason}
            for v in state.get("verdicts", ())
        ],
        "notes": list(state.get("notes", ())),
        "hand_off": given.reason if (given := state.get("hand_off")) else None,
        "ms": round(ms, 2),
    }


def _model_call(call: Any) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__slots__}


def _tool_call(result: ToolResult) -> dict[str, Any]:
    return {
        "id": result.call.id,
        "server": result.server,
        "tool": result.call.name,
        "args": {name: "•••" if name in _PROOFS else value for name, value in result.call.args.items()},
        "ok": result.ok,
        "code": result.code,
        "ms": round(result.ms, 2),
        "result": result.data if result.ok else {"error": result.error},
    }


def _masked_slots(slots: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: ["•••"] * len(values) if name in _PROOFS else values for name, values in slots.items()}
