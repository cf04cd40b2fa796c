"""What a seller has translated: `texts/<store>/<lang>.yaml` beside his store files, laid over the store.

A file is a flat map: the id of a clause or statement, or one of `OWN`, and its text. It changes
words only: the policy's version is taken from the store's file, so a translation makes no new rules.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from xiaoer.domain.policy import Clause, Policy, Statement
from xiaoer.domain.stores import Store
from xiaoer.domain.understanding import LANGUAGES

FOLDER = "texts"
# What may be translated besides the rules: the chat's first words, the persona's name, its way to
# call a customer, and the shop's name.
OWN = ("greeting", "name", "address", "shop")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
_STRING = "tag:yaml.org,2002:str"

Texts = Mapping[str, Mapping[str, str]]  # id -> language -> text


@dataclass(frozen=True, slots=True)
class _Line:
    place: str  # file:line
    id: str
    text: str | None  # None: not a text


class _Unreadable(Exception):
    """A file of texts that is no flat map; the message is one `file:line: why`."""


def lay_over(store: Store, folder: Path) -> tuple[Store, list[str]]:
    """The store with the texts of its folder, and `file:line: why` for each that is not served."""
    known = {*OWN, *_rules(store.policy)}
    texts: dict[str, dict[str, str]] = {}
    wrong: list[str] = []
    for file in _files(folder):
        lang = file.stem
        if file.suffix != ".yaml" or lang not in LANGUAGES:
            wrong.append(f"{file}:1: the name is not one of {', '.join(LANGUAGES)} with .yaml")
            continue
        try:
            lines = list(_lines(file))
        except _Unreadable as error:
            wrong.append(str(error))
            continue
        wrong += _flaws(lines, known, store.id)
        for line in lines:
            texts.setdefault(line.id, {})[lang] = line.text or ""
    return (store if wrong else _translated(store, texts)), wrong


def strays(folder: Path, stores: Mapping[str, Store]) -> list[str]:
    """Entries of `texts/` that are no store's folder, as `path:1: why`."""
    return [
        f"{entry}:1: no store here has the id {entry.name}"
        for entry in _files(folder / FOLDER)
        if entry.name not in stores
    ]


def untranslated(store: Store) -> dict[str, list[str]]:
    """By language the rules without a text in it; for the store's languages and those begun."""
    rules = _rules(store.policy)
    begun = {lang for texts in rules.values() for lang in texts}
    lacking = {
        lang: [name for name, texts in rules.items() if lang not in texts]
        for lang in LANGUAGES
        if lang in begun or lang in store.languages
    }
    return {lang: names for lang, names in lacking.items() if names}


def other_numbers(store: Store) -> list[tuple[str, str]]:
    """(language, id) of rules whose text names other numbers than the text in the shop's own language."""
    found = []
    for name, texts in _rules(store.policy).items():
        own = next((texts[lang] for lang in (*store.languages, "en") if lang in texts), None)
        found += [
            (lang, name)
            for lang, text in texts.items()
            if own is not None and numbers_in(text) != numbers_in(own)
        ]
    return found


def numbers_in(text: str) -> Counter[int]:
    """Every run of digits, in any script: 5,99 is 5 and 99."""
    return Counter(int(digits) for digits in re.findall(r"\d+", text))


def _rules(policy: Policy) -> dict[str, Mapping[str, str]]:
    rules: tuple[Clause | Statement, ...] = (*policy.clauses, *policy.statements)
    return {rule.id: rule.text for rule in rules}


def _files(folder: Path) -> list[Path]:
    """Hidden files are the operating system's."""
    if not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _lines(file: Path) -> Iterator[_Line]:
    try:
        tree = yaml.compose(file.read_text(encoding="utf-8"), _LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _Unreadable(f"{file}:{mark.line + 1 if mark else 1}: not YAML: {error}") from error
    except UnicodeDecodeError as error:
        raise _Unreadable(f"{file}:1: not UTF-8 text") from error
    if tree is None:
        return
    if not isinstance(tree, yaml.MappingNode):
        raise _Unreadable(f"{file}:1: not a map of ids and texts")
    for key, value in tree.value:
        is_text = isinstance(value, yaml.ScalarNode) and value.tag == _STRING and value.value.strip()
        yield _Line(f"{file}:{key.start_mark.line + 1}", str(key.value), value.value if is_text else None)


def _flaws(lines: list[_Line], known: set[str], store_id: str) -> Iterator[str]:
    seen: set[str] = set()
    for line in lines:
        if line.id not in known:
            yield f"{line.place}: {store_id} has no clause or statement {line.id}"
        elif line.id in seen:
            yield f"{line.place}: {line.id} stands twice"
        elif line.text is None:
            yield f"{line.place}: {line.id} is not a text"
        seen.add(line.id)


def _translated(store: Store, texts: Texts) -> Store:
    def both(name: str, own: Mapping[str, str]) -> Mapping[str, str]:
        return {**own, **texts.get(name, {})}

    persona = replace(
        store.persona,
        name=both("name", store.persona.name),
        address=both("address", store.persona.address),
    )
    policy = replace(
        store.policy,
        clauses=tuple(replace(rule, text=both(rule.id, rule.text)) for rule in store.policy.clauses),
        statements=tuple(replace(rule, text=both(rule.id, rule.text)) for rule in store.policy.statements),
    )
    return replace(
        store,
        name=both("shop", store.name),
        persona=persona,
        web=replace(store.web, greeting=both("greeting", store.web.greeting)),
        policy=policy,
    )
