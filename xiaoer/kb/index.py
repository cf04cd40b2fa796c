"""The index of one store: vectors in Chroma, words in BM25, fused by reciprocal rank.

Several short texts stand for one entry (its titles, phrasings and answers), because customers ask
in the words of the phrasings, not of the answer; an entry ranks by its best text.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xiaoer.kb.embedder import Embedder, LatentSemanticEmbedder
from xiaoer.kb.entries import Entry
from xiaoer.kb.words import words_of

_RRF = 60  # the constant of reciprocal rank fusion: Cormack, Clarke, Büttcher, SIGIR 2009
_DEEP = 20


@dataclass(frozen=True, slots=True)
class Ranked:
    entry: Entry
    score: float  # 0 to 1: how much of the question the entry covers, in words and in meaning


class StoreIndex:
    """Built once at start; searching is read-only and safe from several threads."""

    def __init__(self, client: Any, store_id: str, entries: tuple[Entry, ...]) -> None:
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG
        self._entries = entries
        texts, self._owners = _texts_of(entries)
        tokens = [words_of(text) for text in texts]
        # Meaning is compared without the words that every question has.
        self._texts = [" ".join(words) for words in tokens]
        self._embedder: Embedder = LatentSemanticEmbedder(self._texts)
        self._collection = self._fill(client, store_id)
        self._vocabulary = {word for words in tokens for word in words}
        self._by_entry = [set[str]() for _ in entries]
        for owner, words in zip(self._owners, tokens, strict=True):
            self._by_entry[owner].update(words)
        self._bm25 = bm25s.BM25()
        self._bm25.index(tokens, show_progress=False)

    def search(self, query: str, limit: int) -> list[Ranked]:
        words = words_of(query)
        by_words = self._by_words(words)
        by_meaning = self._by_meaning(words)
        fused: dict[int, float] = {}
        for ranking in (by_words, [owner for owner, _ in by_meaning]):
            for rank, owner in enumerate(ranking):
                fused[owner] = fused.get(owner, 0.0) + 1 / (_RRF + rank + 1)
        near = dict(by_meaning)
        best = sorted(fused, key=lambda owner: -fused[owner])[:limit]
        return [
            Ranked(self._entries[owner], self._score(owner, words, near.get(owner, 0.0))) for owner in best
        ]

    def _score(self, owner: int, words: Sequence[str], similarity: float) -> float:
        covered = sum(word in self._by_entry[owner] for word in words) / len(words) if words else 0.0
        # Likeness alone, without one word in common, is mostly shared letters.
        return round(0.5 * covered + (0.5 if covered else 0.3) * max(0.0, similarity), 4)

    def _by_words(self, words: Sequence[str]) -> list[int]:
        known = [word for word in words if word in self._vocabulary]
        if not known:
            return []
        found, scores = self._bm25.retrieve([known], k=min(_DEEP, len(self._texts)), show_progress=False)
        hits = [self._owners[int(i)] for i, score in zip(found[0], scores[0], strict=True) if score > 0]
        return list(dict.fromkeys(hits))

    def _by_meaning(self, words: Sequence[str]) -> list[tuple[int, float]]:
        if not words:
            return []
        vector = self._embedder.embed([" ".join(words)])
        found = self._collection.query(
            query_embeddings=vector, n_results=min(_DEEP, len(self._texts)), include=["distances"]
        )
        best: dict[int, float] = {}
        for text_id, distance in zip(found["ids"][0], found["distances"][0], strict=True):
            best.setdefault(self._owners[int(text_id)], 1 - float(distance))
        return list(best.items())

    def _fill(self, client: Any, store_id: str) -> Any:
        name = f"kb-{store_id}-{self._embedder.name}"
        # No embedding function: Chroma's default would download a model, silently.
        collection = client.get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        if collection.count() != len(self._texts):
            ids = [str(i) for i in range(len(self._texts))]
            collection.upsert(ids=ids, embeddings=self._embedder.embed(self._texts))
        return collection


def open_chroma(folder: Path | None, url: str | None = None) -> Any:
    """The embedded persistent client, or one by URL; telemetry off."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if url:
        return chromadb.HttpClient(host=url, settings=settings)
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    return chromadb.PersistentClient(str(folder), settings=settings)


def _texts_of(entries: Sequence[Entry]) -> tuple[list[str], list[int]]:
    texts: list[str] = []
    owners: list[int] = []
    for number, entry in enumerate(entries):
        for text in (*entry.title.values(), *entry.phrasings, *entry.answer.values()):
            texts.append(text)
            owners.append(number)
    return texts, owners
