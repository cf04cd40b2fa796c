"""What the knowledge server is given: search over each store alone, entries by id, gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Field, select

from xiaoer.domain.clock import Clock
from xiaoer.domain.ids import derived_id
from xiaoer.domain.stores import pick
from xiaoer.kb.entries import Entry, load_entries
from xiaoer.kb.index import StoreIndex
from xiaoer.storage.columns import UtcDateTime
from xiaoer.storage.engine import reading, transaction
from xiaoer.storage.metadata import ShopTable

RELEVANT = 0.4  # below this an entry does not answer the question; see tests/kb


@dataclass(frozen=True, slots=True)
class KnowledgeHit:
    entry_id: str
    title: str
    score: float
    text: str
    source: str


class Gap(ShopTable, table=True):
    """A question that no entry answered."""

    __tablename__ = "srv_gap"

    gap_id: str = Field(primary_key=True)
    store: str = Field(index=True)
    question: str
    conversation_id: str
    at: datetime = Field(sa_type=UtcDateTime)


class Knowledge:
    """Synchronous and safe from several threads; a store never sees another store's entries."""

    def __init__(
        self,
        indexes: Mapping[str, StoreIndex],
        entries: Mapping[str, tuple[Entry, ...]],
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._indexes, self._entries, self._engine, self._clock = indexes, entries, engine, clock

    @classmethod
    def build(
        cls, client: Any, folder: Path, store_ids: Sequence[str], engine: Engine, clock: Clock
    ) -> Knowledge:
        entries = {store: load_entries(folder, store) for store in store_ids}
        indexes = {store: StoreIndex(client, store, found) for store, found in entries.items() if found}
        return cls(indexes, entries, engine, clock)

    def search(self, store_id: str, query: str, lang: str | None, limit: int) -> list[KnowledgeHit]:
        index = self._indexes.get(store_id)
        if index is None or not query.strip():
            return []
        today = self._clock().date()
        return [
            _hit(found.entry, found.score, lang)
            for found in index.search(query, limit)
            if found.score >= RELEVANT and (found.entry.expires is None or found.entry.expires >= today)
        ]

    def get(self, store_id: str, entry_id: str) -> KnowledgeHit | None:
        entry = next((e for e in self._entries.get(store_id, ()) if e.id == entry_id), None)
        return _hit(entry, 1.0, None) if entry else None

    def report_gap(self, store_id: str, question: str, conversation_id: str, key: str) -> str:
        gap_id = derived_id("GAP", store_id, key)
        with transaction(self._engine) as session:
            if session.get(Gap, gap_id) is None:
                session.add(
                    Gap(
                        gap_id=gap_id,
                        store=store_id,
                        question=question,
                        conversation_id=conversation_id,
                        at=self._clock(),
                    )
                )
        return gap_id

    def gaps(self, store_id: str) -> list[Gap]:
        with reading(self._engine) as session:
            return list(session.exec(select(Gap).where(Gap.store == store_id)).all())


def _hit(entry: Entry, score: float, lang: str | None) -> KnowledgeHit:
    words = lang or "en"
    return KnowledgeHit(entry.id, pick(entry.title, words), score, pick(entry.answer, words), entry.source)
