"""understand: what is meant, always by the embedded classifier, and the reads it surely needs.

The prefetch proves first, if the message brings a proof, then reads side by side: a tracked
parcel then costs a model one call instead of three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from xiaoer.agent.brains.embedded.tone import gibberish
from xiaoer.agent.brains.protocol import TurnView
from xiaoer.agent.state import Node, State, scope_after, view_of
from xiaoer.domain.understanding import Understanding
from xiaoer.tools.calls import Runner, ToolCall, ToolResult

Prefetch = Callable[[TurnView], tuple[ToolCall, ...]]
LATIN = ("en", "es", "fr", "de", "pt")
SPANISH_MARKS = frozenset("¿¡")  # no other language of ours has them
FEW_WORDS = 2  # "no", "ok ok", "a@b.c"
_ROUNDS = 3  # proof, reads, reads that follow from reads


class Understand(Protocol):
    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding: ...


def make_understand(understander: Understand, prefetch: Prefetch, run: Runner) -> Node:
    async def understand(state: State) -> dict[str, Any]:
        turn = state["turn"]
        hint = turn.lang or turn.store.languages[0]
        expecting = state["memory"].get("expecting")
        meaning = understander.understand("\n".join(state["messages"]), hint, expecting)
        lang = language_of("\n".join(state["messages"]), meaning, turn.lang) or hint
        meaning = replace(meaning, lang=lang)
        changed: State = {**state, "understanding": meaning, "lang": lang}
        found = await _fetch(changed, prefetch, run)
        return {"understanding": meaning, "lang": lang, **found}

    return understand


def language_of(text: str, meaning: Understanding, known: str | None) -> str:
    """The message's language; a word or two that many languages have keeps that of the conversation."""
    if SPANISH_MARKS & set(text) and meaning.lang in LATIN:
        return "es"
    if known not in LATIN or meaning.lang not in LATIN or known == meaning.lang:
        return meaning.lang
    says_little = not meaning.intents and len(text.split()) <= FEW_WORDS and text.isascii()
    return str(known) if says_little or gibberish(text) else meaning.lang


async def _fetch(state: State, prefetch: Prefetch, run: Runner) -> dict[str, Any]:
    scope = state["scope"]
    results: tuple[ToolResult, ...] = ()
    for _ in range(_ROUNDS):
        calls = prefetch(view_of({**state, "scope": scope, "results": results}))
        if not calls:
            break
        done = await asyncio.gather(*(run(call, scope, state["turn"].turn_id) for call in calls))
        results = (*results, *done)
        scope = scope_after(scope, done)
    return {"results": results, "scope": scope}
