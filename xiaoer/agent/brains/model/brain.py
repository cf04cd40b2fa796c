"""The model brain: one request a plan, one retrying layer, no answer used that is not whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

import structlog

from xiaoer.agent.brains.model import offer
from xiaoer.agent.brains.model.cards import Words
from xiaoer.agent.brains.model.errors import BadAnswer, Failure, name_failure
from xiaoer.agent.brains.model.instructions import InstructionBook, Instructions, Playbook, hand_off_prompt
from xiaoer.agent.brains.model.messages import ANTHROPIC, PLAIN, Dialect, build_messages
from xiaoer.agent.brains.model.planning import calls_left, limit_reached, read_plan, steps_left
from xiaoer.agent.brains.model.stream import Answer, collect
from xiaoer.agent.brains.protocol import BrainFailed, ModelCall, Plan, TurnView

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

log = structlog.get_logger()

DEADLINE = 20.0  # seconds for one plan, waiting and asking again included
LEAST_LEFT = 3.0  # an answer needs about this long; with less left nothing is asked again
MOST_REQUESTS = 2


class ModelBrain:
    """Plans by a LangChain chat model; raises BrainFailed and leaves what then to its caller.

    `chat_model_factory` is called once, in a thread: provider packages take seconds to import.
    `name` is "provider:model", as settings and the trace write it; `words` name verdicts and actions on cards.
    """

    def __init__(
        self,
        chat_model_factory: Callable[[], BaseChatModel],
        tool_schemas: Iterable[offer.ToolSchema],
        playbooks: Iterable[Playbook],
        name: str,
        *,
        words: Words | None = None,
        dialect: Dialect | None = None,
        deadline: float = DEADLINE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._factory = chat_model_factory
        self._tools = offer.offered_tools(tool_schemas, hand_off_prompt())
        self._book = InstructionBook(playbooks)
        self._words = words
        self._dialect = dialect or (ANTHROPIC if name.startswith("anthropic:") else PLAIN)
        self._deadline = deadline
        self._sleep = sleep
        self._monotonic = monotonic
        self._model: Any = None  # the chat model with the tools bound to it
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Import the provider and make its client, without holding up the event loop."""
        async with self._starting:
            if self._model is None:
                self._model = await asyncio.to_thread(self._bind)

    def instructions(self, view: TurnView) -> Instructions:
        return self._book.of(view.store)

    async def plan(self, view: TurnView) -> Plan:
        instructions = self._book.of(view.store)
        if steps_left(view) <= 0 or calls_left(view) < 0:
            return Plan(hand_off=limit_reached(view), brain=self.name, prompt=instructions.prompt)
        asked: list[ModelCall] = []
        try:
            async with asyncio.timeout(self._deadline):
                await self._ready()
                last_step = steps_left(view) == 1 or calls_left(view) == 0
                messages = build_messages(view, instructions, self._dialect, last_step)
                answer = await self._ask(messages, asked)
            plan = read_plan(view, answer, self._words)
        except TimeoutError as error:
            failure = Failure("slow", f"{self._deadline:g} s")
            raise self._failed(failure, asked, instructions) from error
        except BadAnswer as error:
            raise self._failed(error.failure, asked, instructions) from error
        except _RequestFailed as error:
            raise self._failed(error.failure, asked, instructions) from error
        return Plan(
            calls=plan.calls,
            reply=plan.reply,
            hand_off=plan.hand_off,
            brain=self.name,
            prompt=instructions.prompt,
            model_calls=tuple(asked),
            notes=plan.notes,
        )

    def _bind(self) -> Any:
        tools = offer.for_anthropic(self._tools) if self._dialect.cached else offer.for_others(self._tools)
        return self._factory().bind_tools(tools)

    async def _ready(self) -> None:
        if self._model is not None:
            return
        try:
            await self.start()
        except Exception as error:  # whatever a provider's package raises, the customer is answered
            log.exception("brain_start_failed", brain=self.name)
            raise _RequestFailed(name_failure(error)) from error

    async def _ask(self, messages: list[BaseMessage], asked: list[ModelCall]) -> Answer:
        """The only place that asks again: at most once, and only while it can still be in time."""
        begun = self._monotonic()
        while True:
            try:
                return await self._request(messages, asked)
            except _RequestFailed as error:
                wait = error.failure.wait
                spent = self._monotonic() - begun
                if wait is None or len(asked) >= MOST_REQUESTS:
                    raise
                if spent + wait + LEAST_LEFT > self._deadline:
                    raise
                await self._sleep(wait)

    async def _request(self, messages: list[BaseMessage], asked: list[ModelCall]) -> Answer:
        begun = self._monotonic()
        failure = Failure("slow", "broken off")  # stands when the deadline cancels the request
        answer: Answer | None = None
        try:
            answer = await collect(self._model.astream(messages))
        except BrainFailed:  # a tape that diverges says so itself
            raise
        except Exception as error:  # every provider raises its own; errors.py names them
            failure = name_failure(error)
            raise _RequestFailed(failure) from error
        finally:
            ms = (self._monotonic() - begun) * 1000
            asked.append(_record(self.name, ms, answer, failure))
        return answer

    def _failed(self, failure: Failure, asked: list[ModelCall], instructions: Instructions) -> BrainFailed:
        log.warning("model_failed", brain=self.name, word=failure.word, detail=failure.detail)
        return BrainFailed(
            failure.word,
            failure.detail,
            outage=failure.outage,
            model_calls=tuple(asked),
            prompt=instructions.prompt,
        )


class _RequestFailed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def _record(model: str, ms: float, answer: Answer | None, failure: Failure) -> ModelCall:
    if answer is None:
        return ModelCall(model, round(ms, 1), error=str(failure))
    return ModelCall(
        model=model,
        ms=round(ms, 1),
        input_tokens=answer.input_tokens,
        cached_tokens=answer.cached_tokens,
        output_tokens=answer.output_tokens,
        stop_reason=answer.stop_reason,
    )
