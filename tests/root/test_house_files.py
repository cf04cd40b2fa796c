"""The root holds the joiners and nothing else, and importing a room does nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import xiaoer

ROOT = Path(xiaoer.__file__).parent

# Import every module and report whatever reached beyond the process.
_WATCH = """
import importlib, json, os, pkgutil, sys, threading
import xiaoer
done = []

def watch(event, args):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        done.append([event, str(args[1:])])
    if event == "subprocess.Popen":
        done.append([event, str(args[0])])
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        done.append([event, str(args[0])])
    if event == "sqlite3.connect":
        done.append([event, str(args[0])])

sys.addaudithook(watch)
before = dict(os.environ)
for module in pkgutil.walk_packages(xiaoer.__path__, "xiaoer."):
    if not module.name.startswith("xiaoer.storage.migrations"):
        importlib.import_module(module.name)
heavy = [name for name in ("sklearn", "chromadb", "jieba", "bm25s", "langchain_anthropic") if name in sys.modules]
threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
changed = sorted(name for name in os.environ if before.get(name) != os.environ[name])
print(json.dumps({"done": done, "heavy": heavy, "threads": threads, "changed": changed}))
"""

# What libraries do when they are imported: urllib3 asks whether the machine has IPv6, croniter (of
# procrastinate) whether it has 64 bits.
_NOT_OURS = [["socket.bind", "(('::1', 0),)"], ["subprocess.Popen", "file"]]


def test_only_the_joiners_stand_in_the_root() -> None:
    assert {file.name for file in ROOT.glob("*.py")} == {
        "__init__.py",
        "app.py",
        "cli.py",
        "house.py",
        "joints.py",
        "settings.py",
    }


def test_importing_every_module_writes_nothing_opens_nothing_and_loads_nothing_heavy(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-B", "-c", _WATCH], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    told = json.loads(ran.stdout)
    assert [one for one in told.pop("done") if one not in _NOT_OURS] == []
    assert told == {"heavy": [], "threads": [], "changed": []}
    assert ran.stdout.count("\n") == 1, "nothing is printed"
    assert list(tmp_path.iterdir()) == []


def test_help_is_instant_because_commands_import_when_they_run(tmp_path: Path) -> None:
    look = "import sys, xiaoer.cli; print([n for n in ('fastapi', 'langgraph', 'sklearn', 'mcp', 'alembic') if n in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.strip() == "[]", ran.stderr
