"""`xiaoer doctor`: everything a start needs, checked one by one and said in full."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from xiaoer.agent.brains.select import BrainSettingRefused, resolve
from xiaoer.domain.stores import Store
from xiaoer.prompts.playbooks import BadPlaybook, load_playbooks
from xiaoer.settings import Role, Settings, find_problems, names_database
from xiaoer.storage.engine import make_engine
from xiaoer.storage.migrate import Registry, is_ahead, pending
from xiaoer.stores.loader import StoreRefused, load_stores
from xiaoer.stores.translations import other_numbers, untranslated

_MARKS = {"ok": "[green]✓[/green]", "note": "[yellow]•[/yellow]", "bad": "[red]✗[/red]"}


@dataclass(frozen=True, slots=True)
class Finding:
    grade: str  # ok | note | bad
    text: str


def run_doctor(out: Console, role: Role = Role.ALL) -> int:
    """Print every finding; exit code 0 when this role would start, 1 when not."""
    bad = 0
    for finding in examine(role):
        out.print(f"{_MARKS[finding.grade]} {finding.text}", highlight=False)
        bad += finding.grade == "bad"
    out.print(
        "The desk can start: xiaoer serve" + ("" if role is Role.ALL else f" --role {role}")
        if not bad
        else f"{bad} thing(s) to mend before the desk can start."
    )
    return 1 if bad else 0


def examine(role: Role = Role.ALL) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "ok" if sys.version_info >= (3, 11) else "bad", f"Python {version} (3.11 or newer is needed)"
    )
    settings = Settings()
    for problem in find_problems(settings, role):
        yield Finding("bad", problem)
    for check in _CHECKS:
        yield from check(settings)


def _home(settings: Settings) -> Iterator[Finding]:
    there = settings.home.exists()
    yield Finding(
        "ok" if there else "note",
        f"XIAOER_HOME {settings.home}" + ("" if there else " (made at the first start)"),
    )


def _databases(settings: Settings) -> Iterator[Finding]:
    registries: tuple[tuple[Registry, str], ...] = (
        ("desk", settings.database_url),
        ("shop", settings.shop_database_url),
    )
    for registry, url in registries:
        if not names_database(url):
            continue  # told among the problems already
        if _is_new_file(url):
            yield Finding("note", f"{registry} database: a new SQLite file at the first start")
        else:
            yield _database(registry, make_engine(url))


def _is_new_file(url: str) -> bool:
    """Only to look would make it."""
    return url.startswith("sqlite:///") and not Path(make_url(url).database or "").exists()


def _database(registry: Registry, engine: Engine) -> Finding:
    shown = engine.url.render_as_string(hide_password=True)
    try:
        ahead, behind = is_ahead(engine, registry), pending(engine, registry)
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        return Finding("bad", f"{registry} database {shown} cannot be used: {reason}")
    finally:
        engine.dispose()
    if ahead:
        return Finding(
            "bad", f"{registry} database {shown}: a newer version of Xiaoer has been here; run that one"
        )
    return Finding(
        "note" if behind else "ok",
        f"{registry} database {shown}" + (" (tables are brought up to date at start)" if behind else ""),
    )


def _keys(settings: Settings) -> Iterator[Finding]:
    for name, file in (("context", settings.context_key_file), ("grant", settings.grant_key_file)):
        there = file.exists()
        yield Finding(
            "ok" if there else "note", f"{name} key {file}" + ("" if there else " (made at the first start)")
        )


def _brain(settings: Settings) -> Iterator[Finding]:
    try:
        choice = resolve(settings.brain)
    except BrainSettingRefused:
        return  # told among the problems already
    if choice == "embedded":
        yield Finding(
            "ok", "brain: embedded, no key and no network needed (ANTHROPIC_API_KEY would add a Claude model)"
        )
    else:
        yield Finding("ok", f"brain: {choice}, with the embedded brain behind it")


def _playbooks(settings: Settings) -> Iterator[Finding]:
    try:
        books = load_playbooks()
    except BadPlaybook as error:
        for line in str(error).splitlines():
            yield Finding("bad", line)
        return
    yield Finding("ok", f"{len(books.intents)} playbooks, version {books.version}")


def _stores(settings: Settings) -> Iterator[Finding]:
    try:
        stores = load_stores(settings.service.stores)
    except StoreRefused:
        return  # told among the problems already
    for store in stores.values():
        count = len(store.policy.clauses)
        yield Finding(
            "ok",
            f"store {store.id}: {count} policy clauses without gap or contradiction, version {store.policy.version}",
        )
        wanted = store.web.widget_secret_env
        if wanted and not settings.named_secret(wanted):
            yield Finding("note", f"store {store.id}: without {wanted} its web visitors are not recognised")
        yield from _texts(store)


def _texts(store: Store) -> Iterator[Finding]:
    """A seller need not translate; he is told what his customers read in another language."""
    for lang, names in untranslated(store).items():
        first = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        yield Finding("note", f"store {store.id}: {len(names)} rule(s) without a text in {lang}: {first}")
    for lang, name in other_numbers(store):
        yield Finding("note", f"store {store.id}: {name} names other numbers in {lang}")


def _servers(settings: Settings) -> Iterator[Finding]:
    urls = settings.mcp.urls()
    yield Finding(
        "ok", f"tool servers by URL: {', '.join(urls)}" if urls else "all tool servers run in this process"
    )


def _limits(settings: Settings) -> Iterator[Finding]:
    """Every limit of a day, and where the model stops."""
    budgets = settings.limits.budgets()
    money = "no limit" if budgets.model_micro_usd is None else f"{budgets.model_micro_usd / 1e6:g} USD"
    yield Finding(
        "ok",
        f"a day's limits: conversation {budgets.conversation_turns} turns and {_shown(budgets.conversation_tokens)} tokens, "
        f"sender {budgets.sender_messages} messages and {_shown(budgets.sender_characters)} characters, "
        f"store {_shown(budgets.store_turns)} turns and {_shown(budgets.store_tokens)} tokens",
    )
    yield Finding(
        "ok", f"the model's day: {_shown(budgets.model_tokens)} tokens, {money}; then the embedded brain"
    )
    yield Finding("ok", f"loops: the same sentence {budgets.same_message} times in a row goes to a person")


def _shown(limit: int | None) -> str:
    return "any number of" if limit is None else f"{limit:,}"


def _retention(settings: Settings) -> Iterator[Finding]:
    kept = settings.retention.model_dump()
    days = ", ".join(
        f"{name.replace('_', '-')} {f'{n} days' if n else 'for ever'}" for name, n in kept.items()
    )
    yield Finding("ok", f"kept: {days} (what is due goes every hour)")


_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _home,
    _databases,
    _keys,
    _brain,
    _playbooks,
    _stores,
    _servers,
    _limits,
    _retention,
)
