"""Finds what is wrong with playbooks before a customer does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from xiaoer.domain.claims import find_claims
from xiaoer.domain.orders import OrderState
from xiaoer.domain.parcels import Verdict
from xiaoer.domain.policy import REASONS
from xiaoer.domain.understanding import INTENTS
from xiaoer.prompts.playbooks import Playbooks
from xiaoer.prompts.schema import Branch, Playbook, Reply
from xiaoer.prompts.template import blanks, fill
from xiaoer.prompts.vocabulary import (
    AWAITED,
    BLANKS,
    FACTS,
    KEPT_BY,
    PREFETCHABLE,
    PROMISES,
    PROPOSABLE,
    RECEIPTS,
    WRITES,
)
from xiaoer.tools.catalog import BRAIN_TOOLS

VARIANTS = 2  # so that no sentence comes twice in a row
# Told in one wording: a foreign order and a missing one must not differ by a letter.
ONE_WORDING = frozenset({"order_missing"})
# Claims that need a receipt; where a parcel is, the carrier says.
EFFECTS = frozenset(
    {"refund", "cancellation", "label", "coupon", "change", "exchange", "pickup", "intercept"}
)
# What stands in a blank while its sentence is read: the shape matters, the value does not. An empty one
# drops its section, as in the conversation.
_SAMPLES = {
    "order_no": "#1001", "action_id": "A-0123456789", "amount": "$10.00", "refunded": "$10.00", "clause": " ",
    "statements": " ", "answer": " ", "parcels": " ", "reason": " ", "product": " ", "choices": " ",
}  # fmt: skip
# Common replies are filled by the code that asks, with these.
COMMON_BLANKS = frozenset(
    {"order_no", "choices", "tries_left", "opens", "lines", "action_id", "me", "store", "answer", "parcels"}
)


def lint(playbooks: Playbooks) -> list[str]:
    """Every flaw as a sentence with its place; [] when the playbooks may be used."""
    flaws = [f"no playbook for the intent {intent}" for intent in INTENTS if intent not in playbooks.intents]
    for playbook in playbooks.intents.values():
        flaws += [f"{playbook.intent}.yaml: {flaw}" for flaw in _lint_playbook(playbook, playbooks)]
    flaws += [
        f"_common.yaml: {flaw}"
        for flaw in _lint_replies(playbooks.common, COMMON_BLANKS, playbooks.languages)
    ]
    flaws += [f"_words.yaml: {flaw}" for flaw in _lint_words(playbooks)]
    return flaws


def _lint_playbook(playbook: Playbook, playbooks: Playbooks) -> Iterator[str]:
    yield from _lint_names(playbook, playbooks)
    for place, branch in enumerate(playbook.branches, start=1):
        yield from (f"branch {place}: {flaw}" for flaw in _lint_branch(branch, playbook, playbooks))
    yield from _lint_replies(playbook.replies, frozenset(BLANKS), playbooks.languages)
    yield from _unused_replies(playbook)
    yield from _lint_promises(playbook)
    yield from _lint_reach(playbook)


def _lint_names(playbook: Playbook, playbooks: Playbooks) -> Iterator[str]:
    known = playbooks.intents
    if playbook.intent not in INTENTS:
        yield f"unknown intent {playbook.intent}"
    yield from (f"absorbs unknown intent {i}" for i in playbook.absorbs if i not in known)
    yield from (f"unknown tool {tool}" for tool in playbook.tools if tool not in BRAIN_TOOLS)
    yield from (f"{tool} cannot be read ahead" for tool in playbook.prefetch if tool not in PREFETCHABLE)
    yield from (f"unknown promise {promise}" for promise in playbook.promises if promise not in PROMISES)
    states = {state.value for state in OrderState}
    yield from (f"unknown order state {state}" for state in playbook.likely if state not in states)
    if playbook.reason is not None and playbook.reason not in REASONS:
        yield f"unknown reason {playbook.reason}"
    if playbook.needs and playbook.proof < 2:
        yield "an order is needed without proof"


def _lint_branch(branch: Branch, playbook: Playbook, playbooks: Playbooks) -> Iterator[str]:
    for fact, values in branch.when.items():
        if fact not in FACTS:
            yield f"unknown fact {fact}"
        else:
            yield from (f"{fact} is never {value}" for value in values if value not in FACTS[fact].values)
    yield from (f"unknown write {tool}" for tool in branch.do if tool not in WRITES)
    if branch.say is not None and branch.say not in playbook.replies and branch.say not in playbooks.common:
        yield f"says {branch.say}, which is nowhere written"
    yield from _lint_leads(branch, playbook, playbooks)


def _lint_leads(branch: Branch, playbook: Playbook, playbooks: Playbooks) -> Iterator[str]:
    if branch.propose is not None:
        if branch.propose not in PROPOSABLE:
            yield f"cannot propose {branch.propose}"
        elif playbook.tools[:1] != (branch.propose,):
            yield f"proposes {branch.propose}, which is not the first of its tools"
    for intent in (branch.become, branch.offer.intent if branch.offer else None):
        if intent is not None and intent not in playbooks.intents:
            yield f"leads to unknown intent {intent}"
    if branch.offer and branch.offer.reason is not None and branch.offer.reason not in REASONS:
        yield f"offers with unknown reason {branch.offer.reason}"


# ── replies ──────────────────────────────────────────────────────────────────────────────────


def _lint_replies(
    replies: Mapping[str, Reply], known: frozenset[str], languages: Sequence[str]
) -> Iterator[str]:
    for name, reply in replies.items():
        for lang in languages:
            wanted = 1 if name in ONE_WORDING else VARIANTS
            if len(reply.get(lang, ())) < wanted:
                yield f"reply {name}: fewer than {wanted} variants in {lang}"
        for lang, text in _texts(reply):
            unknown = sorted(blanks(text) - known)
            yield from (f"reply {name} ({lang}): unknown blank {blank}" for blank in unknown)
            if text.count("[") != text.count("]"):
                yield f"reply {name} ({lang}): a section is not closed"


def _texts(reply: Reply) -> Iterator[tuple[str, str]]:
    for lang, variants in reply.items():
        yield from ((lang, text) for text in variants)


def _unused_replies(playbook: Playbook) -> Iterator[str]:
    used = {branch.say for branch in playbook.branches}
    yield from (f"reply {name} is never said" for name in playbook.replies if name not in used)


def _lint_promises(playbook: Playbook) -> Iterator[str]:
    """No claim of an effect without its receipt, no promise that the playbook does not allow."""
    for branch in playbook.branches:
        reply = playbook.replies.get(branch.say or "")
        for lang, text in _texts(reply) if reply else ():
            if not _has_receipt(branch) and not _under_way(branch) and _claims_effect(text):
                yield f"reply {branch.say} ({lang}) claims an effect, but its branch asks for no receipt"
            sounding = [name for name, p in PROMISES.items() if any(s.search(text) for s in p.sounds)]
            for promise in sounding:
                if promise not in playbook.promises:
                    yield f"reply {branch.say} ({lang}) promises {promise}, which this playbook does not"
                if promise in AWAITED and not _is_kept(branch):
                    yield f"reply {branch.say} ({lang}) promises {promise}, but nothing sees to it"
            if ("look_again" in blanks(text)) != (branch.follow_up is not None):
                yield f"reply {branch.say} ({lang}): {{look_again}} and a follow_up belong together"


def _is_kept(branch: Branch) -> bool:
    """A follow-up, a person, or a request whose outcome the ledger tells."""
    if branch.follow_up is not None or branch.hand_off is not None:
        return True
    return any(fact in branch.when and set(branch.when[fact]) <= open_ for fact, open_ in KEPT_BY.items())


def _claims_effect(text: str) -> bool:
    """A reply that says that something was done, in any of the ten languages; sections count as said."""
    said = fill(text, lambda blank: _SAMPLES.get(blank, "X"))
    return any(claim.kind in EFFECTS and not claim.hinted for claim in find_claims(said))


def _under_way(branch: Branch) -> bool:
    """What is approved or being carried out is told as that; the guard reads each such sentence again."""
    return "approved" in (*branch.when.get("action", ()), *branch.when.get("proposal", ()))


def _has_receipt(branch: Branch) -> bool:
    return any(
        fact in branch.when and set(branch.when[fact]) <= receipts for fact, receipts in RECEIPTS.items()
    )


# ── reach ────────────────────────────────────────────────────────────────────────────────────


def _lint_reach(playbook: Playbook) -> Iterator[str]:
    """Every case that the branches can tell apart: each branch decides one, none decides nothing.

    A case is the set of branches that fit it, as bits; facts do not depend on each other, so what one
    fact leaves fitting is joined with what every other leaves.
    """
    branches = playbook.branches
    facts = sorted({fact for branch in branches for fact in branch.when if fact in FACTS})
    cases = {(1 << len(branches)) - 1}
    for fact in facts:
        left = {_fitting(fact, value, branches) for value in _representatives(fact, branches)}
        cases = {case & fitting for case in cases for fitting in left}
    if 0 in cases:
        yield "some cases fit no branch; end with one that has no `when`"
    deciding = {case & -case for case in cases}
    yield from (
        f"branch {i + 1} can never be reached" for i in range(len(branches)) if 1 << i not in deciding
    )


def _fitting(fact: str, values: frozenset[str], branches: Sequence[Branch]) -> int:
    """The branches that these values of one fact leave possible, a bit each."""
    return sum(
        1 << i
        for i, branch in enumerate(branches)
        if fact not in branch.when or values & set(branch.when[fact])
    )


def _representatives(fact: str, branches: Sequence[Branch]) -> list[frozenset[str]]:
    """One answer for each group of values that no branch tells apart; sets of them where many hold at once."""
    groups: dict[tuple[bool, ...], str] = {}
    asked = [set(b.when[fact]) for b in branches if fact in b.when]
    for value in FACTS[fact].values:
        groups.setdefault(tuple(value in wanted for wanted in asked), value)
    values = list(groups.values())
    if not FACTS[fact].many:
        return [frozenset({value}) for value in values]
    return [frozenset(some) for n in range(len(values) + 1) for some in combinations(values, n)]


# ── words ────────────────────────────────────────────────────────────────────────────────────


def _lint_words(playbooks: Playbooks) -> Iterator[str]:
    words = playbooks.words
    named = {
        "verdict": ({v.value for v in Verdict}, {k: w.line for k, w in words.verdicts.items()}),
        "state": ({s.value for s in OrderState}, words.states),
        "reason": (set(REASONS), words.reasons),
        "action": (set(PROPOSABLE), words.actions),
    }
    for kind, (wanted, given) in named.items():
        yield from (f"{kind} {name} has no words" for name in sorted(wanted - set(given)))
        for name, texts in given.items():
            yield from (
                f"{kind} {name} has no words in {lang}" for lang in playbooks.languages if lang not in texts
            )
    for name, texts in words.pieces.items():
        yield from (
            f"piece {name} has no words in {lang}" for lang in playbooks.languages if lang not in texts
        )
    yield from (f"unknown reason {reason}" for reason in words.match.reasons if reason not in REASONS)
