"""Vectors for texts: a small latent-semantic embedder trained on the store's own entries, offline.

Any other embedder with the same two methods can take its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xiaoer.domain.canonical import digest

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    name: str  # changes whenever the same text would give another vector

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit vector a text, shape (texts, dimensions)."""
        ...


class LatentSemanticEmbedder:
    """Character n-grams, weighted by rarity, folded to a few dimensions."""

    def __init__(self, corpus: Sequence[str], dimensions: int = 96) -> None:
        import sklearn
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        seen = digest([list(corpus), dimensions, sklearn.__version__])
        self.name = f"lsa-{seen.removeprefix('sha256:')[:16]}"
        self._grams: Any = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=1
        )
        weights = self._grams.fit_transform([text.lower() for text in corpus])
        size = max(2, min(dimensions, min(weights.shape) - 1))
        self._fold: Any = TruncatedSVD(n_components=size, random_state=7).fit(weights)

    def embed(self, texts: Sequence[str]) -> Vectors:
        folded = self._fold.transform(self._grams.transform([text.lower() for text in texts]))
        norms = np.linalg.norm(folded, axis=1, keepdims=True)
        unit: Vectors = (folded / np.where(norms == 0, 1, norms)).astype(np.float32)
        return unit
