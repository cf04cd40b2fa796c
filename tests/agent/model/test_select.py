"""XIAOER_BRAIN: what is chosen, and the sentence when it cannot be had."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.fake_anthropic import Answer, FakeAnthropic, say
from support.views import EmbeddedStub, demo_store, schemas, tracked_view, view

from xiaoer.agent.brains.select import (
    DEFAULT_ANTHROPIC,
    DEFAULT_OPENAI,
    BrainSettingRefused,
    build_brain,
    resolve,
)
from xiaoer.prompts.playbooks import load_playbooks


@dataclass
class Settings:
    brain: str = "auto"
    anthropic_api_key: Any = None
    anthropic_base_url: str | None = None
    openai_api_key: Any = None
    openai_base_url: str | None = None


def build(settings: Settings) -> Any:
    playbooks = load_playbooks()
    stores = {"demo-us": demo_store(), "demo-cn": demo_store("demo-cn")}
    return build_brain(
        settings, EmbeddedStub(), schemas(), playbooks.intents.values(), stores, playbooks.words
    )


def test_auto_takes_the_first_key_there_is() -> None:
    assert resolve(Settings()) == "embedded"
    assert resolve(Settings(brain="", anthropic_api_key=SecretStr(""))) == "embedded"
    assert resolve(Settings(openai_api_key="k")) == f"openai:{DEFAULT_OPENAI}"
    both = Settings(anthropic_api_key=SecretStr("k"), openai_api_key="k")
    assert resolve(both) == f"anthropic:{DEFAULT_ANTHROPIC}"
    assert build(Settings()).name == "embedded"
    assert build(both).name == f"anthropic:{DEFAULT_ANTHROPIC}"


WRONG = {
    "gpt": "names no brain",
    "acme:best": "names no brain",
    "embeded": "names no brain",
    "anthropic": "lacks the model",
    "anthropic:": "lacks the model",
    "anthropic:claude-haiku-5-5": "needs ANTHROPIC_API_KEY",
    "openai:gpt-5.4-mini": "needs OPENAI_API_KEY",
    "mistralai:mistral-large": "needs the package langchain-mistralai",
    "recorded:/nowhere.jsonl": "there is no tape at /nowhere.jsonl",
    "recorded": "there is no tape",
}


@pytest.mark.parametrize("choice", WRONG)
def test_a_wrong_value_is_told_in_a_sentence(choice: str) -> None:
    with pytest.raises(BrainSettingRefused, match=WRONG[choice]) as refused:
        resolve(Settings(brain=choice))
    assert str(refused.value).startswith("XIAOER_BRAIN=")


async def test_key_and_address_come_from_the_settings(api: FakeAnthropic) -> None:
    api.will(say("From the address that was set."))
    brain = build(
        Settings("anthropic:claude-sonnet-5-5", SecretStr("sk-demo-set"), anthropic_base_url=api.url)
    )
    await brain.start()
    plan = await brain.plan(tracked_view())

    assert plan.reply is not None and plan.reply.text == "From the address that was set."
    request = api.requests[0]
    assert request.headers["authorization"] == "Bearer sk-demo-set"
    assert request.body["model"] == "claude-sonnet-5-5"
    assert not {"temperature", "top_p", "top_k", "thinking"} & set(request.body)


def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    import json

    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    row = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "demo", "choices": [choice]}
    return f"data: {json.dumps(row)}\n\n"


OPENAI_CALL = "".join(
    [
        chunk({"role": "assistant", "content": None}),
        chunk(
            {
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "call_a",
                        "type": "function",
                        "function": {"name": "get_order", "arguments": '{"ord'},
                    }
                ]
            }
        ),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": 'er_no":"#1002"}'}}]}),
    ]
)
OPENAI_END = chunk({}, "tool_calls") + "data: [DONE]\n\n"


async def test_an_openai_model_plans_by_the_same_adapter(api: FakeAnthropic) -> None:
    api.will(Answer((OPENAI_CALL + OPENAI_END).encode()))
    brain = build(Settings("openai:gpt-5.4-mini", openai_api_key="k", openai_base_url=f"{api.url}/v1"))
    plan = await brain.plan(tracked_view())

    assert plan.notes == ()
    assert [(call.name, call.args) for call in plan.calls] == [("get_order", {"order_no": "#1002"})]
    body = api.requests[0].body
    assert api.requests[0].path == "/v1/chat/completions"
    assert "temperature" not in body
    assert [message["role"] for message in body["messages"]][:2] == ["system", "user"]


@pytest.mark.parametrize(
    "broken",
    [
        Answer(OPENAI_CALL.encode()),
        Answer((OPENAI_CALL + OPENAI_END).encode(), cut=len(OPENAI_CALL) - 20),
        Answer(b'{"error":{"message":"no","type":"insufficient_quota","code":"insufficient_quota"}}', 429),
        Answer(b"oops", 500),
    ],
    ids=["no finish", "cut", "quota", "500"],
)
async def test_a_broken_openai_answer_falls_back_too(broken: Answer, api: FakeAnthropic) -> None:
    api.will(broken)
    brain = build(Settings("openai:gpt-5.4-mini", openai_api_key="k", openai_base_url=f"{api.url}/v1"))
    plan = await brain.plan(view())

    assert plan.brain == "embedded" and plan.notes[0].startswith("openai ")
    assert len(api.requests) == 1


def test_choosing_a_brain_imports_no_provider() -> None:
    code = (
        "import sys, xiaoer.agent.brains.select, xiaoer.agent.brains.model.brain\n"
        "heavy = ('langchain_core', 'langchain_anthropic', 'anthropic', 'langchain_openai', 'httpx2')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
