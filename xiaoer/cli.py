"""`xiaoer`: the commands. Each imports what it needs when it runs, so that help is instant."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from xiaoer.approvals.keys import KeyFileError
from xiaoer.settings import Role, Settings, SettingsRefused, load_settings

if TYPE_CHECKING:
    from xiaoer.house import Foundation

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # The pretty ones print local variables: customers' words, and secrets.
    pretty_exceptions_enable=False,
    help="Xiaoer (小二): an AI service desk for clusters of online shops.",
)
import_app = typer.Typer(no_args_is_help=True, help="Bring data in.")
kb_app = typer.Typer(no_args_is_help=True, help="The knowledge base.")
shop_app = typer.Typer(no_args_is_help=True, help="What warehouse and carrier say to the local shop.")
privacy_app = typer.Typer(no_args_is_help=True, help="What is kept of a person: hand it out, erase it.")
app.add_typer(import_app, name="import")
app.add_typer(privacy_app, name="privacy")
app.add_typer(kb_app, name="kb")
app.add_typer(shop_app, name="shop")

# Whole lines: a sentence in a log or a pipe is not to be broken at eighty columns.
out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
StoreOption = Annotated[str, typer.Option("--store", help="The store's id, such as demo-us.")]


def main() -> None:
    """Run a command; refusals are sentences on stderr with exit code 2, never a traceback."""
    try:
        app()
    except SettingsRefused as refused:
        for problem in refused.problems:
            err.print("[red]✗[/red]", escape(problem), highlight=False, soft_wrap=True)
        err.print("Nothing was started. `xiaoer doctor` checks everything again.")
        sys.exit(2)
    except KeyFileError as fault:
        err.print(str(fault), highlight=False, markup=False)
        sys.exit(2)


@app.command()
def serve(
    role: Annotated[
        Role, typer.Option(help="all in one process (default), or one part of a larger desk.")
    ] = Role.ALL,
) -> None:
    """Start the desk: chat pages, API, console, and the workers behind them."""
    from xiaoer.commands.serve import run_server

    run_server(load_settings(role), role)


@app.command()
def chat(
    store: StoreOption = "demo-us",
    url: Annotated[str, typer.Option(help="A running desk; without it one is started for this chat.")] = "",
) -> None:
    """Talk to a store as its customer, in the terminal."""
    from xiaoer.commands.chat import run_chat

    run_chat(load_settings(), store, url)


@app.command()
def understand() -> None:
    """Read {"id","text"} lines on stdin, write intents, sentiment and slots, one JSON a line."""
    from xiaoer.commands.understand import run_understand

    raise typer.Exit(run_understand(load_settings(), sys.stdin.buffer, sys.stdout.buffer, err))


@app.command()
def mcp(
    name: Annotated[str, typer.Argument(help="orders, logistics, returns, refunds, knowledge or suppliers.")],
    http: Annotated[
        str, typer.Option("--http", help="HOST:PORT for streamable HTTP; without it stdio.")
    ] = "",
) -> None:
    """Run one tool server alone, for any MCP client."""
    from xiaoer.commands.mcp import run_mcp

    run_mcp(load_settings(), name, http)


@app.command()
def doctor(
    role: Annotated[Role, typer.Option(help="What is to be served here.")] = Role.ALL,
) -> None:
    """Say in full what is configured, what is missing and what does not work."""
    from xiaoer.commands.doctor import run_doctor

    raise typer.Exit(run_doctor(out, role))


@app.command()
def keys() -> None:
    """Make the signing keys of grants and contexts, for roles that run apart."""
    from xiaoer.commands.mcp import make_keys

    settings = Settings()
    make_keys(settings)
    for who, name, file in (
        ("worker", "XIAOER_CONTEXT_KEY_FILE", settings.context_key_file),
        ("executor", "XIAOER_GRANT_KEY_FILE", settings.grant_key_file),
        ("both, and servers", "XIAOER_VERIFY_KEYS", settings.verify_keys_file),
    ):
        out.print(f"{who:17} {name}={file}", highlight=False, soft_wrap=True)


@app.command()
def password(
    name: Annotated[str, typer.Argument(help="The desk user.")] = "admin",
) -> None:
    """Set a desk user's password."""
    from xiaoer.desk.audit import Audit
    from xiaoer.desk.staff import COMMAND_LINE, set_password
    from xiaoer.domain.refusals import Refusal

    new = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    try:
        base = _foundation()
        set_password(base.desk_engine, name, new)
        Audit(base.desk_engine, base.clock).note(COMMAND_LINE, "password", name)
    except Refusal as refused:
        err.print(str(refused))
        raise typer.Exit(2) from refused
    out.print(f"{name} has a new password.")


