"""A private PostgreSQL cluster for the tests: started once a session, one fresh database a test.

Built from the server programs of the machine (Debian: `apt-get install postgresql`); where they are
not installed the tests that need them say so and skip.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

_PROGRAMS = Path("/usr/lib/postgresql")
# Durability is not what these tests ask of the server; speed is.
_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "5s",
    "listen_addresses": "127.0.0.1",
}


@dataclass(frozen=True)
class PostgresServer:
    """A running cluster on the loopback address; everybody who asks is trusted."""

    port: int
    home: Path

    def fresh_database_url(self) -> str:
        """A new empty database: `postgresql+psycopg://postgres@127.0.0.1:PORT/NAME`."""
        name = f"t_{secrets.token_hex(6)}"
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Remove a database even when a test has left connections open."""
        name = url.rsplit("/", 1)[1]
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _conninfo(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"


def find_programs() -> Path | None:
    """The newest installed `bin` with initdb and pg_ctl, or None."""
    found = sorted(_PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found and (found[-1].parent / "pg_ctl").exists():
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def start_server() -> Iterator[PostgresServer]:
    """Start a cluster in a temporary directory, hand it out, stop it and remove its files."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL server programs are not installed (apt-get install postgresql)")
    home = Path(tempfile.mkdtemp(prefix="xiaoer-pg-"))
    _give_to_server_user(home)
    try:
        yield from _run_cluster(programs, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run_cluster(programs: Path, home: Path) -> Iterator[PostgresServer]:
    data, port = home / "data", _free_port()
    _run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
    settings = " ".join(f"-c {key}={value}" for key, value in _OPTIONS.items())
    options = f"-p {port} -k {home} {settings}"
    _run(programs / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start")
    try:
        yield PostgresServer(port, home)
    finally:
        _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _run(*command: object) -> None:
    """Run as the user `postgres` when we are root: the server refuses to run as root."""
    drop = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    subprocess.run(
        [str(part) for part in command],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        cwd="/",
        **drop,  # type: ignore[call-overload]  # user and group only as root
    )


def _give_to_server_user(home: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(home, user.pw_uid, user.pw_gid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's private cluster (one a worker under xdist)."""
    yield from start_server()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh database, dropped after the test."""
    url = postgres_server.fresh_database_url()
    yield url
    postgres_server.drop(url)
