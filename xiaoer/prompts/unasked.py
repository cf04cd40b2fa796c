"""What customers are told unasked, in every language: promises kept, a reminder, the closing question."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from xiaoer.domain.understanding import LANGUAGES
from xiaoer.prompts.playbooks import BadPlaybook
from xiaoer.prompts.schema import Reply
from xiaoer.prompts.template import blanks

FILE = Path(__file__).parent / "unasked.yaml"
# Every sentence, with the blanks that it may hold.
SENTENCES: Mapping[str, frozenset[str]] = {
    "news": frozenset({"order_no", "state", "parcels", "unshipped"}),
    "news_brief": frozenset({"order_no", "states"}),
    "supplier": frozenset({"order_no", "answer"}),
    "by_colleague": frozenset({"order_no"}),
    "refund_done": frozenset({"order_no", "amount", "destination"}),
    "no_news": frozenset({"order_no", "states"}),
    "no_news_supplier": frozenset({"order_no"}),
    "rating_ask": frozenset(),
    "rating_thanks": frozenset(),
    "rating_low": frozenset(),
    "remind_proof": frozenset(),
    "remind_answer": frozenset(),
}


@lru_cache(maxsize=1)
def load_unasked() -> Mapping[str, Reply]:
    """The sentences by name and language; raises BadPlaybook with every flaw."""
    return read_unasked(FILE)


def read_unasked(path: Path) -> Mapping[str, Reply]:
    try:
        sentences = TypeAdapter(dict[str, Reply]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise BadPlaybook(f"{path.name}: {error}") from error
    if flaws := find_flaws(sentences):
        raise BadPlaybook("\n".join(f"{path.name}: {flaw}" for flaw in flaws))
    return sentences


def find_flaws(sentences: Mapping[str, Reply]) -> list[str]:
    """Missing names and languages, unknown blanks, sections that are not closed."""
    flaws = [f"{name} is missing" for name in SENTENCES if name not in sentences]
    flaws += [f"{name} is said nowhere" for name in sentences if name not in SENTENCES]
    for name in SENTENCES.keys() & sentences.keys():
        reply = sentences[name]
        flaws += [f"{name} lacks {lang}" for lang in LANGUAGES if lang not in reply]
        for lang, texts in reply.items():
            for text in texts:
                if blanks(text) != SENTENCES[name]:
                    flaws.append(f"{name} ({lang}) holds other blanks than {sorted(SENTENCES[name])}")
                if text.count("[") != text.count("]"):
                    flaws.append(f"{name} ({lang}): a section is not closed")
    return flaws