@app.command()
def hire(
    name: Annotated[str, typer.Argument(help="The name to log in with.")],
    role: Annotated[
        list[str],
        typer.Option(help="viewer, agent, approver, admin or prompt_engineer; may stand several times."),
    ],
) -> None:
    """Add a person to the desk: viewers look, agents talk, approvers also decide, admins do everything."""
    from xiaoer.desk.audit import Audit
    from xiaoer.desk.staff import COMMAND_LINE, create_staff
    from xiaoer.domain.refusals import Refusal

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        base = _foundation()
        person = create_staff(base.desk_engine, name, password, role)
        details = {"name": person.name, "roles": sorted(person.roles)}
        Audit(base.desk_engine, base.clock).note(COMMAND_LINE, "invite", person.id, None, **details)
    except Refusal as refused:
        err.print(str(refused))
        raise typer.Exit(2) from refused
    out.print(f"{name} can log in as {', '.join(role)}.")


WhatArgument = Annotated[str, typer.Argument(help="answers or money.")]
OneStore = Annotated[str | None, typer.Option("--store", help="One store; without it all of them.")]


@app.command()
def pause(what: WhatArgument, store: OneStore = None) -> None:
    """Stop answers or money at once: before the next send, before the next execution."""
    _press(what, store, True)


@app.command()
def resume(what: WhatArgument, store: OneStore = None) -> None:
    """Let answers or money go on."""
    _press(what, store, False)


@import_app.command("orders")
def import_orders(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    store: StoreOption,
    format: Annotated[str, typer.Option("--format", help="jsonl (docs/import.md) or tau2.")] = "jsonl",
) -> None:
    """Import a shop's orders: all of a file or nothing; a second time changes nothing."""
    from xiaoer.commands.imports import run_import

    base = _foundation()
    raise typer.Exit(run_import(base, file, _known(base, store), format, out, err))


@shop_app.command("returned")
def shop_returned(
    return_id: Annotated[str, typer.Argument(help="The return's number, R-….")],
    store: StoreOption = "demo-us",
) -> None:
    """Returned goods have arrived: book them in; a case that waits for them goes on."""
    from xiaoer.commands.shop import run_returned

    base = _foundation()
    raise typer.Exit(run_returned(base, _known(base, store), return_id, out, err))


@shop_app.command("stopped")
def shop_stopped(
    order_no: Annotated[str, typer.Argument(help="The order's number.")],
    tracking_no: Annotated[str, typer.Argument(help="The parcel's number.")],
    store: StoreOption = "demo-us",
    stopped: Annotated[bool, typer.Option("--stopped/--not-stopped", help="What the carrier says.")] = True,
) -> None:
    """The carrier has answered whether it could stop a parcel."""
    from xiaoer.commands.shop import run_stopped

    base = _foundation()
    raise typer.Exit(run_stopped(base, _known(base, store), order_no, tracking_no, stopped, out, err))


