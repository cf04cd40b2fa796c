"""`xiaoer privacy export|erase|retention`: what the house keeps of a person, handed out or let go."""

from __future__ import annotations

import json
import sys

import typer
from rich.console import Console

from xiaoer.house import Foundation
from xiaoer.privacy.erase import Eraser, Report
from xiaoer.privacy.export import export_person
from xiaoer.privacy.subject import Wanted


def wanted_of(email: str, phone: str, customer: str, conversation: str, store: str) -> Wanted:
    """Raises BadInput unless exactly one person is named in one way."""
    return Wanted(email or None, phone or None, customer or None, conversation or None, store or None)


def run_export(base: Foundation, wanted: Wanted, file: str) -> int:
    """Write the JSON to `file`, or to stdout for "-"; 1 when nobody was found."""
    found = export_person(base.desk_engine, base.shop_engine, wanted, base.clock)
    text = json.dumps(found, ensure_ascii=False, indent=1)
    if file == "-":
        sys.stdout.write(text + "\n")
    else:
        from pathlib import Path

        Path(file).touch(mode=0o600)  # before a word of it is written
        Path(file).write_text(text + "\n", encoding="utf-8")
    return 0 if found["tables"] else 1


def run_erase(
    base: Foundation, wanted: Wanted, out: Console, *, dry: bool, yes: bool, keep_shop: bool
) -> int:
    """Show what would change, ask, erase; 0 done or nothing to do, 1 refused, 2 not confirmed."""
    eraser = Eraser(base.desk_engine, base.shop_engine, base.clock)
    seen = eraser.erase(wanted, dry=True, with_shop=not keep_shop)
    show(seen, out)
    if seen.subject.empty or dry:
        return 0
    if seen.blockers:
        return 1
    if not yes and not typer.confirm("Erase this for ever?"):
        out.print("Nothing was erased.")
        return 2
    done = eraser.erase(wanted, dry=False, with_shop=not keep_shop)
    show(done, out)
    return 0 if done.done else 1


def show(report: Report, out: Console) -> None:
    """The report in full; ids and counts, no personal data."""
    who = report.subject
    if who.empty:
        out.print("Nobody of this kind is known here; nothing is kept.")
        return
    verb = "would change" if report.dry else "changed"
    out.print(
        f"{len(who.customers)} customer record(s), {len(who.orders)} order(s), {len(who.conversations)} conversation(s), "
        f"{len(who.mentions)} message(s) of others that name them."
    )
    for name, count in sorted(report.changed.items()):
        if count:
            out.print(f"  {name}: {count} row(s) {verb}", highlight=False)
    for name, why in sorted(report.kept.items()):
        out.print(f"  {name}: kept: {why}", highlight=False)
    for blocker in report.blockers:
        out.print(f"  [red]refused[/red]: {blocker}", highlight=False)
    for note in report.notes:
        out.print(f"  note: {note}", highlight=False)
