"""Words of a text for BM25: jieba for Chinese, folded words with a light stem for the rest."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[a-z0-9]+|[^\W\d_a-z]+", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_STOP = frozenset(
    re.findall(
        r"\S+",
        """a an the is are be do does did i you it my your me we to of for on in at and or if how what when who long many much take
        can could would will with this that there have has please tell know about hi hello hey thanks
        的 了 吗 呢 我 你 您 你们 是 有 在 啊 吧 呀 请问 怎么 怎么样 怎么办 什么 多少 可以 一下 这个 那个 想 问 和 与 会 要 能 不 亲""",
    )
)


def words_of(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", text).lower()
    words: list[str] = []
    for chunk in _WORD.findall(folded):
        words += _chinese(chunk) if _HAN.search(chunk) else [_stem(chunk)]
    return [word for word in words if word not in _STOP]


def _chinese(chunk: str) -> list[str]:
    import jieba

    jieba.setLogLevel(60)  # it announces the loading of its dictionary otherwise
    return [word for word in jieba.cut_for_search(chunk) if word.strip()]


def _stem(word: str) -> str:
    for ending in ("ies", "ing", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word