@kb_app.command("search")
def kb_search(
    query: str,
    store: StoreOption,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=20)] = 5,
) -> None:
    """Search a store's knowledge."""
    from xiaoer.house import open_knowledge

    base = _foundation()
    hits = open_knowledge(base).search(_known(base, store), query, None, limit)
    if as_json:
        rows = [{name: getattr(hit, name) for name in hit.__slots__} for hit in hits]
        sys.stdout.write(json.dumps(rows, ensure_ascii=False) + "\n")
        return
    for hit in hits:
        out.print(
            f"[bold]{hit.score:.2f}[/bold] {hit.entry_id}  {hit.title}\n     {hit.text}", highlight=False
        )
    if not hits:
        out.print("Nothing answers this.")


EmailOption = Annotated[str, typer.Option("--email", help="Their e-mail, as in the shop's record.")]
PhoneOption = Annotated[str, typer.Option("--phone", help="Their phone, in any form.")]
CustomerOption = Annotated[
    str, typer.Option("--customer", help="The shop's reference, or the id of the shop's own log-in.")
]
ConversationOption = Annotated[str, typer.Option("--conversation", help="One conversation, C-….")]
AnyStore = Annotated[str, typer.Option("--store", help="Only in this store.")]


@privacy_app.command("export")
def privacy_export(
    email: EmailOption = "",
    phone: PhoneOption = "",
    customer: CustomerOption = "",
    conversation: ConversationOption = "",
    store: AnyStore = "",
    file: Annotated[str, typer.Option("--file", help="Where to write it; - is stdout.")] = "-",
) -> None:
    """Everything that is kept of a person, table by table, as JSON."""
    from xiaoer.commands.privacy import run_export, wanted_of
    from xiaoer.domain.refusals import BadInput

    try:
        wanted = wanted_of(email, phone, customer, conversation, store)
    except BadInput as refused:
        err.print(str(refused))
        raise typer.Exit(2) from refused
    raise typer.Exit(run_export(_foundation(), wanted, file))


@privacy_app.command("erase")
def privacy_erase(
    email: EmailOption = "",
    phone: PhoneOption = "",
    customer: CustomerOption = "",
    conversation: ConversationOption = "",
    store: AnyStore = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    keep_shop: Annotated[
        bool, typer.Option("--keep-shop", help="Leave the shop's own records; erase what the desk holds.")
    ] = False,
) -> None:
    """Erase a person over all stores; bookkeeping and the audit chain stay whole."""
    from xiaoer.commands.privacy import run_erase, wanted_of
    from xiaoer.domain.refusals import BadInput

    try:
        wanted = wanted_of(email, phone, customer, conversation, store)
    except BadInput as refused:
        err.print(str(refused))
        raise typer.Exit(2) from refused
    raise typer.Exit(run_erase(_foundation(), wanted, out, dry=dry_run, yes=yes, keep_shop=keep_shop))


def _press(what: str, store: str | None, down: bool) -> None:
    """The buttons work on the database; a running desk sees them before its next step."""
    from xiaoer.domain.refusals import BadInput
    from xiaoer.inbox.live import Live
    from xiaoer.inbox.pause import Pauses
    from xiaoer.inbox.queue import Queue

    base = _foundation()
    if store is not None:
        _known(base, store)
    queue = Queue(base.settings.database_url)
    queue.prepare()
    pauses = Pauses(base.desk_engine, queue, base.clock, Live())
    where = store or "all stores"
    try:
        if down:
            view = pauses.pause(what, store, "command line")
            out.print(f"{what} paused in {where} since {view.at:%H:%M} UTC.")
        else:
            done = pauses.resume(what, store)
            out.print(f"{what} resumed in {where}." if done else f"{what} was not paused in {where}.")
    except BadInput as refused:
        err.print(str(refused))
        raise typer.Exit(2) from refused


def _foundation() -> Foundation:
    from xiaoer.house import lay_foundation

    return lay_foundation(load_settings())


def _known(base: Foundation, store: str) -> str:
    if store not in base.stores:
        err.print(f"--store {store} is not known; there are: {', '.join(sorted(base.stores))}.")
        raise typer.Exit(2)
    return store


if __name__ == "__main__":
    main()
