"""Scripted customers in eleven languages: each journey ends in the right facts, calls and ledger.

A journey is a list of steps in `languages/<lang>.yaml`. A step either says something:
  say: what the customer writes
  states: verdicts of the parcels that the reply must tell, in words, with their numbers
  tells / hides: texts that the reply must, must not hold
  tools: tools that the turn has called; `tools: []` none at all
  actions: requests that the turn has made, as [tool, status]
  person: why a person takes over (nobody does without it)
  urgent / tags: of that hand-off
  cites: what the reply names as its source
  silent: nothing is answered
or lets a person decide what waits:
  decide: approve | reject, with the `note` of a rejection
  ends: the status in the ledger
  hears: texts of the notice
Whatever is answered: the guard has passed every check, nothing was rewritten, the language is the
customer's, and no sentence comes twice in a row.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from support.desk import Customer, Desk, open_desk

from xiaoer.prompts.playbooks import load_playbooks

FOLDER = Path(__file__).parent / "languages"
OUTCOME_WITHIN = 20.0  # seconds from a decision to its notice
SCRIPTS = {
    "zh": r"[\u4e00-\u9fff]",
    "zh-Hant": r"[\u4e00-\u9fff]",
    "ja": r"[\u3040-\u30ff]",
    "ko": r"[\uac00-\ud7af]",
    "ru": r"[\u0400-\u04ff]",
    "ar": r"[\u0600-\u06ff]",
}
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("languages")]


def journeys() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for journey in yaml.safe_load(path.read_text(encoding="utf-8")):
            yield pytest.param(path.stem, journey, id=f"{path.stem}-{journey['name']}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """A desk of its own: these journeys use the orders up."""
    async with open_desk(tmp_path_factory.mktemp("languages")) as opened:
        yield opened


def test_there_are_sixty_journeys_in_eleven_languages_over_all_states_of_the_demo() -> None:
    found = [param.values for param in journeys()]
    assert len(found) >= 60
    assert {lang for lang, _ in found} == {*load_playbooks().languages}
    steps = [step for _, journey in found for step in journey["steps"]]
    told = {state for step in steps for state in step.get("states", ())}
    assert told >= {
        "on_its_way",
        "out_for_delivery",
        "delivered",
        "stuck",
        "customs_held",
        "number_unknown",
        "label_only",
        "going_back",
    }
    assert {step["ends"] for step in steps if "ends" in step} == {"succeeded", "rejected"}


@pytest.mark.parametrize(("lang", "journey"), journeys())
async def test_a_journey(house: Desk, lang: str, journey: dict[str, Any]) -> None:
    customer = await house.customer(journey["store"])
    said: list[str] = []
    for number, step in enumerate(journey["steps"], start=1):
        place = f"step {number}: {step}"
        if "decide" in step:
            await _decide(house, customer, step, place)
            continue
        text = await customer.say(step["say"])
        turn = (await house.trace(customer.conversation))[-1]
        if step.get("silent"):
            assert text == "", place
            continue
        _check_words(text, step, step.get("lang", lang), place)
        assert text not in said[-1:], f"{place}\nthe same again: {text}"
        _check_turn(turn, step, step.get("lang", lang), f"{place}\n{text}")
        _check_reply(customer, step, text, place, step.get("lang", lang))
        said.append(text)
    await _check_hand_off(house, customer, journey)


def _check_words(text: str, step: dict[str, Any], lang: str, place: str) -> None:
    missing = [part for part in step.get("tells", ()) if part not in text]
    assert not missing, f"{place}\nnot told: {missing}\n{text}"
    leaked = [part for part in step.get("hides", ()) if part in text]
    assert not leaked, f"{place}\ntold: {leaked}\n{text}"
    if script := SCRIPTS.get(lang):
        assert re.search(script, text), f"{place}\nnot in {lang}: {text}"
    assert not re.search(r"\{\w+\}|\[|\]", text), f"{place}\na blank was left: {text}"


def _check_turn(turn: dict[str, Any], step: dict[str, Any], lang: str, place: str) -> None:
    assert turn["lang"] == lang, f"{place}\n{turn['lang']} {turn['intents']}"
    failed = [check for check in turn["guard"] if check["verdict"] != "pass"]
    assert not failed and not turn["notes"], f"{place}\n{failed} {turn['notes']}"
    tools = [call["tool"] for call in turn["tool_calls"]]
    if "tools" in step:
        wanted = step["tools"]
        assert (set(wanted) <= set(tools)) if wanted else not tools, f"{place}\n{tools}"
    assert turn["hand_off"] == step.get("person"), f"{place}\n{turn['hand_off']} {turn['intents']}"


def _check_reply(customer: Customer, step: dict[str, Any], text: str, place: str, lang: str) -> None:
    made = [[action["tool"], action["status"]] for action in customer.last["actions"]]
    assert made == step.get("actions", []), f"{place}\n{made}\n{text}"
    replies = customer.last["replies"]
    cited = {c["id"] for reply in replies for c in reply.get("citations") or ()}
    assert set(step.get("cites", ())) <= cited, f"{place}\n{cited}\n{text}"
    parcels = [
        parcel
        for reply in replies
        for card in reply.get("cards") or ()
        if card["type"] == "parcels"
        for parcel in card["parcels"]
    ]
    if "states" in step:
        assert sorted(parcel["verdict"] for parcel in parcels) == sorted(step["states"]), f"{place}\n{text}"
    for parcel in parcels:
        assert parcel["tracking_no"] in text, f"{place}\n{text}"
        words = _plain_words(parcel["verdict"], lang)
        assert all(word in text for word in words), f"{place}\n{words}\n{text}"


def _plain_words(verdict: str, lang: str) -> list[str]:
    """What a parcel's line always says: its longest piece without blanks and sections."""
    lines = load_playbooks().words.verdicts[verdict].line
    if lang not in lines:
        return []
    pieces = re.split(r"\[[^\]]*\]|\{\w+\}", lines[lang])
    return [max(pieces, key=len).strip()]


