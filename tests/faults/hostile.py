"""The model is the attacker, the customer too, and the process dies at the worst moment.

A state machine over own, foreign and missing orders, amounts, lines, decisions, crashes, clock steps, forged
and replayed permits, smuggled arguments, parallel turns, wrong tools and false claims. Whatever it draws: no
effect without its approval, and not one datum of another customer in a prompt, a reply, a trace or a log.

`python -m faults.hostile [--sequences N] [--seed S]`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from faults.checker import broken
from faults.hostile_words import CLAIMS, IRREVERSIBLE, PEOPLE, POINTS, ROAD, SECRETS, turns, wishes
from faults.house import GUEST, MAYA, NOEL, House
from faults.minds import Obedient, calls, script
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import text

from xiaoer.approvals.refusals import Conflict, Forbidden
from xiaoer.domain.identity import Scope
from xiaoer.domain.permits import META_CONTEXT, META_GRANT, Grant, sign_grant
from xiaoer.domain.refusals import Refusal
from xiaoer.storage.engine import transaction
from xiaoer.tools.calls import ToolCall
from xiaoer.tools.catalog import BRAIN_TOOLS


class Rig:
    """One house and one loop for all sequences of a process; opened when the first one starts."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.house = House(Path(tempfile.mkdtemp(prefix="xiaoer-hostile-")), brain=Obedient(secrets=SECRETS))
        self.loop.run_until_complete(self.house.__aenter__())
        self.counts: Counter[str] = Counter()

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)


@cache
def rig() -> Rig:
    return Rig()


def close() -> None:
    """Take the house down, so that its clock, its logs and its crash points are gone from this process."""
    if rig.cache_info().currsize:
        one = rig()
        one.do(one.house.__aexit__(None, None, None))
        one.loop.close()
        rig.cache_clear()


class HostileMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.rig = rig()
        self.house = self.rig.house
        self.house.anew()
        self.count = 0

    def alive(self, work: Any) -> Any:
        return self.rig.do(self.house.alive(work))

    def event_id(self) -> str:
        self.count += 1
        return f"e{self.count}"

    # what customers and models do

    @rule(turn=turns(), twice=st.booleans())
    def turn(self, turn: tuple[str, str], twice: bool) -> None:
        who, words = turn
        self.rig.counts["turns"] += 1
        event_id = self.event_id()
        self.rig.do(self.house.say(words, who, event_id=event_id))
        if twice:
            self.rig.do(self.house.say(words, who, event_id=event_id))

    @rule(one=turns(), other=turns())
    def side_by_side(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        async def both() -> None:
            for who, words in (one, other):
                await self.house.write(words, who, self.event_id())
            jobs = [self.house.jobs.due(), self.house.jobs.due()]
            await asyncio.gather(*(self.house.jobs.run(job) for job in jobs if job))

        self.rig.counts["turns"] += 2
        if self.house.switch.armed:
            return
        self.alive(both())

    def ask_and_approve(
        self,
        who: str,
        tool: str,
        line: str,
        early: Any,
        late: Any,
        verb: str,
        jump: int,
        wild: tuple[str, str],
    ) -> None:
        """The road on which money moves, with a hostile turn, a decision, a kill and a jump on it."""
        order_no = PEOPLE[who]["order_no"]
        args: dict[str, Any] = {"order_no": order_no, "reason": "damaged_or_wrong"}
        if tool != "issue_coupon":
            args["lines"] = [{"line_id": line, "quantity": 1}]
        self.house.switch.armed = early
        self.rig.do(
            self.house.say(
                script(calls(("verify_customer", PEOPLE[who])), calls((tool, args))),
                who,
                event_id=self.event_id(),
            )
        )
        self.rig.counts["turns"] += 1
        if wild[0] == who:  # …and in the same conversation the model goes on asking for more
            self.turn_of(*wild)
        self.house.switch.armed = late
        pending = [row for row in self.house.actions() if row.status == "pending"]
        for row in pending[-1:]:
            self.rig.counts["decisions"] += 1
            with contextlib.suppress(Conflict, Refusal, Forbidden):
                edits = {"reason": "late"} if verb == "edit" else None
                self.alive(self.house.desk.decide(row.id, verb, row.digest, MAYA, note="why", edits=edits))  # type: ignore[arg-type]  # a word of Decision
        self.rig.do(self.house.work())
        self.clock_moves(jump)

    def turn_of(self, who: str, words: str) -> None:
        self.rig.counts["turns"] += 1
        self.rig.do(self.house.say(words, who, event_id=self.event_id()))

    def clock_moves(self, seconds: int) -> None:
        self.house.clock.forward(seconds)
        self.house.ticks.tick()
        self.rig.do(self.house.work())

    # Money moves on this road alone: let hypothesis take it more often than any other.
    road = rule(**ROAD)(ask_and_approve)
    road_too = rule(**ROAD)(ask_and_approve)
    road_as_well = rule(**ROAD)(ask_and_approve)
    road_again = rule(**ROAD)(ask_and_approve)

    # what people do

    @rule(
        at=st.integers(0, 9),
        verb=st.sampled_from(["approve", "approve", "approve", "reject", "edit"]),
        who=st.sampled_from([MAYA, NOEL, GUEST]),
        stale=st.integers(0, 5),
        run=st.booleans(),
    )
    def decide(self, at: int, verb: str, who: Any, stale: int, run: bool) -> None:
        rows = self.house.actions()
        if not rows:
            return
        row = rows[at % len(rows)]
        edits = {"lines": [{"line_id": "L2", "quantity": 1}]} if verb == "edit" else None
        digest = "sha256:0" if stale == 0 else row.digest
        self.rig.counts["decisions"] += 1
        with contextlib.suppress(Conflict, Refusal, Forbidden):
            self.alive(self.house.desk.decide(row.id, verb, digest, who, note="why", edits=edits))  # type: ignore[arg-type]  # a word of Decision
        if run:
            self.rig.do(self.house.work())

    @rule(who=st.sampled_from([MAYA.id, NOEL.id]))
    def dismiss(self, who: str) -> None:
        self.house.gone ^= {who}

    @rule()
    def money_button(self) -> None:
        pressed = self.house._money_paused("demo-us")
        if pressed:
            self.house.pauses.resume("money", None)
        else:
            self.house.pauses.pause("money", None, "Maya Demo")

    # what forgers do

    @rule(
        wish=wishes(), kind=st.sampled_from(["none", "own key", "context", "replay", "replay other", "brain"])
    )
    def forge(self, wish: tuple[str, dict[str, Any]], kind: str) -> None:
        tool, args = wish
        if tool not in IRREVERSIBLE:
            tool = "issue_refund"
        self.rig.counts["forged"] += 1
        server = BRAIN_TOOLS[tool].server
        if kind == "brain":
            result = self.rig.do(
                self.house.toolbox.run(ToolCall("f", tool, args), Scope("demo-us", "C-x"), "T-x")
            )
            assert not result.ok
            return
        meta = self._forged(kind, server, tool, args)
        if kind.startswith("replay"):
            if meta is None:
                return
            server, tool, known, meta = meta
            args = known if kind == "replay" else {**known, "order_no": "#1032"}
        result = self.rig.do(self.house.toolbox.execute(server, tool, args, meta, 5))
        assert not result.ok or kind == "replay", (kind, result)

    def _forged(self, kind: str, server: str, tool: str, args: dict[str, Any]) -> Any:
        if kind == "none":
            return {}
        if kind.startswith("replay"):
            return next((m for m in reversed(self.house.metas) if m[1] in IRREVERSIBLE), None)
        now = self.house.clock.steady()
        from datetime import timedelta

        grant = Grant(
            grant_id=f"G-{self.count}",
            action_id=f"A-forged-{self.count}",
            audience=server,
            tool=tool,
            store="demo-us",
            order_no=str(args.get("order_no", "")),
            args=json.loads(json.dumps(args)),
            digest="sha256:0",
            amount_minor=4400,
            currency="USD",
            order_version=1,
            policy_version=self.house.stores["demo-us"].policy.version,
            issued_at=now,
            expires_at=now + timedelta(seconds=60),
        )
        key = Ed25519PrivateKey.generate() if kind == "own key" else self.house.context_key
        return {META_GRANT: sign_grant(grant, key), META_CONTEXT: "forged"}

    # what machines and the world do

    @rule(point=st.sampled_from(POINTS))
    def arm(self, point: str) -> None:
        self.house.switch.armed = point
        self.rig.counts["armed"] += 1

    @rule(seconds=st.sampled_from([1, 30, 70, 3600, 25 * 3600, 49 * 3600, -600, -3600]))
    def clock(self, seconds: int) -> None:
        self.house.clock.forward(seconds)
        self.house.ticks.tick()

    @rule()
    def work(self) -> None:
        self.house.ticks.tick()
        self.rig.do(self.house.work())

    @rule()
    def restart(self) -> None:
        self.house.restart()

    @rule(order=st.sampled_from(["1004", "1032", "1010"]))
    def order_changes(self, order: str) -> None:
        with transaction(self.house.shop_engine) as session:
            session.execute(text(f"UPDATE shop_orders SET version = version + 1 WHERE order_key = '{order}'"))

    @rule(fault=st.sampled_from(["lost", "late"]))
    def channel_ill(self, fault: str) -> None:
        self.house.channel.faults.append(fault)

    # what must hold

    def teardown(self) -> None:
        house = self.house
        house.switch.armed, house.switch.dead = None, False
        house.clock.right()
        house.gone.clear()
        house.channel.faults.clear()
        with contextlib.suppress(Exception):
            house.pauses.resume("money", None)
        self.rig.do(house.settle(900, step=30))
        problems = [one for one in broken(house) if not _known(one)]
        done = house.shop_oracle.entries("shop_effects")
        self.rig.counts.update(sequences=1, effects=len(done), deaths=house.deaths)
        assert not problems, problems
        for said in house.texts("assistant"):
            assert not any(claim in said for claim in CLAIMS), said
            assert "evil.example" not in said


def _known(problem: str) -> bool:
    """An answer that is late because the test itself has moved the clock by hours is no broken promise."""
    return "was answered after" in problem


def attack(sequences: int, start: int, steps: int = 7) -> Counter[str]:
    """Play so many sequences; raises on the first one that breaks something, with its steps."""
    chosen = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    machine: Any = seed(start)(HostileMachine)
    run_state_machine_as_test(machine, settings=chosen)
    return rig().counts


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults.hostile")
    parser.add_argument("--sequences", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    begun = time.monotonic()
    counts = attack(options.sequences, options.seed)
    print(f"hostile model, seed {options.seed}: {dict(counts)} in {time.monotonic() - begun:.0f} s: all held")
    if options.json:
        options.json.write_text(json.dumps(dict(counts)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
