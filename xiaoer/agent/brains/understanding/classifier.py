"""The intent classifier: trained with scikit-learn, run by a few lines of numpy.

A linear model over tf-idf needs no library to be asked: one dictionary look-up a feature and one
sum of rows. That keeps a message far below a millisecond, and a cached model loads without
scikit-learn's two seconds of imports.
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
_COST = 0.5  # of the support vector machine; 0.3 to 1 measured alike
_FOLDS = 5
_SHARPNESS = np.geomspace(1.0, 20.0, 60)


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Labels with one weight a feature each, and how sharply margins become confidences."""

    labels: tuple[str, ...]
    vocabulary: dict[str, int]
    idf: np.ndarray[Any, Any]
    weights: np.ndarray[Any, Any]  # feature × label
    bias: np.ndarray[Any, Any]
    sharpness: float

    def confidences(self, normal: str) -> np.ndarray[Any, Any]:
        """One calibrated probability a label, for a text that `normalise` has seen."""
        counts = Counter(map(self.vocabulary.get, features(normal)))
        counts.pop(None, None)
        margins = self.bias
        if counts:
            rows = np.fromiter(counts, dtype=np.int64, count=len(counts))
            often = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
            values = (1.0 + np.log(often)) * self.idf[rows]
            margins = margins + (values / math.sqrt(float(values @ values))) @ self.weights[rows]
        return soften(margins, self.sharpness)


def soften(margins: np.ndarray[Any, Any], sharpness: float) -> np.ndarray[Any, Any]:
    raised = np.exp(sharpness * (margins - margins.max(axis=-1, keepdims=True)))
    shares: np.ndarray[Any, Any] = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def train(examples: Sequence[Example], prepare: Callable[[str], str]) -> IntentModel:
    """Fit on all examples; confidences are calibrated on folds that the model has not seen."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=_as_is, dtype=np.float32)
    counts = counter.fit_transform([features(prepare(example.text)) for example in examples])
    labels = np.array([example.label for example in examples])
    margins, truth = _unseen_margins(counts, labels, [f"{e.label}/{_kin(e.lang)}" for e in examples])
    weighting, machine = _fit(counts, labels)
    return IntentModel(
        labels=tuple(str(label) for label in machine.classes_),
        vocabulary={str(name): int(place) for name, place in counter.vocabulary_.items()},
        idf=weighting.idf_.astype(np.float32),
        weights=np.ascontiguousarray(machine.coef_.T, dtype=np.float32),
        bias=machine.intercept_.astype(np.float32),
        sharpness=_best_sharpness(margins, truth),
    )


def _kin(lang: str) -> str:
    """Languages with few examples share their place in the folds."""
    return lang if lang in ("zh", "en") else "other"


def _as_is(row: Row) -> Row:
    return row


def _fit(counts: Any, labels: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.svm import LinearSVC

    weighting = TfidfTransformer(sublinear_tf=True)
    machine = LinearSVC(C=_COST, random_state=0)
    machine.fit(weighting.fit_transform(counts), labels)
    return weighting, machine


def _unseen_margins(
    counts: Any, labels: np.ndarray[Any, Any], groups: Sequence[str]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Margins of every example from a model that was trained without it, and its label's column."""
    from sklearn.model_selection import StratifiedKFold

    classes = sorted(set(labels))
    margins = np.zeros((len(labels), len(classes)))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    for known, unseen in folds.split(labels, groups):
        # A feature that only the unseen examples have is unknown to a model in use: it must not count here.
        seen = counts[:, np.flatnonzero(counts[known].getnnz(axis=0))]
        weighting, machine = _fit(seen[known], labels[known])
        margins[unseen] = machine.decision_function(weighting.transform(seen[unseen]))
    return margins, np.searchsorted(classes, labels)


def _best_sharpness(margins: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> float:
    """The one scale under which the unseen examples are least surprising."""
    lines = np.arange(len(truth))
    losses = [-np.log(soften(margins, scale)[lines, truth] + 1e-12).mean() for scale in _SHARPNESS]
    return float(_SHARPNESS[int(np.argmin(losses))])
