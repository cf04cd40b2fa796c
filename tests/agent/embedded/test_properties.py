"""Whatever the view, a plan comes, and the turn ends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.demo_orders import us_shop
from support.drive import MAX_STEPS, meaning, stores
from support.fake_shop import NOW, FakeShop

from xiaoer.agent.brains.embedded import EmbeddedBrain, prefetch_calls
from xiaoer.agent.brains.protocol import Plan, TurnView
from xiaoer.domain.actions import ActionStatus, ActionView
from xiaoer.domain.identity import Level, Scope
from xiaoer.domain.money import Money
from xiaoer.domain.understanding import INTENTS, SENTIMENTS
from xiaoer.prompts.playbooks import load_playbooks
from xiaoer.tools.calls import ToolCall, ToolResult
from xiaoer.tools.catalog import Effect, effect_of

BRAIN = EmbeddedBrain(load_playbooks())
NUMBERS = ("1001", "#1002", "1009", "1011", "1032", "W2378156", "9999", "x", "")
CODES = ("timeout", "down", "garbage", "not_found", "refused", "locked", "over_limit", "invalid", "strange")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=6),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=6), children, max_size=3)
    ),
    max_leaves=6,
)
needs = st.fixed_dictionaries(
    {"intent": st.sampled_from(INTENTS)},
    optional={
        "words": st.text(max_size=20),
        "order_no": st.sampled_from(NUMBERS),
        "lines": st.lists(st.sampled_from(["L1", "L9"]), max_size=2),
        "reason": st.sampled_from(["late", "nonsense"]),
        "confirmed": st.booleans(),
    },
)
asks = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            ["proof", "order", "lines", "reason", "confirm", "offer", "retry", "choice", "odd"]
        )
    },
    optional={
        "intent": st.sampled_from([*INTENTS, "nothing"]),
        "options": st.lists(
            st.fixed_dictionaries({"id": st.sampled_from(["L1", "1001"]), "text": st.text(max_size=5)})
        ),
    },
)
memories = st.fixed_dictionaries(
    {},
    optional={
        "v": st.just(1),
        "order_no": st.sampled_from(NUMBERS),
        "claim": st.dictionaries(
            st.sampled_from(["order_no", "email", "phone_tail"]), st.sampled_from(NUMBERS)
        ),
        "needs": st.lists(needs, max_size=3),
        "ask": asks,
        "misses": st.integers(0, 3),
        "fails": st.integers(0, 2),
        "said": st.dictionaries(st.sampled_from(["sorry", "tool_down"]), st.integers(0, 3)),
    },
) | st.dictionaries(st.text(max_size=8), json_values, max_size=4)


@st.composite
def understandings(draw: st.DrawFn) -> Any:
    slots = {
        name: tuple(draw(st.lists(st.sampled_from(values), max_size=3)))
        for name, values in {
            "order_no": NUMBERS,
            "tracking_no": ("9400100000000000001002", "1"),
            "phone_tail": ("0142", "9999"),
            "email": ("jane@example.com", "no@example.com"),
            "name": ("Jane Demo",),
            "postcode": ("94110",),
        }.items()
    }
    chosen = draw(st.lists(st.tuples(st.sampled_from((*INTENTS, "unheard_of")), st.floats(0, 1)), max_size=4))
    return meaning(
        *chosen,
        lang=draw(st.sampled_from(["en", "zh", "zh-Hant", "es", "ar", "xx"])),
        sentiment=draw(st.sampled_from(SENTIMENTS)),
        yes_no=draw(st.sampled_from([None, "yes", "no", "any"])),
        risk=draw(st.sampled_from([(), ("chargeback",)])),
        **slots,
    )


@st.composite
def views(draw: st.DrawFn) -> TurnView:
    understood = draw(understandings())
    level = draw(st.sampled_from([Level.ANONYMOUS, Level.CHANNEL, Level.ORDER]))
    ref = draw(st.sampled_from(["jane", "marco", "yusuf", "nobody"])) if level else None
    action = st.builds(
        ActionView,
        action_id=st.just("A-0123456789"),
        tool=st.sampled_from(["issue_refund", "cancel_order", "create_return_label"]),
        status=st.sampled_from(ActionStatus),
        order_no=st.sampled_from(NUMBERS),
        args=st.just({"lines": [{"line_id": "L1", "quantity": 1}]})
        | st.dictionaries(st.just("lines"), json_values),
        amount=st.sampled_from([None, Money(100, "USD")]),
        destination=st.just("Visa"),
        clause_id=st.just("refund.window"),
        receipt=st.none() | st.dictionaries(st.just("details"), json_values),
    )
    return TurnView(
        turn_id=draw(st.sampled_from(["T-1", "T-2"])),
        store=stores()[draw(st.sampled_from(["demo-us", "demo-cn"]))],
        channel="web",
        lang=understood.lang,
        now=NOW,
        messages=tuple(draw(st.lists(st.text(max_size=40), min_size=1, max_size=2))),
        understanding=understood,
        history=(),
        scope=Scope("demo-us", "C-1", level, customer_ref=ref),
        memory=draw(memories),
        actions=tuple(draw(st.lists(action, max_size=2))),
        guard_notes=draw(st.sampled_from([(), ("names an amount",)])),
    )


class Wild(FakeShop):
    """Fails and answers garbage as the seed has it, otherwise like the shop."""

    def __init__(self, rolls: list[int]) -> None:
        shop = us_shop()
        super().__init__(store=shop.store)
        self.orders, self.rolls, self.asked = shop.orders, rolls, 0

    def run(self, call: ToolCall, scope: Scope) -> ToolResult:
        self.asked += 1
        roll = self.rolls[self.asked % len(self.rolls)]
        if roll < len(CODES):
            return ToolResult(call, "orders", False, {}, "no", CODES[roll])
        if roll == len(CODES):
            return ToolResult(call, "orders", True, {"orders": 1, "parcels": None})
        return super().run(call, scope)


def drive(view: TurnView, shop: FakeShop) -> tuple[Plan, list[ToolCall]]:
    calls: list[ToolCall] = []
    for step in range(MAX_STEPS):
        now = replace(view, step=step)
        plan = BRAIN.decide(now)
        assert plan == BRAIN.decide(now), "a plan is a function of its view"
        if not plan.calls:
            return plan, calls
        calls += plan.calls
        reads = [c for c in plan.calls if effect_of(c.name) is not Effect.IRREVERSIBLE]
        results = tuple(shop.run(c, view.scope) for c in reads)
        made = tuple(shop.propose(c, "T-1", view.scope, view.lang) for c in plan.calls if c not in reads)
        scope = next((r.scope for r in results if r.scope), view.scope)
        view = replace(
            view, results=(*view.results, *results), proposals=(*view.proposals, *made), scope=scope
        )
    raise AssertionError(f"no end: {[c.name for c in calls]}")


quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(views(), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_any_view_ends_in_a_reply_or_a_hand_off_within_eight_steps(view, rolls):
    plan, calls = drive(view, Wild(rolls))
    assert (plan.reply is None) != (plan.hand_off is None)
    said = plan.reply.text if plan.reply else plan.hand_off.say
    assert said.strip()
    assert len({c.id for c in calls}) == len(calls)
    json.dumps(plan.memory)
    assert len(json.dumps(plan.memory)) < 8_000


@quick
@given(views(), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_nothing_of_an_order_is_read_or_asked_for_without_proof(view, rolls):
    _plan, calls = drive(view, Wild(rolls))
    if view.scope.level is Level.ANONYMOUS and not any(c.name == "verify_customer" for c in calls):
        public = {"search_knowledge", "get_product", "report_gap"}
        assert {c.name for c in calls} <= public


@quick
@given(views(), st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_reading_ahead_ends_and_never_writes(view, rolls):
    shop = Wild(rolls)
    for _ in range(6):
        ahead = prefetch_calls(BRAIN.playbooks, view)
        if not ahead:
            return
        assert all(effect_of(c.name) is Effect.READ for c in ahead)
        assert all(c.id.startswith(f"pf_{view.turn_id}_") for c in ahead)
        results = tuple(shop.run(c, view.scope) for c in ahead)
        scope = next((r.scope for r in results if r.scope), view.scope)
        view = replace(view, results=(*view.results, *results), scope=scope)
    raise AssertionError("the prefetch does not end")
