"""Runs one server over stdio on a shop that stands already: NAME DATABASE_URL KEYS.json."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from xiaoer.mcp_servers.deps import NoKnowledge, ServerDeps
from xiaoer.mcp_servers.platforms.local.platform import LocalPlatform
from xiaoer.mcp_servers.serve import serve_standalone
from xiaoer.mcp_servers.state import ServerState
from xiaoer.storage.engine import make_engine
from xiaoer.stores.loader import load_stores

name, url, keys_file = sys.argv[1:4]
said = json.loads(Path(keys_file).read_text())
now = datetime.fromisoformat(said.pop("now"))
keys = {role: Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for role, key in said.items()}
engine = make_engine(url)
platform = LocalPlatform(engine, lambda: now)
deps = ServerDeps(platform, ServerState(engine), load_stores(), keys, lambda: now, NoKnowledge())
serve_standalone(name, deps)
