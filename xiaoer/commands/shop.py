"""`xiaoer shop`: what the warehouse and the carrier say to the local shop, for demonstrations and small sellers."""

from __future__ import annotations

from rich.console import Console

from xiaoer.approvals.case_files import CaseFiles
from xiaoer.domain.refusals import Refusal
from xiaoer.house import Foundation
from xiaoer.mcp_servers.platforms.local import LocalPlatform, LocalShop


def run_returned(base: Foundation, store: str, return_id: str, out: Console, err: Console) -> int:
    """Book returned goods in; exit code 2 when the shop refuses."""
    try:
        found = LocalPlatform(base.shop_engine, base.clock).get_return(store, None, return_id)
        LocalShop(base.shop_engine, base.clock).receive_return(
            store, found[1].return_id if found else return_id
        )
    except Refusal as refused:
        err.print(str(refused), highlight=False, markup=False)
        return 2
    return _told(base, store, found[0] if found else "", f"Return {return_id} has arrived.", out)


def run_stopped(
    base: Foundation, store: str, order_no: str, tracking_no: str, stopped: bool, out: Console, err: Console
) -> int:
    """Book what the carrier answered; exit code 2 when nobody asked it."""
    try:
        LocalShop(base.shop_engine, base.clock).answer_interception(store, order_no, tracking_no, stopped)
    except Refusal as refused:
        err.print(str(refused), highlight=False, markup=False)
        return 2
    said = f"Parcel {tracking_no} {'was stopped' if stopped else 'could not be stopped'}."
    return _told(base, store, order_no, said, out)


def _told(base: Foundation, store: str, order_no: str, said: str, out: Console) -> int:
    waiting = CaseFiles(base.desk_engine, base.clock).look_soon(store, order_no)
    cases = (
        f" {waiting} waiting case{'' if waiting == 1 else 's'} will go on within seconds." if waiting else ""
    )
    out.print(said + cases, highlight=False, markup=False)
    return 0
