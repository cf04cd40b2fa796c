"""The classifier of intents and moods: trained with scikit-learn, run by a few lines of numpy.

A linear model over tf-idf needs no library to be asked: one dictionary look-up a feature and one
sum of rows, for intents and moods at once. That keeps a message far below a millisecond, and a
cached model loads without scikit-learn's two seconds of imports.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xiaoer.agent.brains.understanding.examples import Example
from xiaoer.agent.brains.understanding.features import features

Row = list[str]
Array = np.ndarray[Any, Any]
_COST = 1.0  # of the support vector machines
_BAYES, _SMOOTH = 0.3, 0.1  # weight and smoothing of naive Bayes beside them
_FOLDS = 4  # one of them is kept back to calibrate the confidences
_SHARPNESS = np.geomspace(1.0, 20.0, 60)


@dataclass(frozen=True, slots=True)
class Model:
    """Intents and moods with one weight a feature each, and how sharply margins become confidences."""

    labels: tuple[str, ...]
    moods: tuple[str, ...]
    vocabulary: dict[str, int]
    idf: Array
    weights: Array  # feature × (labels, then moods)
    bias: Array
    sharpness: float
    mood_sharpness: float

    def margins(self, normal: str) -> tuple[Array, Array]:
        """One margin a label, and one a mood, of a text that `normalise` has seen."""
        counts = Counter(map(self.vocabulary.get, features(normal)))
        counts.pop(None, None)
        margins = self.bias
        if counts:
            rows = np.fromiter(counts, dtype=np.int64, count=len(counts))
            often = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
            values = (1.0 + np.log(often)) * self.idf[rows]
            margins = margins + (values / math.sqrt(float(values @ values))) @ self.weights[rows]
        cut = len(self.labels)
        return margins[:cut], margins[cut:]


def soften(margins: Array, sharpness: float) -> Array:
    raised = np.exp(sharpness * (margins - margins.max(axis=-1, keepdims=True)))
    shares: Array = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def train(examples: Sequence[Example], moods: Sequence[Example], prepare: Callable[[str], str]) -> Model:
    """Fit on all examples; confidences are calibrated on folds that the model has not seen."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=_as_is, dtype=np.float32)
    counts = counter.fit_transform([features(prepare(e.text)) for e in (*examples, *moods)])
    weighting = _weigh(counts)
    ours, theirs = _Task(counts[: len(examples)], examples), _Task(counts[len(examples) :], moods)
    intents, feelings = ours.fit(weighting), theirs.fit(weighting)
    return Model(
        labels=tuple(map(str, intents.classes)),
        moods=tuple(map(str, feelings.classes)),
        vocabulary={str(name): int(place) for name, place in counter.vocabulary_.items()},
        idf=weighting.idf_.astype(np.float32),
        weights=np.ascontiguousarray(np.vstack([intents.weights, feelings.weights]).T, dtype=np.float32),
        bias=np.concatenate([intents.bias, feelings.bias]).astype(np.float32),
        sharpness=ours.sharpness(),
        mood_sharpness=theirs.sharpness(),
    )


def _as_is(row: Row) -> Row:
    return row


def _weigh(counts: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfTransformer

    return TfidfTransformer(sublinear_tf=True).fit(counts)


class _Task:
    """Counts with their labels: one machine over all of them, and one a fold to calibrate it."""

    def __init__(self, counts: Any, examples: Sequence[Example]) -> None:
        self._counts = counts
        self._labels = np.array([example.label for example in examples])
        self._groups = [f"{example.label}/{example.lang}" for example in examples]

    def fit(self, weighting: Any) -> _Machine:
        return _fit(weighting.transform(self._counts), self._labels)

    def sharpness(self) -> float:
        """The one scale under which the unseen examples are least surprising."""
        margins, truth = self._unseen()
        lines = np.arange(len(truth))
        losses = [-np.log(soften(margins, scale)[lines, truth] + 1e-12).mean() for scale in _SHARPNESS]
        return float(_SHARPNESS[int(np.argmin(losses))])

    def _unseen(self) -> tuple[Array, Array]:
        """Margins of a part of the examples from a model that was trained without it, and their labels' columns."""
        from sklearn.model_selection import StratifiedKFold

        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        known, unseen = next(iter(folds.split(self._labels, self._groups)))
        # A feature that only the unseen examples have is unknown to a model in use: it must not count here.
        seen = self._counts[:, np.flatnonzero(self._counts[known].getnnz(axis=0))]
        weighting = _weigh(seen[known])
        machine = _fit(weighting.transform(seen[known]), self._labels[known])
        margins = machine.margins(weighting.transform(seen[unseen]))
        return margins, np.searchsorted(machine.classes, self._labels[unseen])


@dataclass(frozen=True, slots=True)
class _Machine:
    """A linear model: two of them, added up."""

    classes: Array
    weights: Array  # label × feature
    bias: Array

    def margins(self, weighted: Any) -> Array:
        values: Array = weighted @ self.weights.T + self.bias
        return values


def _fit(weighted: Any, labels: Array) -> _Machine:
    """A support vector machine, which learns borders, with naive Bayes, which learns from single words."""
    from sklearn.naive_bayes import ComplementNB
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=_COST, random_state=0).fit(weighted, labels)
    bayes = ComplementNB(alpha=_SMOOTH).fit(weighted, labels)
    evidence = bayes.feature_log_prob_ - bayes.feature_log_prob_.mean(axis=0)
    return _Machine(machine.classes_, machine.coef_ + _BAYES * evidence, machine.intercept_)
