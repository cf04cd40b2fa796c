"""A process that takes one refund from a person's decision to its receipt, to be killed on the way.

`python -m support.case_process DATABASE_URL HOME` decides what is pending and runs what is started;
run again it goes on from what the killed one has left. The effects stand in HOME/effects.jsonl, the
messages to the customer in the table `told`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session
from support.case_world import MAYA, TestClock, World, make_draft

from xiaoer.approvals import ledger
from xiaoer.approvals.keys import load_or_make_key
from xiaoer.approvals.savers import open_saver
from xiaoer.domain.actions import ActionStatus
from xiaoer.domain.messages import Reply
from xiaoer.storage.engine import make_engine, transaction
from xiaoer.storage.metadata import desk_metadata


class DurableOutbox:
    """Rows in the ledger's own transaction, as the inbox writes them."""

    def tell(self, session: Session, conversation_id: str, reply: Reply, dedupe: str) -> None:
        session.execute(
            text("INSERT INTO told VALUES (:key, :text) ON CONFLICT DO NOTHING"),
            {"key": dedupe, "text": reply.text},
        )


async def main(url: str, home: Path) -> None:
    engine = make_engine(url)
    desk_metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS told (dedupe TEXT PRIMARY KEY, text TEXT)"))
    key = load_or_make_key(home / "grant.pem")
    async with open_saver(url) as saver:
        world = World(engine, saver, TestClock(), key, DurableOutbox(), log=home / "effects.jsonl")  # type: ignore[arg-type]
        await run(world)


async def run(world: World) -> None:
    with transaction(world.engine) as session:
        proposed = ledger.propose(session, make_draft(), ActionStatus.PENDING, world.clock())
        row = ledger.get(session, "A-1")
    assert proposed.case_id is not None
    if row.status == ActionStatus.PENDING:
        await world.runner.run_case(proposed.case_id)
        await world.desk.decide("A-1", "approve", row.digest, MAYA)
    world.case_clock.recover()
    await world.run_jobs()
    await world.settle(30)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
