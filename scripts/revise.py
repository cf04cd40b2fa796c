"""Write a migration from the tables as they stand: `python scripts/revise.py desk|shop "what changes"`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

import xiaoer.app  # noqa: F401  # every room's tables enter their registry
from xiaoer.storage.engine import make_engine
from xiaoer.storage.migrate import config_of


def main(registry: str, message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'now.db'}")
        with engine.connect() as connection:
            config = config_of(registry, connection)  # type: ignore[arg-type]  # the command line's word
            command.upgrade(config, "head")
            connection.commit()
            command.revision(
                config, message, autogenerate=True, version_path=config.get_main_option("version_locations")
            )
        engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:3])
