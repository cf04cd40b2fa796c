"""What Prometheus hears of turns: counts, seconds and outcomes, never a text or a name."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from xiaoer.agent.turn import RunTurn, TurnInput, TurnOutcome

TURNS = Counter("xiaoer_turns", "Turns run, by store, brain and hand-off.", ("store", "brain", "hand_off"))
SECONDS = Histogram(
    "xiaoer_turn_seconds",
    "How long the conversation graph took.",
    ("store",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 45),
)
TOOL_CALLS = Counter(
    "xiaoer_tool_calls", "Calls of tools by turns; code is empty for success.", ("tool", "code")
)
PROPOSALS = Counter("xiaoer_proposals", "Irreversible effects that turns asked for.", ("tool", "decision"))
REFUSED_DRAFTS = Counter(
    "xiaoer_refused_drafts", "Drafts that the output guard refused, by check.", ("check",)
)


def measured(run_turn: RunTurn) -> RunTurn:
    """The same turn, counted when it ends."""

    async def run(turn: TurnInput) -> TurnOutcome:
        outcome = await run_turn(turn)
        _count(turn.store.id, outcome)
        return outcome

    return run


def _count(store: str, outcome: TurnOutcome) -> None:
    trace = outcome.trace
    TURNS.labels(store, trace["brain"], outcome.hand_off.reason if outcome.hand_off else "").inc()
    SECONDS.labels(store).observe(trace["ms"] / 1000)
    for call in trace["tool_calls"]:
        TOOL_CALLS.labels(call["tool"], call["code"]).inc()
    for proposal in trace["proposals"]:
        PROPOSALS.labels(proposal["tool"], proposal["decision"]).inc()
    for check in trace["guard"]:
        if check["verdict"] == "fail":
            REFUSED_DRAFTS.labels(check["check"]).inc()
