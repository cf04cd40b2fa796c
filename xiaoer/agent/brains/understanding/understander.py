"""One message in, its meaning out: pure, synchronous, far below two milliseconds."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import structlog

from xiaoer.agent.brains.understanding.answers import read_answer
from xiaoer.agent.brains.understanding.classifier import Model, train
from xiaoer.agent.brains.understanding.examples import examples_digest, load_examples, load_phrases
from xiaoer.agent.brains.understanding.features import normalise
from xiaoer.agent.brains.understanding.feelings import find_risks
from xiaoer.agent.brains.understanding.language import LatinModel, detect_language, train_latin
from xiaoer.agent.brains.understanding.moods import mood_examples
from xiaoer.agent.brains.understanding.needs import Needs
from xiaoer.agent.brains.understanding.negation import NEGATED, strip_refused
from xiaoer.agent.brains.understanding.slots import find_slots
from xiaoer.agent.brains.understanding.text import clip, fold, simplify
from xiaoer.domain.understanding import Understanding

log = structlog.get_logger()

_SHORT = 40  # characters; a longer message says more than yes or no
_ASKS = re.compile(r"[?？]|[吗呢么]\W*$")
_FIRST_CLAUSE = re.compile(r"[,，.。!！;；、\s]+")


@dataclass(frozen=True, slots=True)
class Trained:
    """What was learned from the examples, as the cache keeps it."""

    model: Model
    latin: LatinModel


class Understander:
    """Reads messages; holds nothing but what was learned."""

    def __init__(self, trained: Trained) -> None:
        self._latin = trained.latin
        self._needs = Needs(trained.model)

    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding:
        """Intents, slots, language, mood; `expecting` is what was last asked for:
        "order_no" | "proof" | "yes_no" | "lines" | None."""
        clipped = clip(text)
        plain = fold(clipped)
        normal = normalise(clipped)
        wanted, refused = strip_refused(normal)
        answer = _read_answer(simplify(plain), wanted, refused, expecting)
        intents, mood = self._needs.find(wanted, refused, answer, expecting)
        slots = find_slots(clipped, expecting)
        # "Yusuf Rossi, 19122": a person's name says nothing of the language he writes in.
        only_named = bool(slots.name) and not intents and answer is None
        lang = lang_hint if only_named and lang_hint else detect_language(plain, self._latin, lang_hint)
        return Understanding(
            lang=lang,
            intents=intents,
            sentiment=mood,
            slots=slots,
            risk_words=find_risks(simplify(plain).lower()),
            yes_no=answer,
        )


def _read_answer(plain: str, wanted: str, refused: frozenset[str], expecting: str | None) -> str | None:
    """ "Actually no, don't cancel it" is a no; "yes, refund it" is a yes to who has just asked."""
    answer = read_answer(plain)
    if answer is None and refused and len(plain) <= _SHORT:
        answer = read_answer(wanted.replace(NEGATED, " no "))
    if answer is None and expecting == "yes_no" and len(plain) <= _SHORT and not _ASKS.search(plain):
        answer = read_answer(_FIRST_CLAUSE.split(plain.strip(), maxsplit=1)[0])
    return answer


def load_understander(cache_dir: Path) -> Understander:
    """The classifier from the cache, or trained (seconds) and cached. A broken cache is trained anew."""
    path = cache_dir / f"understanding-{_fingerprint()[:24]}.joblib"
    trained = _read_cache(path)
    if trained is None:
        trained = train_all()
        _write_cache(path, trained)
    understander = Understander(trained)
    understander.understand("warm up, 准备")  # lexicons are read before the first customer waits for them
    return understander


def train_all() -> Trained:
    examples = load_examples()
    learned = (*examples, *load_phrases())
    model = train(learned, mood_examples(examples, normalise), _prepare)
    return Trained(model, train_latin(learned))


def _prepare(text: str) -> str:
    return strip_refused(normalise(text))[0]


def _fingerprint() -> str:
    """Changes with the examples, with the code and lexicon of this room, and with scikit-learn."""
    digest = sha256(examples_digest().encode())
    room = Path(__file__).parent
    for path in sorted([*room.glob("*.py"), *room.glob("*.yaml")]):
        digest.update(path.read_bytes())
    digest.update(f"{version('scikit-learn')} {np.__version__}".encode())
    return digest.hexdigest()


def _read_cache(path: Path) -> Trained | None:
    import joblib

    if not path.exists():
        return None
    try:
        trained = joblib.load(path)
    except Exception as error:  # noqa: BLE001 - a damaged pickle can raise anything; training heals it
        log.warning("understanding_cache_unreadable", path=str(path), error=repr(error))
        return None
    return trained if isinstance(trained, Trained) else None


def _write_cache(path: Path, trained: Trained) -> None:
    """Whole or not at all; a read-only disk costs the next start some seconds, nothing else."""
    import joblib

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        joblib.dump(trained, temporary)
        Path(temporary).replace(path)
    except OSError as error:
        log.warning("understanding_cache_unwritable", path=str(path), error=repr(error))