async def _decide(house: Desk, customer: Customer, step: dict[str, Any], place: str) -> None:
    waiting = [a["id"] for a in customer.actions if (await house.action(a["id"]))["status"] == "pending"]
    assert waiting, place
    known = {message["id"] for message in await customer.history()}
    for action_id in waiting:
        more = {"note": step["note"]} if "note" in step else {}
        answer = await house.decide(action_id, step["decide"], **more)
        assert answer.status_code == 200, f"{place}\n{answer.text}"
    notice = await _notice(customer, known, place)
    missing = [part for part in step.get("hears", ()) if part not in notice]
    assert not missing, f"{place}\n{missing}\n{notice}"
    for action_id in waiting:
        assert (await house.action(action_id))["status"] == step["ends"], place


async def _notice(customer: Customer, known: set[str], place: str) -> str:
    deadline = time.monotonic() + OUTCOME_WITHIN
    while time.monotonic() < deadline:
        fresh = [m for m in await customer.history() if m["id"] not in known and m["author"] != "customer"]
        if fresh:
            return str(fresh[-1]["text"])
        await asyncio.sleep(0.05)
    raise AssertionError(f"{place}\nno notice came")


async def _check_hand_off(house: Desk, customer: Customer, journey: dict[str, Any]) -> None:
    """What the colleague is given: the summary, and whether it is urgent."""
    wanted = next((step for step in journey["steps"] if "person" in step), None)
    if wanted is None:
        return
    found = await house.staff.get(f"/api/v1/conversations/{customer.conversation}")
    assert found.status_code == 200, found.text
    shown = found.text
    for part in wanted.get("colleague", ()):
        assert part in shown, f"{wanted}\n{shown[:1500]}"
    if "urgent" in wanted:
        assert f'"urgent":{str(wanted["urgent"]).lower()}' in shown.replace(" ", ""), shown[:1500]
