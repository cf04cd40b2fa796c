"""One message in, its meaning out: pure, synchronous, far below two milliseconds."""

from __future__ import annotations

import os
import re
import tempfile
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import structlog

from xiaoer.agent.brains.understanding.answers import read_answer
from xiaoer.agent.brains.understanding.classifier import IntentModel, train
from xiaoer.agent.brains.understanding.examples import EXAMPLES_DIR, examples_digest, load_examples
from xiaoer.agent.brains.understanding.features import normalise
from xiaoer.agent.brains.understanding.language import detect_language, warm_up
from xiaoer.agent.brains.understanding.mood import find_risks, read_mood
from xiaoer.agent.brains.understanding.needs import Needs
from xiaoer.agent.brains.understanding.negation import NEGATED, strip_refused
from xiaoer.agent.brains.understanding.slots import find_slots
from xiaoer.agent.brains.understanding.text import clip, fold, simplify
from xiaoer.domain.understanding import Understanding

log = structlog.get_logger()

_SHORT = 40  # characters; a longer message says more than yes or no
_ASKS = re.compile(r"[?？]|[吗呢么]\W*$")
_FIRST_CLAUSE = re.compile(r"[,，.。!！;；、\s]+")


class Understander:
    """Reads messages; holds nothing but the trained model."""

    def __init__(self, model: IntentModel) -> None:
        self._needs = Needs(model)

    def understand(
        self, text: str, lang_hint: str | None = None, expecting: str | None = None
    ) -> Understanding:
        """Intents, slots, language, mood; `expecting` is what was last asked for:
        "order_no" | "proof" | "yes_no" | "lines" | None."""
        clipped = clip(text)
        plain = fold(clipped)
        normal = normalise(clipped)
        lowered = simplify(plain).lower()
        risks = find_risks(lowered)
        wanted, refused = strip_refused(normal)
        answer = _read_answer(simplify(plain), wanted, refused, expecting)
        return Understanding(
            lang=detect_language(plain, lang_hint),
            intents=self._needs.find(wanted, refused, answer, expecting),
            sentiment=read_mood(plain, lowered, risks),
            slots=find_slots(clipped, expecting),
            risk_words=risks,
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
    model = _read_cache(path)
    if model is None:
        model = train(load_examples(), _prepare)
        _write_cache(path, model)
    understander = Understander(model)
    understander.understand("warm up, 准备")  # lexicons are read before the first customer waits for them
    warm_up()
    return understander


def _prepare(text: str) -> str:
    return strip_refused(normalise(text))[0]


def _fingerprint() -> str:
    """Changes with the examples, with the code and lexicon of this room, and with scikit-learn."""
    digest = sha256(examples_digest(EXAMPLES_DIR).encode())
    room = Path(__file__).parent
    for path in sorted([*room.glob("*.py"), *room.glob("*.yaml")]):
        digest.update(path.read_bytes())
    digest.update(f"{version('scikit-learn')} {np.__version__}".encode())
    return digest.hexdigest()


def _read_cache(path: Path) -> IntentModel | None:
    import joblib

    if not path.exists():
        return None
    try:
        model = joblib.load(path)
    except Exception as error:  # noqa: BLE001 - a damaged pickle can raise anything; training heals it
        log.warning("understanding_cache_unreadable", path=str(path), error=repr(error))
        return None
    return model if isinstance(model, IntentModel) else None


def _write_cache(path: Path, model: IntentModel) -> None:
    """Whole or not at all; a read-only disk costs the next start some seconds, nothing else."""
    import joblib

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        joblib.dump(model, temporary)
        Path(temporary).replace(path)
    except OSError as error:
        log.warning("understanding_cache_unwritable", path=str(path), error=repr(error))
