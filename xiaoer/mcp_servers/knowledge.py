"""Knowledge: what the shop has written down, and what it has not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mcp.server.mcpserver import MCPServer

from xiaoer.domain.pii import mask_text
from xiaoer.domain.refusals import NotFound
from xiaoer.domain.stores import Store
from xiaoer.mcp_servers import render
from xiaoer.mcp_servers.arguments import Id, Query, Question, as_args
from xiaoer.mcp_servers.deps import Hit, ServerDeps
from xiaoer.mcp_servers.guard import Guard, Meta, Reader
from xiaoer.mcp_servers.shapes import GapShape, KnowledgeHit, KnowledgeList
from xiaoer.mcp_servers.toolkit import READ, WRITE, Published, publish

_LIMIT = 5
# Kana before Han: Japanese is written with both.
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u3400-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
)


@dataclass(frozen=True, slots=True)
class KnowledgeTools:
    guard: Guard

    def search_knowledge(self, meta: Meta, query: Query) -> KnowledgeList:
        """Search the shop's own knowledge: articles, care, sizes, shipping, returns, payment.

        Public facts; no proof is needed. Answer product and policy questions from these entries only,
        and cite them; an empty list means that the shop has not written it down.
        """
        _, store = self.guard.visitor(meta)
        hits = self.guard.deps.knowledge.search(store.id, query, language_of(query, store), _LIMIT)
        return KnowledgeList(entries=[_hit(hit) for hit in hits])

    def get_entry(self, meta: Meta, entry_id: Id) -> KnowledgeHit:
        """Read one knowledge entry in full by its id."""
        _, store = self.guard.visitor(meta)
        hit = self.guard.deps.knowledge.get(store.id, entry_id)
        if hit is None:
            raise NotFound("No knowledge entry with this id is known.")
        return _hit(hit)

    def report_gap(self, meta: Meta, question: Question) -> GapShape:
        """Report a question that no entry answers, so that the shop can write the answer down.

        Put it as a general question without names, numbers or addresses of the customer.
        """
        scope, store = self.guard.visitor(meta)
        asker = Reader(store, scope.conversation_id, None, scope.level)
        key = self.guard.write_key(meta, asker, "report_gap", as_args(question=question))
        text = mask_text(render.clean(question, 1000))
        gap_id = self.guard.deps.knowledge.report_gap(store.id, text, scope.conversation_id, key)
        return GapShape(gap_id=gap_id)


def language_of(query: str, store: Store) -> str:
    """In which language the asker should read the entries: by the script of the query alone."""
    for lang, letters in _SCRIPTS:
        if letters.search(query):
            return lang
    latin = any(char.isascii() and char.isalpha() for char in query)
    return "en" if latin and "en" in store.languages else store.languages[0]


def _hit(hit: Hit) -> KnowledgeHit:
    return KnowledgeHit(
        entry_id=hit.entry_id,
        title=render.clean(hit.title),
        score=hit.score,
        text=render.clean_block(hit.text, 6000),
        source=render.clean(hit.source),
    )


TABLE = (
    Published("search_knowledge", "Search knowledge", READ),
    Published("get_entry", "Read an entry", READ),
    Published("report_gap", "Report a gap", WRITE),
)


def build_server(deps: ServerDeps) -> MCPServer:
    return publish(
        "knowledge",
        "What one shop has written down for its customers.",
        KnowledgeTools(Guard(deps, "knowledge")),
        TABLE,
    )
