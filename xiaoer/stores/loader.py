"""Store files → `domain.stores.Store`; anything doubtful is refused with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from pathlib import Path

import yaml
from pydantic import ValidationError

from xiaoer.domain.canonical import digest
from xiaoer.domain.limits import Limits
from xiaoer.domain.policy import Clause, Policy, Statement, find_flaws
from xiaoer.domain.stores import Attention, Hours, Persona, Store, Supplier, WebChannel
from xiaoer.stores.schema import (
    AttentionFile,
    ClauseFile,
    LimitsFile,
    PolicyFile,
    StoreFile,
    read_condition,
    read_hours,
)
from xiaoer.stores.translations import FOLDER, lay_over, strays

BUILT_IN = Path(__file__).parent


class StoreRefused(Exception):
    """A store file that must not be served; the message has one `file:line: why` a line."""


def load_stores(folder: Path = BUILT_IN) -> dict[str, Store]:
    """All stores of a folder by id; raises StoreRefused."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise StoreRefused(f"{folder}: no store file (*.yaml) is here")
    stores: dict[str, Store] = {}
    for file in files:
        store = load_store(file)
        if store.id in stores:
            raise StoreRefused(f"{file}:1: the id {store.id} belongs to another file already")
        stores[store.id] = store
    strange = strays(folder, stores)
    if strange:
        raise StoreRefused("\n".join(strange))
    return stores


def load_store(file: Path) -> Store:
    """One store with the translations that lie beside its file; raises StoreRefused."""
    text = file.read_text(encoding="utf-8")
    try:
        tree = yaml.compose(text, yaml.SafeLoader)
        parsed = StoreFile.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise StoreRefused(f"{file}:{mark.line + 1 if mark else 1}: not YAML: {error}") from error
    except ValidationError as error:
        lines = [f"{file}:{_line_of(tree, e['loc'])}: {_path(e['loc'])}: {e['msg']}" for e in error.errors()]
        raise StoreRefused("\n".join(lines)) from error
    policy = _policy(parsed.policy, tree)
    flaws = find_flaws(policy)
    if flaws:
        policy_line = _line_of(tree, ("policy",))
        raise StoreRefused("\n".join(f"{file}:{flaw.line or policy_line}: {flaw.message}" for flaw in flaws))
    store, wrong = lay_over(_store(parsed, policy), file.parent / FOLDER / parsed.id)
    if wrong:
        raise StoreRefused("\n".join(wrong))
    return store


def _store(file: StoreFile, policy: Policy) -> Store:
    web = file.channels.web
    return Store(
        id=file.id,
        name=file.name,
        platform=file.platform,
        currency=file.currency,
        timezone=file.timezone,
        languages=tuple(file.languages),
        persona=Persona(file.persona.name, file.persona.address, file.persona.style),
        hours=Hours(read_hours(file.hours)),
        autonomy_stage=file.autonomy.stage,
        rules_may_approve=file.autonomy.rules_may_approve,
        approval_hours=file.approval_hours,
        coupon_minor=file.coupon_minor,
        suppliers=tuple(Supplier(**s.model_dump()) for s in file.suppliers),
        policy=policy,
        web=WebChannel(web.widget_secret_env, web.accent, web.greeting, tuple(web.allowed_links)),
        return_address=tuple(file.return_address),
        attention=_attention(file.attention),
        limits=_limits(file.limits),
    )


def _limits(file: LimitsFile) -> Limits:
    velocity = file.velocity
    return Limits(
        customer_day=file.customer_day_minor,
        approver_day=file.approver_day_minor,
        store_day=file.store_day_minor,
        four_eyes_above=file.four_eyes_above_minor,
        step_up_above=file.step_up_above_minor,
        velocity_actions=velocity.actions if velocity else None,
        velocity_minutes=velocity.minutes if velocity else 10,
    )


def _attention(file: AttentionFile) -> Attention:
    begins, _, ends = (file.quiet or "").partition("-")
    return Attention(
        quiet=(time.fromisoformat(begins), time.fromisoformat(ends)) if file.quiet else None,
        remind_minutes=file.remind_after_minutes,
        rest_hours=file.rest_after_hours,
        ask_rating=file.ask_rating,
        rating_hours=file.rating_after_hours,
    )


def _policy(file: PolicyFile, tree: yaml.Node | None) -> Policy:
    clauses = tuple(
        _clause(clause, file.clauses, _line_of(tree, ("policy", "clauses", index)))
        for index, clause in enumerate(file.clauses)
    )
    fingerprint = digest(file.model_dump(mode="json")).removeprefix("sha256:")[:12]
    statements = tuple(Statement(s.id, s.topic, s.text) for s in file.statements)
    return Policy(f"{file.version}+{fingerprint}", clauses, statements)


def _clause(clause: ClauseFile, siblings: Sequence[ClauseFile], line: int) -> Clause:
    others = {other.id for other in siblings if other.tool == clause.tool and other.id != clause.id}
    return Clause(
        id=clause.id,
        tool=clause.tool,
        then=clause.then,
        when=tuple(read_condition(fact, wanted) for fact, wanted in clause.when.items()),
        text=clause.text,
        over=frozenset(others if clause.over == "*" else clause.over),
        line=line,
    )


def _line_of(node: yaml.Node | None, path: Sequence[int | str]) -> int:
    """The line of the deepest node that the path still finds, counted from one."""
    line = 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _path(location: Sequence[int | str]) -> str:
    return ".".join(str(step) for step in location) or "the file"
