"""What must not leave the house: instructions, secrets, other people's data, also bit by bit over turns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from xiaoer.agent.guard.facts import Facts
from xiaoer.agent.guard.patterns import addresses_in, codes_in, contacts_in, spelled_in
from xiaoer.agent.guard.rules import found_in
from xiaoer.domain.claims.text import plain

LONGEST_QUOTE = 40  # characters of our instructions in a row that may still be chance
_STEP = LONGEST_QUOTE // 2
_PROMPTS = Path(__file__).parents[2] / "prompts"
_SPACE = re.compile(r"\s+")
_LETTERS_ONLY = re.compile(r"[\W_]+")


# ── instructions ─────────────────────────────────────────────────────────────────────────────


@cache
def _instructions() -> tuple[str, frozenset[str]]:
    """The instructions in one line, and all their pieces of half the length that counts."""
    text = " \x00 ".join(_squeezed(part) for part in _instruction_texts())
    pieces = {text[at : at + _STEP] for at in range(len(text) - _STEP + 1)}
    # What we say to customers in the same words is no secret.
    said = _squeezed(" \x00 ".join(_reply_texts()))
    return text, frozenset(piece for piece in pieces if piece not in said)


def _instruction_texts() -> Iterator[str]:
    """System prompts, and of the playbooks what a model is told; replies are for customers."""
    for path in sorted((_PROMPTS / "system").glob("*.md")):
        yield path.read_text(encoding="utf-8")
    for path in sorted((_PROMPTS / "playbooks").glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(data, dict) and not path.name.startswith("_"):
            yield str(data.get("goal", ""))
            yield from (str(rule) for rule in data.get("rules", ()))


def _reply_texts() -> Iterator[str]:
    for path in sorted((_PROMPTS / "playbooks").glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        for reply in (data.get("replies") or {}).values() if isinstance(data, dict) else ():
            yield from (text for variants in reply.values() for text in variants)


def _squeezed(text: str) -> str:
    return _SPACE.sub(" ", plain(text)).strip()


def quotes_instructions(text: str) -> bool:
    """True when forty characters in a row stand in our instructions as well; expects the plain form."""
    text = _SPACE.sub(" ", text)
    whole, pieces = _instructions()
    for at in range(0, len(text) - _STEP + 1, _STEP):
        piece = text[at : at + _STEP]
        if piece in pieces and _run_around(text, at, whole) >= LONGEST_QUOTE:
            return True
    return False


def _run_around(text: str, at: int, whole: str) -> int:
    """The longest run about `at` that our instructions hold, as far as it matters."""
    begin, end = at, at + _STEP
    while begin > 0 and text[begin - 1 : end] in whole:
        begin -= 1
    while end < len(text) and text[begin : end + 1] in whole and end - begin < LONGEST_QUOTE:
        end += 1
    return end - begin


# ── people ───────────────────────────────────────────────────────────────────────────────────


def strange_contacts(text: str, facts: Facts) -> bool:
    """E-mail or phone that the customer did not write and no rule names; expects folded text."""
    known = facts.contacts
    return any(contact not in known and not _same_number(contact, known) for contact in contacts_in(text))


def _same_number(contact: str, known: frozenset[str]) -> bool:
    """The same phone with or without its country code."""
    return contact.isdigit() and any(
        k.isdigit() and len(k) > 6 and (k.endswith(contact[-9:]) or contact.endswith(k[-9:])) for k in known
    )


def strange_address(text: str, facts: Facts) -> bool:
    """A postal address that neither the customer wrote nor the shop's rules name; expects folded text."""
    told = [_LETTERS_ONLY.sub("", address) for address in addresses_in(text)]
    if not told:
        return False
    known = _LETTERS_ONLY.sub("", facts.addresses)
    return any(address not in known for address in told)


def strange_name(text: str, facts: Facts) -> bool:
    return any(name in text for name in facts.names)


# ── over turns ───────────────────────────────────────────────────────────────────────────────

_DIGITS = re.compile(r"\d+")
_MASKED = re.compile(r"[·•*]{2,}\s*\d{2,4}")  # the end of a card, as records show it
_SMUGGLED = 7  # digits that no record explains, gathered over the last replies
_SHORT = 24  # a reply that is this short may be one letter of something
_PIECE = re.compile(r"[\w@.+-]+")


def spelled_out(text: str, facts: Facts) -> bool:
    """Digits said one by one that make a number nobody here has named; expects folded text."""
    known = _known_digits(facts)
    return any(digits not in known for digits in spelled_in(text))


def split_over_turns(text: str, facts: Facts) -> bool:
    """A number, contact or text of ours that only the last replies together would show."""
    if not facts.said:
        return False
    fragments = [_loose_digits(reply, facts) for reply in (*facts.said, text)]
    if fragments[-1] and len(fragments[-2]) > 0 and sum(map(len, fragments)) >= _SMUGGLED:
        return True
    return _spelled_by_turns(text, facts)


def _loose_digits(text: str, facts: Facts) -> str:
    """Figures of a reply that no record, rule or word of the customer explains."""
    known, codes = _known_digits(facts), facts.codes
    bare = _MASKED.sub(" ", text.upper())
    for code in (code for code in found_in(text).codes if code in codes):
        bare = bare.replace(code, " ")
    return "".join(d for d in _DIGITS.findall(bare) if len(d) > 1 and d not in known)


def _known_digits(facts: Facts) -> str:
    """One string in which every run of digits that may be said stands."""
    parts = [*facts.codes, *facts.amounts, *facts.contacts]
    parts += [f"{amount}0 {amount}.00" for amount in facts.amounts]  # "27.5" is said as 27.50
    parts += [f"{m} {d} {m:02} {d:02} {m:02}{d:02}" for m, d in facts.dates]
    parts += [str(minutes // unit) for minutes in facts.spans for unit in (1, 60, 1440)]
    return " ".join([*parts, facts.own.plain if facts.own else "", str(facts.today)])


def _spelled_by_turns(text: str, facts: Facts) -> bool:
    """Short replies in a row, read as one word."""
    parts = [reply for reply in (*facts.said, text) if len(reply) <= _SHORT]
    if len(parts) < 2 or len(text) > _SHORT:
        return False
    joined = "".join("".join(_PIECE.findall(part)) for part in parts).lower()
    codes = {code for code in codes_in(joined) if code not in facts.codes and not _within(code, facts)}
    return strange_contacts(joined, facts) or bool(codes)


def _within(code: str, facts: Facts) -> bool:
    digits = "".join(_DIGITS.findall(code))
    return digits in _known_digits(facts)
