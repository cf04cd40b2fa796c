"""`xiaoer import orders`: a bar while it runs, then what became of every row."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from xiaoer.house import Foundation
from xiaoer.mcp_servers.platforms.importers import import_orders

_SHOWN = 20


def run_import(base: Foundation, file: Path, store: str, fmt: str, out: Console, err: Console) -> int:
    """Exit code 0 when the file is in, 2 when nothing was taken."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(f"Importing {file.name}", total=None)
        report = import_orders(
            file,
            store,
            fmt,
            base.shop_engine,
            currency=base.stores[store].currency,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            clock=base.clock,
        )
    for fault in report.errors[:_SHOWN]:
        err.print(f"{file.name}: {fault}", highlight=False, markup=False)
    if len(report.errors) > _SHOWN:
        err.print(f"… and {len(report.errors) - _SHOWN} more.")
    if report.errors:
        err.print("Nothing was imported: a file is taken whole or not at all.")
        return 2
    counts = f"{report.added} new, {report.updated} changed, {report.unchanged} unchanged"
    out.print(f"{report.rows} orders read: {counts}, in {store}.")
    return 0
