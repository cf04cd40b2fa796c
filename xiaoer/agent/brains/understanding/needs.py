"""From confidences to needs: several in one message, the main one first, or honestly none."""

from __future__ import annotations

import re

import numpy as np

from xiaoer.agent.brains.understanding.classifier import IntentModel
from xiaoer.agent.brains.understanding.clauses import split_clauses
from xiaoer.agent.brains.understanding.examples import ANSWER
from xiaoer.domain.understanding import IntentScore

SURE = 0.25  # the main intent of a whole message; below it the desk asks instead of guessing
SURE_CLAUSE = 0.50  # a further need, found in one clause alone
SURE_TRACE = 0.45  # a need in a clause beside a greeting or thanks
SURE_AGAINST_ANSWER = 0.60  # a need in a message that is mostly an answer
SURE_BESIDE = 0.28  # a second need that the whole message shows beside the first
MOST = 3
_MANNERS = frozenset({"greeting", "thanks_bye"})
_EXPECTED_ANSWER = 3.0  # how much likelier a bare answer is when something was asked
_LETTER = re.compile(r"[^\W\d_\ue000-\ue0ff]")
_PLACEHOLDER = re.compile("[\ue001-\ue005]")
# Words that only introduce a number, a name or an address.
_INTRODUCTIONS = re.compile(
    r"订单编?号?码?|单号|手机号?码?|电话号?码?|邮箱|邮编|尾号|后四位|最后四位|末四位|姓名|名字|我?叫|我?的|我|你|给|是|为|号|那个|这个|和|跟|呢|哦|哈|了|吧|应该|看一?下"
    r"|\b(?:my|the|an?|order|orders|number|no|nr|is|are|it's|its|it|was|here|you|go|email|e-mail|mail|address|phone|mobile|cell|last|four|4"
    r"|digits?|ends?|ending|in|with|zip|post|postal|postcode|code|name|i'm|i|am|and|for|ok|so|this|that|one|hi|sure|under|tail|of|on)\b"
)

Scores = dict[str, float]


class Needs:
    def __init__(self, model: IntentModel) -> None:
        self._model = model

    def find(
        self, wanted: str, refused: frozenset[str], answer: str | None, expecting: str | None
    ) -> tuple[IntentScore, ...]:
        """`wanted` is the normalised text without what is refused."""
        if answer or _is_bare_answer(wanted):
            return ()
        whole = self._scores(wanted, refused, expecting)
        clauses = split_clauses(wanted)
        parts = [self._scores(clause, refused, expecting) for clause in clauses] if len(clauses) > 1 else []
        chosen = _choose(whole, parts)
        return tuple(IntentScore(label, round(score, 4)) for label, score in chosen)

    def _scores(self, text: str, refused: frozenset[str], expecting: str | None) -> Scores:
        values = self._model.confidences(text).copy()
        for place, label in enumerate(self._model.labels):
            if label in refused:
                values[place] = 0.0
            elif label == ANSWER and expecting:
                values[place] *= _EXPECTED_ANSWER
        values = values / max(float(np.sum(values)), 1e-9)
        return dict(zip(self._model.labels, map(float, values), strict=True))


def _is_bare_answer(wanted: str) -> bool:
    """Nothing but numbers and addresses and the words that introduce them."""
    if not _LETTER.search(wanted):
        return True
    rest = _INTRODUCTIONS.sub("", wanted)
    return bool(_PLACEHOLDER.search(wanted)) and not _LETTER.search(rest)


def _choose(whole: Scores, parts: list[Scores]) -> list[tuple[str, float]]:
    """The whole message names the main need; clauses add what it drowns."""
    said = _said_in_clauses(parts)
    main = _main_label(whole, parts)
    sure = max(whole[main], *(part[main] for part in parts)) if parts else whole[main]
    found = {main: sure} if whole[main] >= SURE or sure >= SURE_CLAUSE else {}
    if main == ANSWER:
        found = {label: score for label, score in said.items() if score >= SURE_AGAINST_ANSWER}
    else:
        found |= {label: score for label, score in said.items() if label not in found}
        if found:
            found |= _beside(whole, found)
    found.pop(ANSWER, None)
    ordered = sorted(found, key=lambda label: (label != main, label in _MANNERS, -whole[label]))
    return [(label, found[label]) for label in ordered[:MOST]]


def _said_in_clauses(parts: list[Scores]) -> Scores:
    """The best label of every clause that is sure of itself."""
    said: Scores = {}
    for scores in parts:
        label = max(scores, key=lambda name: scores[name])
        if scores[label] >= SURE_CLAUSE:
            said[label] = max(said.get(label, 0.0), scores[label])
    return said


def _main_label(whole: Scores, parts: list[Scores]) -> str:
    """A need goes before good manners, as soon as the whole or a clause shows a fair trace of one."""
    best = max(whole, key=lambda label: whole[label])
    if best not in _MANNERS:
        return best
    traces = {
        label: max(score, *(part[label] for part in parts)) if parts else score
        for label, score in whole.items()
        if label not in _MANNERS and label != ANSWER
    }
    need = max(traces, key=lambda label: traces[label])
    return need if traces[need] >= (SURE_TRACE if parts else SURE) else best


def _beside(whole: Scores, found: Scores) -> Scores:
    return {label: score for label, score in whole.items() if score >= SURE_BESIDE and label not in found}
