"""From margins to needs: several in one message, the main one first, or honestly none."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from xiaoer.agent.brains.understanding.classifier import Array, Model, soften
from xiaoer.agent.brains.understanding.clauses import split_clauses
from xiaoer.agent.brains.understanding.examples import ANSWER
from xiaoer.agent.brains.understanding.features import SHOUTED
from xiaoer.agent.brains.understanding.moods import choose_mood
from xiaoer.agent.brains.understanding.text import bare, simplify
from xiaoer.agent.brains.understanding.words import read_words
from xiaoer.domain.understanding import IntentScore

SURE = 0.16  # the main intent of a message; below it the desk asks instead of guessing
SURE_CLAUSE = 0.45  # a further need, found in one clause alone
SURE_TRACE = 0.30  # a need in a clause beside a greeting or thanks
SURE_AGAINST_ANSWER = 0.60  # a need in a message that is mostly an answer
SURE_BESIDE = 0.20  # a second need that the whole message shows beside the first
MOST = 3
_CLAUSE_WEIGHT = 0.5  # of the clearest clause beside the whole message
_MANNERS = frozenset({"greeting", "thanks_bye"})
# These are said of other matters, before or after them: they never change places with one.
_PLACELESS = _MANNERS | {"complaint", "human_agent", ANSWER}
_DOUBT = 0.25  # how much every further clause takes from the confidence in the main need
_CLOSE = 0.50  # two needs whose margins differ by less stand in the order in which they were said
_EXPECTED_ANSWER = 3.0  # how much likelier a bare answer is when something was asked
_LETTER = re.compile(r"[^\W\d_\ue000-\ue0ff]")
_PLACEHOLDER = re.compile("[\ue001-\ue005]")

Scores = dict[str, float]


@cache
def _introductions() -> re.Pattern[str]:
    """Words that only introduce a number, a name or an address."""
    table = read_words("introductions")

    def spelled(entries: list[object]) -> str:
        ordered = sorted({bare(simplify(str(entry))) for entry in entries}, key=lambda e: (-len(e), e))
        return "|".join(map(re.escape, ordered))

    return re.compile(rf"(?:{spelled(table['runs'])})|(?<!\w)(?:{spelled(table['words'])})(?!\w)")


class Needs:
    def __init__(self, model: Model) -> None:
        self._model = model
        self._places = {label: place for place, label in enumerate(model.labels)}

    def find(
        self, wanted: str, refused: frozenset[str], answer: str | None, expecting: str | None
    ) -> tuple[tuple[IntentScore, ...], str]:
        """Needs and mood; `wanted` is the normalised text without what is refused."""
        if "?" in wanted and not expecting and not _is_bare_answer(wanted):
            refused = refused | {ANSWER}  # "where is #1032? jane@…" asks, however much of it is a proof
        whole, feelings = self._model.margins(wanted)
        clauses = split_clauses(wanted)
        parts = np.array([self._model.margins(clause)[0] for clause in clauses]) if len(clauses) > 1 else None
        if parts is not None:
            whole = (whole + _CLAUSE_WEIGHT * parts.max(axis=0)) / (1 + _CLAUSE_WEIGHT)
        scores = self._scores(whole, refused, expecting)
        mood = choose_mood(self._model, feelings, scores, shouted=SHOUTED in wanted)
        if answer or _is_bare_answer(wanted):
            return (), mood
        said = [self._scores(part, refused, expecting) for part in parts] if parts is not None else []
        chosen = _choose(scores, said)
        if parts is not None:
            chosen = self._in_order(chosen, whole, parts)
            # Who says much is harder to understand than a model trained on short messages believes.
            doubt = 1 + _DOUBT * min(len(clauses) - 1, 3)
            modest = self._scores(whole / doubt, refused, expecting)
            chosen = [
                (label, min(score, max(modest[label], SURE))) if label == chosen[0][0] else (label, score)
                for label, score in chosen
            ]
        return tuple(IntentScore(label, round(score, 4)) for label, score in chosen), mood

    def _scores(self, margins: Array, refused: frozenset[str], expecting: str | None) -> Scores:
        values = soften(margins, self._model.sharpness)
        for label in refused & self._places.keys():
            values[self._places[label]] = 0.0
        if expecting:
            values[self._places[ANSWER]] *= _EXPECTED_ANSWER
        values = values / max(float(np.sum(values)), 1e-9)
        return dict(zip(self._model.labels, map(float, values), strict=True))

    def _in_order(
        self, chosen: list[tuple[str, float]], whole: Array, parts: Array
    ) -> list[tuple[str, float]]:
        """Two needs that are equally clear stand as they were said; the answer then reads as the message."""
        if len(chosen) < 2 or {chosen[0][0], chosen[1][0]} & _PLACELESS:
            return chosen
        first, second = (self._places[label] for label, _ in chosen[:2])
        gap = parts[:, first] - parts[:, second]
        swap = int(gap.argmin()) < int(gap.argmax()) and gap.min() < 0
        if swap and whole[first] - whole[second] < _CLOSE:
            return [chosen[1], chosen[0], *chosen[2:]]
        return chosen


def _is_bare_answer(wanted: str) -> bool:
    """Nothing but numbers and addresses and the words that introduce them."""
    if not _LETTER.search(wanted):
        return True
    rest = _introductions().sub("", wanted)
    return bool(_PLACEHOLDER.search(wanted)) and not _LETTER.search(rest)


def _choose(whole: Scores, parts: list[Scores]) -> list[tuple[str, float]]:
    """The whole message names the main need; clauses add what it drowns."""
    said = _said_in_clauses(parts)
    main = _main_label(whole, parts)
    if main == ANSWER:
        found = {label: score for label, score in said.items() if score >= SURE_AGAINST_ANSWER}
    elif whole[main] >= SURE:
        found = {main: whole[main]}
        found |= {label: score for label, score in said.items() if label not in found}
        found |= {
            label: score for label, score in whole.items() if score >= SURE_BESIDE and label not in found
        }
    else:
        found = said
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
    return need if traces[need] >= SURE_TRACE else best
